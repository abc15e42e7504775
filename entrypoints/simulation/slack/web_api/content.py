"""The content of messages in calls of the simulated Web API: text, blocks, attachments, metadata and thread."""

import re
from typing import Any, Final

from entrypoints.simulation.slack.block_kit.check import message_errors, table_count
from entrypoints.simulation.slack.models import Channel, JsonObject
from entrypoints.simulation.slack.web_api.api import MethodCall, SlackError, fail_if, invalid

MAX_TEXT: Final = 40_000
"""Slack truncates longer texts without an error."""
MAX_MARKDOWN: Final = 12_000
MAX_ATTACHMENTS: Final = 100
MAX_BLOCK_TEXT: Final = 13_200
MAX_METADATA: Final = 8_000
"""An assumption: Slack has a limit but does not document it."""

EVENT_TYPE: Final = re.compile(r"[A-Za-z0-9_-]+")
THREAD_TS: Final = re.compile(r"\d{9,11}\.\d{1,6}")
SYSTEM_SUBTYPE: Final = re.compile(r"(channel|group)_\w+")
"""The subtypes of Slack's own notices in a channel, which have no threads."""


def read_content(call: MethodCall) -> tuple[JsonObject, JsonObject | None]:
    """Returns the validated fields and metadata of a message. Raises SlackError."""
    markdown, text = call.text("markdown_text"), call.text("text")
    blocks, attachments = read_blocks(call), _attachments(call)
    fail_if(markdown and (text or blocks), "markdown_text_conflict")
    fail_if(len(markdown) > MAX_MARKDOWN, "msg_too_long")
    fail_if(not (text or markdown or blocks or attachments), "no_text")
    _check_tables(blocks, attachments)
    fields: JsonObject = {"text": (text or markdown)[:MAX_TEXT]}
    fields |= {"blocks": blocks} if blocks else {}
    fields |= {"attachments": attachments} if attachments else {}
    return fields, _metadata(call)


def read_changes(call: MethodCall) -> tuple[JsonObject, JsonObject | None]:
    """Returns the fields of a message to change, and the new metadata. Raises SlackError.

    As in Slack, a message keeps the blocks and attachments that the call does not name; empty lists remove them.
    """
    fields, metadata = read_content(call)
    emptied: JsonObject = {name: [] for name in ("blocks", "attachments") if call.arguments.get(name) is not None}
    return emptied | fields, metadata


def read_blocks(call: MethodCall) -> list[Any]:
    """Returns the validated argument `blocks`, empty when it is missing. Raises SlackError."""
    blocks = _list(call, "blocks", "invalid_blocks_format")
    if errors := message_errors(blocks):
        raise invalid("invalid_blocks", errors)
    fail_if(sum(map(_text_length, blocks)) > MAX_BLOCK_TEXT, "msg_blocks_too_long")
    return blocks


def read_thread(call: MethodCall, channel: Channel) -> str | None:
    """Returns the thread that the call is about, None for none. Raises SlackError."""
    thread_ts = call.text("thread_ts")
    if not thread_ts:
        return None
    fail_if(not THREAD_TS.fullmatch(thread_ts), "invalid_thread_ts")
    parent = channel.messages.get(thread_ts)
    subtype = parent.fields.get("subtype", "") if parent else ""
    fail_if(SYSTEM_SUBTYPE.fullmatch(subtype), "cannot_reply_to_message")
    return thread_ts


def _text_length(value: Any) -> int:
    if isinstance(value, dict):
        own = len(value["text"]) if isinstance(value.get("text"), str) else 0
        return own + sum(_text_length(inner) for inner in value.values())
    return sum(map(_text_length, value)) if isinstance(value, list) else 0


def _attachments(call: MethodCall) -> list[Any]:
    attachments = _list(call, "attachments", "invalid_attachments")
    fail_if(not all(isinstance(one, dict) for one in attachments), "invalid_attachments")
    fail_if(len(attachments) > MAX_ATTACHMENTS, "too_many_attachments")
    for number, blocks in enumerate(one.get("blocks", []) for one in attachments):
        place = f"/attachments/{number}/blocks"
        if errors := message_errors(blocks, place):
            raise invalid("invalid_attachments", errors)
    return attachments


def _check_tables(blocks: list[Any], attachments: list[Any]) -> None:
    """Raises SlackError for more than one table: Slack turns tables into attachments, of which it allows one."""
    tables = sum(map(table_count, [blocks, *(one.get("blocks", []) for one in attachments)]))
    if tables > 1:
        raise invalid("invalid_attachments", ["only_one_table_allowed"])


def _list(call: MethodCall, name: str, code: str) -> list[Any]:
    value = call.json_value(name, code)
    if value is None:
        return []
    if not isinstance(value, list):
        raise SlackError(code)
    return value


def _metadata(call: MethodCall) -> JsonObject | None:
    metadata = call.json_value("metadata", "invalid_metadata_format")
    if metadata is None:
        return None
    if not isinstance(metadata, dict) or not isinstance(metadata.get("event_payload"), dict):
        raise SlackError("invalid_metadata_format")
    event_type = metadata.get("event_type")
    if not isinstance(event_type, str) or not EVENT_TYPE.fullmatch(event_type):
        raise SlackError("invalid_metadata_schema")
    fail_if(len(str(metadata)) > MAX_METADATA, "metadata_too_large")
    return {"event_type": event_type, "event_payload": metadata["event_payload"]}
