"""The flow authors' guide agrees with the program."""

import json
import re
from pathlib import Path

import pytest
import yaml

from adapters.serialization.command_inputs import parse_command
from adapters.serialization.event_payloads import event_payload
from adapters.slack.error_help import EXPLANATIONS
from application.catalog.commands import COMMANDS
from application.catalog.events import EVENTS_BY_NAME
from domain.channels import ChannelId
from domain.commands import SendMessage
from domain.events import MessageSent
from domain.json_values import Json
from domain.messages import MessageKeys, Receipt
from entrypoints.flow_tests.command import run_test
from entrypoints.flow_tests.parsing.file_parser import read_tests
from entrypoints.flow_tests.quiet_logs import silent_logs
from entrypoints.lint.linter import lint_flow
from entrypoints.simulation.flyte.flow_loader import flow_from_values
from tests.support.pages import ROOT, code_spans, page, rows, section, titled_blocks

FLOW_AUTHORS = page("flow-authors.md")
ERRORS = list(rows(section(FLOW_AUTHORS, "## Errors").partition("The pack's own")[0], "`.*`"))

OPS = ChannelId("C024BE91L")


def example(title: str) -> Json:
    value: Json = json.loads(titled_blocks(FLOW_AUTHORS)[title])
    return value


def test_the_flow_on_the_page_is_the_example_file() -> None:
    name = "examples/flows/on_call.yaml"
    flow = [line for line in (ROOT / name).read_text().splitlines() if not line.startswith("#")]
    assert titled_blocks(FLOW_AUTHORS)[name].splitlines() == flow


def test_the_table_of_a_step_lists_every_key() -> None:
    names = {"packName": "a", "name": "b"}
    flow = {"name": "a", "steps": [{"event": names, "command": names, "q": ""}]}
    (finding,) = lint_flow(json.dumps(flow), "a", is_json=True)
    known = finding.message.partition("expected one of: ")[2].split(", ")
    table = rows(section(FLOW_AUTHORS, "## A flow"), "`.*`")
    assert sorted(code_spans(cells[0])[0] for cells in table) == sorted(known)


def test_the_examples_with_a_key_are_a_command_and_its_event() -> None:
    keyed = parse_command("SendMessage", example("SendMessage with a key"))
    assert isinstance(keyed, SendMessage)
    assert keyed.message.keys == MessageKeys(message_key="alert 4711")
    sent = MessageSent(keyed.message, Receipt(OPS, "1355517536.000001", is_updated=True))
    assert example("MessageSent with a key") == event_payload(sent)


def test_no_outcome_of_a_command_has_the_name_of_an_event_that_the_pack_publishes() -> None:
    outcomes = {name for spec in COMMANDS for name in (spec.success, spec.failure)}
    assert outcomes.isdisjoint(EVENTS_BY_NAME)


RECIPES = titled_blocks(section(FLOW_AUTHORS, "## Recipes"))


@pytest.mark.parametrize("title", RECIPES)
def test_a_recipe_is_a_flow_without_mistakes(title: str) -> None:
    assert flow_from_values(yaml.safe_load(RECIPES[title]), title).steps
    assert not lint_flow(RECIPES[title], title)


@pytest.mark.parametrize("name", ["only_in_ops", "two_branches"])
def test_a_flow_beside_its_test_has_no_mistakes_and_passes(name: str, tmp_path: Path) -> None:
    blocks = titled_blocks(FLOW_AUTHORS)
    for title in (f"{name}.yaml", f"{name}_test.yaml"):
        (tmp_path / title).write_text(blocks[title])

    assert not lint_flow(blocks[f"{name}.yaml"], name)
    tests = read_tests(tmp_path / f"{name}_test.yaml")
    with silent_logs():
        assert [run_test(test).failure for test in tests] == [None] * len(tests)


def is_explanation(code: str, meaning: str) -> bool:
    """Whether the text explains the code, for some subject."""
    return re.fullmatch(".+".join(map(re.escape, re.split(r"{\w+}", EXPLANATIONS[code]))), meaning) is not None


@pytest.mark.parametrize(("code", "meaning"), ERRORS, ids=[cells[0] for cells in ERRORS])
def test_a_row_of_the_table_of_errors_is_the_explanation_that_flows_get(code: str, meaning: str) -> None:
    assert is_explanation(code_spans(code)[0], meaning)


def test_the_table_of_errors_has_rows() -> None:
    assert len(ERRORS) > 15
