"""The reference of commands and events is what its generator writes, from the tables and from examples that run."""

import re
from dataclasses import replace

import pytest

from application.catalog.commands import COMMANDS
from application.catalog.events import EVENTS
from application.catalog.specs import CommandSpec, EventSpec, Field
from entrypoints.lint.linter import lint_flow
from tests.reference.examples import EXAMPLES, read_example
from tests.reference.page import command_section, commands_overview, event_section, events_overview, introduction
from tests.support.pages import page

REFERENCE = page("reference.md")
SECTIONS = re.split(r"^(?=##)", REFERENCE, flags=re.MULTILINE)
SPECS: tuple[CommandSpec | EventSpec, ...] = (*COMMANDS, *EVENTS)
NAMES = [spec.name for spec in SPECS]
HINT = "the page is out of date: run make reference"


def shown(name: str) -> str:
    """Returns the section of a command or an event on the page; empty if there is none."""
    return next((text for text in SECTIONS if text.startswith(f"### {name}\n")), "").rstrip("\n")


@pytest.mark.parametrize("spec", COMMANDS, ids=lambda spec: spec.name)
def test_the_section_of_a_command_is_what_its_example_brings(spec: CommandSpec) -> None:
    assert shown(spec.name) == command_section(spec).rstrip("\n"), HINT


@pytest.mark.parametrize("spec", EVENTS, ids=lambda spec: spec.name)
def test_the_section_of_an_event_is_what_its_example_brings(spec: EventSpec) -> None:
    assert shown(spec.name) == event_section(spec).rstrip("\n"), HINT


def test_the_page_has_the_tables_of_all_commands_and_events_and_their_sections_in_this_order() -> None:
    others = [text.rstrip("\n") for text in SECTIONS if not text.startswith("### ")]

    assert others == [text.rstrip("\n") for text in (introduction(), commands_overview(), events_overview())], HINT
    assert re.findall(r"^### (.+)$", REFERENCE, re.MULTILINE) == NAMES, HINT


@pytest.mark.parametrize("spec", SPECS, ids=lambda spec: spec.name)
def test_the_flow_of_an_example_has_no_mistakes(spec: CommandSpec | EventSpec) -> None:
    example = read_example(spec)

    assert lint_flow(example.flow, example.file) == []


def test_every_example_is_one_of_a_command_or_an_event() -> None:
    files = [path.stem for kind in ("commands", "events") for path in (EXAMPLES / kind).iterdir()]

    assert sorted(files) == sorted(NAMES)


def test_a_new_command_is_refused_until_it_has_an_example() -> None:
    new = replace(COMMANDS[0], name="SendPostcard")

    with pytest.raises(LookupError, match=r"SendPostcard has no example: write .*/commands/SendPostcard\.md"):
        command_section(new)


def test_a_new_field_is_refused_until_it_has_a_meaning() -> None:
    new = replace(COMMANDS[0], fields=(*COMMANDS[0].fields, Field("stamp")))

    with pytest.raises(LookupError, match=r"stamp of SendMessage has no meaning: write one in .*/fields\.toml"):
        command_section(new)
