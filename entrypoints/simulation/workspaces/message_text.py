"""What people see of a message: its text, and the words in its blocks and attachments."""

from collections.abc import Iterator, Mapping

_TEXTS = ("pretext", "author_name", "title", "text", "value", "footer", "fallback", "alt_text")
_PARTS = ("fields", "elements", "actions", "accessory", "blocks", "options")
_DEEPEST = 20


def visible_text(message: Mapping[str, object]) -> str:
    """A message's text, and below it, each line after a bar, what its blocks and attachments say."""
    text = message.get("text")
    lines = [text] if isinstance(text, str) and text else []
    lines += [
        f"| {line}" for key in ("blocks", "attachments") for line in _lines(message.get(key), 0) if line not in lines
    ]
    return "\n".join(lines)


def _lines(part: object, depth: int) -> Iterator[str]:
    """The words within a part, in the order in which they are shown; of a fallback only where nothing else is."""
    if depth > _DEEPEST:
        return
    if isinstance(part, list):
        for item in part:
            yield from _lines(item, depth + 1)
    elif isinstance(part, Mapping):
        found = [line for key in (*_TEXTS, *_PARTS) if key != "fallback" for line in _lines_of(key, part, depth)]
        yield from found or _lines_of("fallback", part, depth)


def _lines_of(key: str, part: Mapping[str, object], depth: int) -> Iterator[str]:
    value = part.get(key)
    if key == "value" and "type" in part:
        return  # a button's, which nobody sees; that of an attachment's field can be seen
    if isinstance(value, str) and key in _TEXTS:
        yield from value.splitlines()
    else:
        yield from _lines(value, depth + 1)
