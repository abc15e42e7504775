"""Any text is linted: what cannot be read is reported, and never a traceback."""

import json
import random

import pytest

from entrypoints.lint.linter import lint_flow
from tests.support.pages import page, titled_blocks

FLOW = titled_blocks(page("lint.md"))["flow.yaml"]
PIECES = (
    "{{",
    "}}",
    "{%",
    "'",
    '"',
    "\\",
    " #",
    "\t",
    "\n",
    ": ",
    "- ",
    "[",
    "}",
    "*",
    "&a ",
    "? ",
    "// ",
    "\u2028",
    "\ufeff",
)
VALUES: tuple[object, ...] = (
    None,
    [],
    {"steps": None},
    {"steps": [None, 1, "x", []]},
    {"name": 1, "steps": [{"event": [], "command": "x", "context": [1], "criteria": {}, "dependsOn": {}}]},
    {"steps": [{"event": {"name": None}, "command": {"packName": "Slack", "name": "SendMessage", "input": [None]}}]},
)


@pytest.mark.parametrize("seed", range(60))
def test_a_damaged_flow_is_linted(seed: int) -> None:
    rng = random.Random(seed)
    text = FLOW
    for _ in range(rng.randint(1, 4)):
        at = rng.randrange(len(text))
        text = text[:at] + rng.choice(PIECES) + text[at + rng.choice((0, 1, 20)) :]

    assert all(finding.message for finding in lint_flow(text, "flow.yaml"))


@pytest.mark.parametrize("value", VALUES, ids=json.dumps)
@pytest.mark.parametrize("is_json", [True, False])
def test_a_value_that_is_no_flow_is_refused(*, value: object, is_json: bool) -> None:
    findings = lint_flow(json.dumps(value), "flow", is_json=is_json)

    assert "refused" in {finding.check for finding in findings}


def test_an_error_of_json_has_its_place() -> None:
    (finding,) = lint_flow('{"name": "x",\n "steps": [}', "flow.json", is_json=True)

    assert (
        str(finding)
        == "flow.json:2:12: Expecting value, so that Flyte cannot read the flow; correct the JSON [unreadable]"
    )


def test_two_hundred_mistakes_of_yaml_end_with_the_one_that_is_not_repaired() -> None:
    findings = lint_flow("x: {{ a }}\n" * 200, "flow.yaml")

    assert (findings[0].line, findings[0].check) == (1, "unquoted-template")
    assert findings[-1].check == "unreadable"


def test_an_empty_file_is_refused() -> None:
    assert str(*lint_flow("", "flow.yaml")) == "flow.yaml:1:1: expected an object [refused]"
