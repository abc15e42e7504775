"""The operators' and contributors' guides agree with the program."""

import inspect
import json
import re

import pytest
import yaml

from application.catalog.commands import COMMANDS
from application.catalog.specs import AskOperator, CommandSpec, LookFor, Repeat
from application.ports.chat import Chat
from application.ports.receiver import CONNECT
from application.services.waits import WaitKind
from entrypoints.config.issues import SettingsError
from entrypoints.config.settings import load_settings, variables
from entrypoints.config.variables import Variable
from entrypoints.container.ports import HEALTH_CHECKS
from tests.support.pages import DOCS, ROOT, code_spans, page, rows, section, sources, titled_blocks

OPERATORS, VARIABLES = page("operators.md"), page("variables.md")
README = (ROOT / "README.md").read_text()
EVERY_VARIABLE = pytest.mark.parametrize("variable", variables(), ids=lambda variable: variable.name)


def default_of(variable: Variable) -> str:
    """The cell that a table shows for the variable's default."""
    return "required" if variable.is_required else f"`{variable.default}`" if variable.default else ""


def row_of(variable: Variable) -> list[str]:
    [cells] = rows(section(VARIABLES, "## All variables"), f"`{variable.name}`")
    return cells


def parse_error(variable: Variable) -> str:
    """The message for a text that hardly any variable accepts; empty if it is accepted."""
    try:
        variable.parse("?")
    except ValueError as error:
        return str(error)
    return ""


def logged_events(levels: str) -> set[str]:
    """The names of the events that the code logs at these levels."""
    code = sources("application", "adapters", "entrypoints")
    return set(re.findall(rf'log\.(?:{levels})\(\s*"(\w+)"', code))


def explained_events() -> set[str]:
    """The names of the events in the operators' tables of log events."""
    table = rows(section(page("monitoring.md"), "## Logs"), "(`[a-z_]+`(, )?)+")
    return {name for cells in table for name in code_spans(cells[0])}


def test_every_page_is_in_the_navigation() -> None:
    navigation = yaml.safe_load((ROOT / "mkdocs.yml").read_text())["nav"]
    pages = [path for entry in navigation for path in entry.values()]
    assert sorted(pages) == sorted(path.relative_to(DOCS).as_posix() for path in DOCS.rglob("*.md"))


def test_the_table_lists_every_variable_in_the_order_of_the_settings() -> None:
    table = section(VARIABLES, "## All variables")
    assert [code_spans(cells[0])[0] for cells in rows(table, r"`[A-Z_]+`")] == [
        variable.name for variable in variables()
    ]


@EVERY_VARIABLE
def test_the_row_of_a_variable_has_its_default(variable: Variable) -> None:
    assert row_of(variable)[1] == default_of(variable)


def test_the_readme_shows_the_variables_to_start_with_and_their_defaults() -> None:
    table = {code_spans(cells[0])[0]: cells[1] for cells in rows(section(README, "## Run it"), r"`[A-Z_]+`")}
    defaults = {variable.name: default_of(variable) for variable in variables()}
    assert len(table) == 6
    assert table.items() <= defaults.items()


@EVERY_VARIABLE
def test_the_row_of_a_variable_allows_what_its_error_message_asks_for(variable: Variable) -> None:
    allowed = row_of(variable)[2].replace("`", "")
    required = re.findall(r"from [\d.]+ to \d+|whole|\w+ or \w+(?=,)|key=value,key=value", parse_error(variable))
    assert [words for words in required if words not in allowed] == []


@EVERY_VARIABLE
def test_the_row_of_a_variable_says_whether_it_is_a_secret(variable: Variable) -> None:
    assert variable.is_secret == ("secret" in " ".join(row_of(variable)[2:]))


def test_the_section_about_files_lists_every_secret() -> None:
    listed = section(VARIABLES, "## Secrets as files").partition("The five secrets are")[2]
    assert sorted(code_spans(listed)) == sorted(variable.name for variable in variables() if variable.is_secret)


def test_the_example_of_invalid_settings_gets_the_errors_that_the_page_shows() -> None:
    examples = titled_blocks(VARIABLES)
    environment = dict(line.split("=", 1) for line in examples["Invalid settings"].splitlines())
    with pytest.raises(SettingsError) as raised:
        load_settings(environment)
    assert str(raised.value) + "\n" == examples["The error messages"]


@pytest.mark.parametrize("title", ["Healthy", "Flyte is down"])
def test_an_example_of_the_health_response_has_every_check_in_order(title: str) -> None:
    assert tuple(json.loads(titled_blocks(OPERATORS)[title])) == HEALTH_CHECKS


def test_every_log_event_in_the_tables_is_logged_somewhere() -> None:
    assert explained_events()
    assert explained_events() - logged_events(r"\w+") == set()


def test_every_event_that_is_logged_above_debug_is_in_the_tables() -> None:
    assert logged_events("info|warning|error|exception") - explained_events() == set()


def test_the_tables_give_the_levels_at_which_events_are_logged() -> None:
    at_level = {
        "debug": logged_events("debug"),
        "info": logged_events("info"),
        "warning": logged_events("warning"),
        "error": logged_events("error|exception"),
    }
    for names, levels, *_ in rows(section(page("monitoring.md"), "## Logs"), "(`[a-z_]+`(, )?)+"):
        told, events = set(levels.split(", ")), set(code_spans(names))
        logged = {level for level, logged in at_level.items() if events & logged}
        assert told == logged - ({"debug"} - told), names


def test_every_adapter_in_the_table_of_ports_exists() -> None:
    table = section(page("contributors.md"), "### The ports")
    named = {name for cells in rows(table, r"`\w+`") for name in code_spans(cells[2])}
    assert named
    assert named - set(re.findall(r"^class (\w+)", sources("adapters"), re.MULTILINE)) == set()


def rule_of(spec: CommandSpec) -> str:
    """The name of a rule for doubt in the guide to delivery."""
    match spec.in_doubt:
        case Repeat(settled_by=""):
            return "repeated"
        case Repeat():
            return "repeated, with a tell-tale"
        case LookFor():
            return "looked for, then repeated"
        case AskOperator():
            return "the operator decides"


@pytest.mark.parametrize("spec", COMMANDS, ids=lambda spec: spec.name)
def test_the_guide_to_delivery_lists_every_command_at_its_rule_for_doubt(spec: CommandSpec) -> None:
    [cells] = rows(section(page("delivery.md"), "### In doubt"), re.escape(rule_of(spec)))
    assert spec.name in code_spans(cells[1])
    assert not isinstance(spec.in_doubt, Repeat) or spec.in_doubt.settled_by in {"", *code_spans(cells[2])}


def test_the_guide_lists_every_method_that_slack_can_pause() -> None:
    methods = {name for name, _ in inspect.getmembers(Chat, inspect.iscoroutinefunction)}
    listed = section(OPERATORS, "### Pauses").partition("which is one of")[2].partition(".")[0]
    assert set(code_spans(listed)) == methods - {"post"} | {CONNECT}


def test_the_guide_to_delivery_lists_everything_that_an_entry_may_wait_for() -> None:
    table = rows(section(page("delivery.md"), "## Inspect and manage queues"), r"`[a-z]+`")
    assert {code_spans(cells[0])[0] for cells in table} == {kind.value for kind in WaitKind}


def test_what_operators_can_do_about_a_wait_is_listed_by_the_words_of_the_lists() -> None:
    table = rows(section(OPERATORS, "## Why is something late?"), r".*`.*")
    said = {re.sub(r" ?[(.].*", "", words) for cells in table for words in code_spans(cells[0])}
    code = (ROOT / "application" / "services" / "waits.py").read_text()
    assert len(said) > 10
    assert [words for words in said if words not in code] == []
