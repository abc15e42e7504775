import json
import re

import pytest
import yaml

from application.health import CHECKS
from entrypoints.config.settings import SettingsError, load_settings, variables
from entrypoints.config.variables import Variable
from tests.support.pages import DOCS, ROOT, codes, fences, page, rows, section, sources

OPERATORS = page("operators.md")
EVERY_VARIABLE = pytest.mark.parametrize("variable", variables(), ids=lambda variable: variable.name)


def row_of(variable: Variable) -> list[str]:
    [cells] = rows(section(OPERATORS, "## Variables"), f"`{variable.name}`")
    return cells


def mistake_in(variable: Variable) -> str:
    """What is said of a text that hardly any variable takes."""
    try:
        variable.parse("?")
    except ValueError as error:
        return str(error)
    return ""


def logged(levels: str) -> set[str]:
    """The names of the events that the code logs at these levels."""
    code = sources("application", "adapters", "entrypoints")
    return set(re.findall(rf'log\.(?:{levels})\(\s*"(\w+)"', code))


def explained_events() -> set[str]:
    """The names of the events in the operators' tables about logs."""
    table = rows(section(OPERATORS, "### Logs"), "(`[a-z_]+`(, )?)+")
    return {name for cells in table for name in codes(cells[0])}


def test_every_page_is_in_the_navigation() -> None:
    navigation = yaml.safe_load((ROOT / "mkdocs.yml").read_text())["nav"]
    pages = [path for entry in navigation for path in entry.values()]
    assert sorted(pages) == sorted(path.relative_to(DOCS).as_posix() for path in DOCS.rglob("*.md"))


def test_operators_find_every_variable_in_the_order_of_the_settings() -> None:
    table = section(OPERATORS, "## Variables")
    assert [codes(cells[0])[0] for cells in rows(table, r"`[A-Z_]+`")] == [variable.name for variable in variables()]


@EVERY_VARIABLE
def test_a_variables_row_names_its_default(variable: Variable) -> None:
    default = "required" if variable.is_required else f"`{variable.default}`" if variable.default else ""
    assert row_of(variable)[1] == default


@EVERY_VARIABLE
def test_a_variables_row_allows_what_its_mistakes_ask_for(variable: Variable) -> None:
    allowed = row_of(variable)[2].replace("`", "")
    asked_for = re.findall(r"from [\d.]+ to \d+|whole|\w+ or \w+(?=;)|key=value,key=value", mistake_in(variable))
    assert [promise for promise in asked_for if promise not in allowed] == []


@EVERY_VARIABLE
def test_a_variables_row_says_when_it_is_a_secret(variable: Variable) -> None:
    assert variable.is_secret == ("secret" in " ".join(row_of(variable)[2:]))


def test_operators_read_which_secrets_a_file_can_hold() -> None:
    told = section(OPERATORS, "### Secrets as files").partition("The five are")[2]
    assert sorted(codes(told)) == sorted(variable.name for variable in variables() if variable.is_secret)


def test_the_example_of_mistakes_is_answered_as_printed() -> None:
    examples = fences(OPERATORS)
    environment = dict(line.split("=", 1) for line in examples["An environment with mistakes"].splitlines())
    with pytest.raises(SettingsError) as mistakes:
        load_settings(environment)
    assert str(mistakes.value) + "\n" == examples["What they get"]


@pytest.mark.parametrize("title", ["All is well", "Flyte has been away for a while"])
def test_an_example_of_health_shows_the_checks_in_their_order(title: str) -> None:
    assert tuple(json.loads(fences(OPERATORS)[title])) == CHECKS


def test_operators_read_of_no_log_event_that_is_never_logged() -> None:
    assert explained_events()
    assert explained_events() - logged(r"\w+") == set()


def test_operators_read_of_every_log_event_that_warns_or_tells_of_an_error() -> None:
    assert logged("warning|error|exception") - explained_events() == set()


def test_contributors_read_of_no_adapter_that_does_not_exist() -> None:
    table = section(page("contributors.md"), "### The ports")
    named = {name for cells in rows(table, r"`\w+`") for name in codes(cells[2])}
    assert named
    assert named - set(re.findall(r"^class (\w+)", sources("adapters"), re.MULTILINE)) == set()
