"""The `rich_text` block that Slack makes of what people type."""

import html
import re
from collections.abc import Iterator
from typing import Final

from entrypoints.simulation.slack.models import JsonObject

_MARKUP: Final = re.compile(r"<([^<>]+)>|(?<![\w:]):([a-z0-9_+'-]+):(?!\w)")
_PREFIXES: Final = {
    "@": ("user", "user_id"),
    "#": ("channel", "channel_id"),
    "!subteam^": ("usergroup", "usergroup_id"),
}
_RANGES: Final = ("here", "channel", "everyone")


def rich_text_blocks(text: str) -> list[JsonObject]:
    """Returns the blocks of a message with this text, in Slack's own format: none for an empty text."""
    elements = list(_elements(text))
    section = {"type": "rich_text_section", "elements": elements}
    return [{"type": "rich_text", "block_id": "text", "elements": [section]}] if elements else []


def _elements(text: str) -> Iterator[JsonObject]:
    end = 0
    for match in _MARKUP.finditer(text):
        yield from _plain(text[end : match.start()])
        yield {"type": "emoji", "name": match[2]} if match[2] else _reference(match[1])
        end = match.end()
    yield from _plain(text[end:])


def _plain(text: str) -> Iterator[JsonObject]:
    if text:
        yield {"type": "text", "text": html.unescape(text)}


def _reference(content: str) -> JsonObject:
    """Returns the element for what stands between angle brackets: a mention, or a link with or without a label."""
    target, _, label = content.partition("|")
    for prefix, (kind, field) in _PREFIXES.items():
        if target.startswith(prefix):
            return {"type": kind, field: target.removeprefix(prefix)}
    if target.removeprefix("!") in _RANGES:
        return {"type": "broadcast", "range": target.removeprefix("!")}
    return {"type": "link", "url": html.unescape(target)} | ({"text": html.unescape(label)} if label else {})
