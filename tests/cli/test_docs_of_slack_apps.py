"""The page for people who know Slack apps: its flows run as it says."""

from pathlib import Path

import pytest

from application.catalog.commands import COMMANDS
from application.catalog.events import EVENTS
from entrypoints.flow_tests.command import run_test
from entrypoints.flow_tests.parsing.file_parser import read_tests
from entrypoints.flow_tests.quiet_logs import silent_logs
from entrypoints.lint.linter import lint_flow
from entrypoints.simulation.flyte.flow_loader import flow_from_text
from tests.support.console import open_console
from tests.support.pages import code_spans, page, printed_lines, rows, section, titled_blocks, typed_lines

PAGE = page("from-a-slack-app.md")
BLOCKS = titled_blocks(PAGE)
FLOWS = ["hello.yaml", "hello_button.yaml", "hello_form.yaml"]


@pytest.mark.parametrize("title", FLOWS)
def test_a_flow_has_no_mistakes(title: str) -> None:
    assert lint_flow(BLOCKS[title], title) == []


@pytest.mark.parametrize("title", FLOWS)
async def test_a_conversation_is_the_actual_one(title: str) -> None:
    shown = BLOCKS[f"flyte-slack simulate --flow {title}"]

    async with open_console(flows=[flow_from_text(BLOCKS[title], title, is_json=False)]) as console:
        assert await console.run(*typed_lines(shown)) == printed_lines(shown)


def test_the_test_passes(tmp_path: Path) -> None:
    for title in ("hello_form.yaml", "hello_form_test.yaml"):
        (tmp_path / title).write_text(BLOCKS[title])

    [test] = read_tests(tmp_path / "hello_form_test.yaml")
    with silent_logs():
        assert run_test(test).failure is None


def test_the_table_has_every_command_and_event() -> None:
    table = rows(section(PAGE, "## What is what"), ".*")
    named = {name for cells in table for name in code_spans(cells[1])}

    assert {spec.name for spec in (*COMMANDS, *EVENTS)} - named == set()
