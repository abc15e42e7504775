"""What a person chooses or enters in an element, in the fields that Slack has for it."""

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final

from entrypoints.simulation.slack.models import JsonObject
from entrypoints.simulation.slack.rich_text import rich_text_blocks
from entrypoints.simulation.workspaces.workspace import NotAllowed, UnknownName

Choice = str | int | Sequence[str] | None
"""A text, an option's value or label, an id, a date, a time, or several of these; None for nothing."""

_ONE_OPTION: Final = ("static_select", "external_select", "overflow", "radio_buttons")
_OPTIONS: Final = ("multi_static_select", "multi_external_select", "checkboxes")
_FIELDS: Final = {
    "users_select": "selected_user",
    "multi_users_select": "selected_users",
    "conversations_select": "selected_conversation",
    "multi_conversations_select": "selected_conversations",
    "channels_select": "selected_channel",
    "multi_channels_select": "selected_channels",
    "datepicker": "selected_date",
    "timepicker": "selected_time",
    "datetimepicker": "selected_date_time",
    "rich_text_input": "rich_text_value",
    "file_input": "files",
}
"""The field for the choice, by the type of element; all others have `value`."""
_INITIAL: Final = (
    *("initial_value", "initial_option", "initial_options", "initial_date", "initial_time", "initial_date_time"),
    *("initial_user", "initial_users", "initial_conversation", "initial_conversations"),
    *("initial_channel", "initial_channels"),
)


def chosen(element: JsonObject, choice: Choice) -> JsonObject:
    """Returns the element's type and what was chosen, as in `actions` and in `state.values`.

    Options are given by value or label. Raises UnknownName for an option that the element does not have, NotAllowed
    for a date or a time that is none, or more choices than the element takes.
    """
    kind = str(element.get("type", ""))
    if kind in _ONE_OPTION:
        return {"type": kind, "selected_option": None if choice is None else _option(element, _single(kind, choice))}
    if kind in _OPTIONS:
        return {"type": kind, "selected_options": [_option(element, value) for value in several(choice)]}
    if kind in _FIELDS:
        return {"type": kind, _FIELDS[kind]: _field_value(kind, choice)}
    return {"type": kind, "value": choice if choice is None else str(_single(kind, choice))}


def initially_chosen(element: JsonObject) -> JsonObject:
    """Returns what an element has chosen before a person uses it."""
    initial = next((element[name] for name in _INITIAL if name in element), None)
    if isinstance(initial, Mapping):
        kind, field = str(element["type"]), "rich_text_value" if "elements" in initial else "selected_option"
        return {"type": kind, field: initial}
    if isinstance(initial, list) and "initial_options" in element:
        return {"type": element["type"], "selected_options": initial}
    return chosen(element, initial)


def options_of(element: JsonObject) -> list[JsonObject]:
    """Returns the options of an element, those of its groups too."""
    groups = [element, *(element.get("option_groups") or [])]
    return [option for group in groups for option in group.get("options") or []]


def label_of(option: JsonObject) -> str:
    """Returns the text of an option, a button or a block's label."""
    text = option.get("text") or option.get("label")
    return str(text.get("text", "") if isinstance(text, dict) else text or "")


def is_filled(value: JsonObject) -> bool:
    """Returns whether something is chosen or entered."""
    return any(content not in (None, "", []) for name, content in value.items() if name != "type")


def several(choice: Choice) -> list[str]:
    """Returns the parts of a choice."""
    if choice is None:
        return []
    return [str(choice)] if isinstance(choice, str | int) else [str(value) for value in choice]


def _field_value(kind: str, choice: Choice) -> Any:
    if kind == "file_input":
        return [{"id": file_id} for file_id in several(choice)]
    if kind.startswith("multi_"):
        return several(choice)
    if choice is None:
        return None
    value, read = _single(kind, choice), _READERS.get(kind)
    return read(str(value)) if read else value


def _single(kind: str, choice: Choice) -> str | int:
    if isinstance(choice, str | int):
        return choice
    [*parts] = choice or ()
    if len(parts) != 1:
        raise NotAllowed(f"a {kind} takes one choice, not {len(parts)}")
    return parts[0]


def _date(value: str) -> str:
    return _checked(value, "%Y-%m-%d", "a date such as 2026-12-31")


def _time(value: str) -> str:
    return _checked(value, "%H:%M", "a time such as 17:30")


def _checked(value: str, form: str, example: str) -> str:
    try:
        return datetime.strptime(value, form).replace(tzinfo=UTC).strftime(form)
    except ValueError:
        raise NotAllowed(f"{value} is not {example}") from None


def _unix_seconds(value: str) -> int:
    if value.isdecimal():
        return int(value)
    try:
        moment = datetime.fromisoformat(value)
    except ValueError:
        raise NotAllowed(f"{value} is not a time such as 2026-12-31 17:30") from None
    return int((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp())


def _rich_text(value: str) -> JsonObject | None:
    return next(iter(rich_text_blocks(value)), None)


_READERS: Final[Mapping[str, Callable[[str], Any]]] = {
    "datepicker": _date,
    "timepicker": _time,
    "datetimepicker": _unix_seconds,
    "rich_text_input": _rich_text,
}


def _option(element: JsonObject, name: str | int) -> JsonObject:
    known, wanted = options_of(element), str(name)
    by_value = (option for option in known if option.get("value") == wanted)
    by_label = (option for option in known if label_of(option).casefold() == wanted.casefold())
    found = next(by_value, None) or next(by_label, None)
    if found is None and "external" in str(element.get("type")):
        return {"text": {"type": "plain_text", "text": wanted}, "value": wanted}
    if found is None:
        raise UnknownName(f"there is no option {wanted}; there are: {', '.join(map(label_of, known))}")
    return found
