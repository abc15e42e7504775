"""The page about the linter agrees with the program: its examples are linted."""

import re

import pytest

from entrypoints.cli import commands as cli
from entrypoints.lint.checks import CHECKS, Check
from entrypoints.lint.linter import lint_flow
from tests.support.pages import page, rows, section, titled_blocks

LINT = page("lint.md")
BLOCKS = titled_blocks(LINT)
FLOW = BLOCKS["flow.yaml"]


def lines_of(diff: str, sign: str) -> str:
    return "".join(f"{line[1:]}\n" for line in diff.splitlines() if line[0] == sign)


def test_the_flow_of_the_examples_has_no_findings() -> None:
    assert lint_flow(FLOW, "flow.yaml") == []


def test_the_page_explains_exactly_the_checks() -> None:
    assert sorted(re.findall(r"^### (\S+)$", LINT, re.MULTILINE)) == sorted(check.id for check in CHECKS)


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.id)
def test_a_section_has_the_check_s_summary(check: Check) -> None:
    assert check.summary in section(LINT, f"### {check.id}").replace("\n", " ")


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.id)
def test_a_mistake_on_the_page_gets_the_message_on_the_page_and_no_other(check: Check) -> None:
    wrong, right = (lines_of(BLOCKS[check.id], sign) for sign in "-+")
    assert FLOW.count(right) == 1
    findings = lint_flow(FLOW.replace(right, wrong), "flow.yaml")

    assert "".join(f"{finding}\n" for finding in findings) == BLOCKS[f"the message of {check.id}"]
    assert [finding.check for finding in findings] == [check.id]


def test_the_table_lists_every_argument() -> None:
    options = {option for parameter in cli.lint.params for option in parameter.opts if option.startswith("--")}

    assert {cells[0].strip("`").split()[0] for cells in rows(LINT, "`.*`")} == {"FLOW...", *options}
