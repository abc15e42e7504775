"""The page docs/reference.md: what the tables say of each command and event, its example, and what came back."""

import json
import tomllib
from collections.abc import Iterable, Iterator, Mapping, Sequence

from application.catalog.commands import COMMANDS
from application.catalog.events import EVENTS
from application.catalog.specs import CommandSpec, EventSpec
from domain.json_values import Json
from tests.reference.cells import command_cells, event_cells, required_cell
from tests.reference.examples import EXAMPLES, Example, read_example, run_example

_LINE_LENGTH = 100
_MEANINGS: Mapping[str, Mapping[str, str]] = tomllib.loads((EXAMPLES / "fields.toml").read_text())
_COMMON_FIELDS = ("channelId", "user", "teamId")
"""Of all events."""


def reference_page() -> str:
    """Returns the page."""
    commands = (commands_overview(), *map(command_section, COMMANDS))
    events = (events_overview(), *map(event_section, EVENTS))
    return "\n".join((introduction(), *commands, *events))


def introduction() -> str:
    """Returns what is above the first section."""
    return (EXAMPLES / "introduction.md").read_text()


def commands_overview() -> str:
    """Returns the section with the table of all commands."""
    head = ("command", "purpose", "events, and what they add", "in doubt")
    return (EXAMPLES / "commands.md").read_text() + "\n" + _table(head, map(command_cells, COMMANDS))


def events_overview() -> str:
    """Returns the section with the table of all events."""
    head = ("event", "meaning")
    return (EXAMPLES / "events.md").read_text() + "\n" + _table(head, map(event_cells, EVENTS))


def command_section(spec: CommandSpec) -> str:
    """Returns the section of a command. Raises LookupError if it or a field is not described."""
    example = read_example(spec)
    payloads = run_example(example)
    assert tuple(payloads) == (spec.success, spec.failure), f"the tests of {spec.name} are not named after its events"
    return _section(example, _table(("field", "type", "required", "meaning"), _command_fields(spec)), payloads)


def event_section(spec: EventSpec) -> str:
    """Returns the section of an event. Raises LookupError if it or a field is not described."""
    example = read_example(spec)
    payloads = run_example(example)
    assert spec.name in payloads, f"no test of {spec.name} is named after it"
    payload = payloads[spec.name]
    assert isinstance(payload, dict)
    assert set(payload) == {*_COMMON_FIELDS, *spec.fields}, f"{spec.name} does not have the fields of its table"
    fields = [(f"`{name}`", _type(payload[name]), _meaning("events", spec.name, name)) for name in spec.fields]
    return _section(example, _table(("field", "type", "meaning"), fields), payloads)


def _section(example: Example, fields: str, payloads: Mapping[str, Json]) -> str:
    blocks = [_block("yaml", example.file, example.flow)]
    blocks += [_block("json", name, _folded(payload, indent=0) + "\n") for name, payload in payloads.items()]
    parts = [f"### {example.name}\n", example.introduction + "\n", fields, *blocks]
    return "\n".join([*parts, example.notes + "\n"] if example.notes else parts)


def _command_fields(spec: CommandSpec) -> Iterator[Sequence[str]]:
    for field in spec.fields:
        meaning = _meaning("commands", spec.name, field.name)
        yield f"`{field.name}`", field.type.value, required_cell(spec, field.name), meaning
    if spec.passes_on:
        yield "any other", "", "", "goes to Slack unchanged"


def _meaning(kind: str, name: str, field: str) -> str:
    meaning = _MEANINGS[kind].get(f"{name}.{field}") or _MEANINGS[kind].get(field)
    if meaning is None:
        raise LookupError(f"{field} of {name} has no meaning: write one in examples/reference/fields.toml")
    return meaning


def _type(value: Json) -> str:
    """Returns what a value of an event is, in the words of the table."""
    match value:
        case bool():
            return "a boolean"
        case str():
            return "a string"
        case dict():
            return "an object"
        case list():
            return "a list"
        case _:
            return "a number"


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    line, *lines = (f"| {' | '.join(cells)} |\n" for cells in (head, *rows))
    return "".join((line, "|---" * len(head), "|\n", *lines))


def _block(language: str, title: str, text: str) -> str:
    return f'```{language} title="{title}"\n{text}```\n'


def _folded(value: Json, indent: int, used: int = 0) -> str:
    """Returns JSON in which each object and list that fits into what is left of its line stands in that line."""
    flat = json.dumps(value, ensure_ascii=False)
    if len(flat) + indent + used <= _LINE_LENGTH or not isinstance(value, dict | list):
        return flat
    separator = ",\n" + " " * (indent + 1)
    if isinstance(value, list):
        return f"[{separator.join(_folded(item, indent + 1) for item in value)}]"
    names = {name: f"{json.dumps(name)}: " for name in value}
    items = (names[name] + _folded(item, indent + 1, len(names[name])) for name, item in value.items())
    return f"{{{separator.join(items)}}}"
