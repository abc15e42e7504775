"""The visible text of a message: its text, and the texts in its blocks and attachments."""

import json
from collections.abc import Iterator, Mapping

_TEXTS = ("pretext", "author_name", "title", "text", "value", "footer", "fallback", "alt_text")
_CHILDREN = ("fields", "elements", "actions", "accessory", "blocks", "options")
_MAX_DEPTH = 20


def visible_text(message: Mapping[str, object]) -> str:
    """Returns a message's text, followed by the lines of its blocks and attachments, each after a bar.

    The blocks of people's messages only repeat the text.
    """
    text = message.get("text")
    lines = [text] if isinstance(text, str) and text else []
    keys = ("attachments",) if "client_msg_id" in message else ("blocks", "attachments")
    lines += [f"| {line}" for key in keys for line in _lines(_parsed(message.get(key)), 0) if line not in lines]
    return "\n".join(lines)


def view_text(view: Mapping[str, object]) -> str:
    """Returns the lines of the blocks of a modal or a Home tab, with the labels of what can be filled in."""
    blocks = view.get("blocks")
    return "\n".join(line for block in (blocks if isinstance(blocks, list) else ()) for line in _block_lines(block))


def _parsed(value: object) -> object:
    """Returns blocks or attachments, which an app may send as JSON text; None for text that is none."""
    try:
        return json.loads(value) if isinstance(value, str) else value
    except ValueError:
        return None


def _block_lines(block: object) -> Iterator[str]:
    is_input = isinstance(block, Mapping) and block.get("type") == "input"
    yield from _lines(block["label"] if is_input and isinstance(block, Mapping) else block, 0)


def _lines(element: object, depth: int) -> Iterator[str]:
    """Yields an element's lines in the order of their display; a fallback only if there is nothing else."""
    if depth > _MAX_DEPTH:
        return
    if isinstance(element, list):
        for item in element:
            yield from _lines(item, depth + 1)
    elif isinstance(element, Mapping):
        keys = (key for key in (*_TEXTS, *_CHILDREN) if key != "fallback")
        found = [line for key in keys for line in _lines_of(key, element, depth)]
        yield from found or _lines_of("fallback", element, depth)


def _lines_of(key: str, element: Mapping[str, object], depth: int) -> Iterator[str]:
    value = element.get(key)
    if key == "value" and ("type" in element or "text" in element):
        return  # the value of a button or an option is invisible; that of an attachment's field is visible
    if isinstance(value, str) and key in _TEXTS:
        yield from value.splitlines()
    else:
        yield from _lines(value, depth + 1)
