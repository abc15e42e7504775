"""The values of interactive elements, as flows see them: a text, a number, or a list of texts."""

from collections.abc import Iterator
from typing import Final

from adapters.slack.values import json_list, json_object, object_list, text
from domain.interactions import State
from domain.json_values import Json, JsonObject

_LISTS: Final = ("selected_users", "selected_conversations", "selected_channels")
_SINGLES: Final = (
    "selected_user",
    "selected_conversation",
    "selected_channel",
    "selected_date",
    "selected_time",
    "selected_date_time",
    "value",
)
_LIST_TYPES: Final = ("checkboxes", "file_input")
"""The element types with several values, besides those that begin with `multi_`."""

_RICH_TEXTS: Final = {
    "text": ("text", "{}"),
    "emoji": ("name", ":{}:"),
    "user": ("user_id", "<@{}>"),
    "channel": ("channel_id", "<#{}>"),
    "usergroup": ("usergroup_id", "<!subteam^{}>"),
    "broadcast": ("range", "<!{}>"),
    "color": ("value", "{}"),
    "date": ("fallback", "{}"),
}
"""The elements of rich text that have one field, and how it is written in texts."""


def element_value(element: JsonObject) -> Json:
    """Returns the value of an element in an action or in a form; empty if nothing is chosen or entered."""
    if "selected_options" in element:
        return [text(option.get("value")) for option in object_list(element, "selected_options")]
    if "files" in element:
        return [text(file.get("id")) for file in object_list(element, "files")]
    for name in _LISTS:
        if name in element:
            return [text(item) for item in json_list(element[name])]
    if "selected_option" in element:
        return text(json_object(element["selected_option"]).get("value"))
    if "rich_text_value" in element:
        return "".join(_texts(element["rich_text_value"])).strip("\n")
    given = next((element[name] for name in _SINGLES if name in element), None)
    return _scalar(given) if given is not None else _nothing(element)


def form_state(state: JsonObject) -> State:
    """Returns `{block id: {action id: value}}` of a view's or a message's state."""
    return {
        block_id: {action_id: element_value(json_object(element)) for action_id, element in json_object(block).items()}
        for block_id, block in json_object(state.get("values")).items()
    }


def value_texts(value: Json) -> tuple[str, ...]:
    """Returns the values of a list, or the only value, as texts; none for an empty value."""
    return tuple(str(item) for item in (value if isinstance(value, list) else [value]) if item != "")


def _scalar(value: Json) -> Json:
    is_unix_seconds = isinstance(value, int) and not isinstance(value, bool)
    return value if is_unix_seconds else text(value)


def _nothing(element: JsonObject) -> Json:
    kind = text(element.get("type"))
    return [] if kind.startswith("multi_") or kind in _LIST_TYPES else ""


def _texts(value: Json) -> Iterator[str]:
    """Yields the text of rich text, without its formatting: a line for each section and each entry of a list."""
    element = json_object(value)
    kind = text(element.get("type"))
    if kind in _RICH_TEXTS:
        name, form = _RICH_TEXTS[kind]
        yield form.format(text(element.get(name)))
    elif kind == "link":
        yield text(element.get("text")) or text(element.get("url"))
    else:
        for child in json_list(element.get("elements")):
            yield from _texts(child)
        if kind in ("rich_text_section", "rich_text_preformatted", "rich_text_quote"):
            yield "\n"
