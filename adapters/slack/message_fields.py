"""The fields of messages, as Slack's methods take them."""

from typing import Final

from adapters.serialization.json_codec import read_json
from domain.commands import without_token
from domain.json_values import Json, JsonObject

_LISTS: Final = ("attachments", "blocks")
"""Fields that may be strings with a JSON list, since templates produce only strings."""
_OMITTED_IF_EMPTY: Final = ("metadata", "thread_ts")
"""Fields for which templates produce an empty text if there is none. It means nothing to Slack."""
_UPDATABLE: Final = (
    *("text", "blocks", "attachments", "markdown_text", "metadata"),
    *("file_ids", "link_names", "parse", "reply_broadcast"),
)
"""The fields of `chat.update`; it refuses some others, and ignores the rest."""


def message_fields(fields: JsonObject) -> JsonObject:
    """Returns the fields with lists for JSON texts, and without a token and the empty texts of templates."""
    lists = {name: _as_list(fields[name]) for name in _LISTS if name in fields}
    given = {name: value for name, value in fields.items() if value != "" or name not in _OMITTED_IF_EMPTY}
    return without_token(given) | lists


def update_fields(fields: JsonObject) -> JsonObject:
    """Returns those of the fields that `chat.update` takes."""
    return {name: value for name, value in message_fields(fields).items() if name in _UPDATABLE}


def scheduled_fields(fields: JsonObject) -> JsonObject:
    """Returns the fields without metadata: Slack accepts a scheduled message that has some, and never posts it."""
    return {name: value for name, value in message_fields(fields).items() if name != "metadata"}


def _as_list(value: Json) -> Json:
    """Parses a string with a JSON list, or an empty one. Others stay as they are, for Slack to accept or reject."""
    if value == "":
        return []
    if not isinstance(value, str):
        return value
    try:
        parsed = read_json(value)
    except ValueError:
        return value
    return parsed if isinstance(parsed, list) else value
