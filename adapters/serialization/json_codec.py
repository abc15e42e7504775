"""Reads untrusted JSON, and writes strict JSON."""

import json
import re
from collections.abc import Iterator

from domain.json_values import Json

MAX_DEPTH = 200
"""Levels of lists and objects. Deeper ones are read as null."""

_MAX_INTEGER_DIGITS = 300
"""Longer integers are read as floating-point numbers, which makes them infinite."""

_TOKEN = re.compile(r'"(?:[^"\\]++|\\.)*+"?|[\[\]{}]', re.DOTALL)
"""A string, closed or not, or a bracket. Possessive quantifiers bound the memory that a hostile text can cost."""


def read_json(text: str | bytes) -> Json:
    """Returns the value of a JSON text. Raises ValueError for invalid JSON; no text exhausts the stack.

    Invalid UTF-8 becomes U+FFFD. Lone surrogates remain (see `replace_surrogates_deep`), as do NaN and the infinities,
    which `write_json` rejects.
    """
    if isinstance(text, bytes):
        text = text.decode("utf-8-sig", "replace")
    value: Json = json.loads(_limit_depth(text), parse_int=_integer)
    return value


def write_json(value: Json) -> bytes:
    """Returns compact JSON in UTF-8. Raises ValueError for NaN, the infinities and lone surrogates."""
    return json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode()


def is_deeper_than(levels: int, value: Json) -> bool:
    """Whether lists and objects are nested more than `levels` deep."""
    layer = [value]
    for _ in range(levels):
        layer = [child for parent in layer for child in _children(parent)]
    return any(isinstance(node, list | dict) for node in layer)


def replace_surrogates_deep(value: Json) -> Json:
    """Returns the value with U+FFFD for each lone surrogate in strings and keys."""
    if isinstance(value, str):
        return replace_surrogates(value)
    if isinstance(value, list):
        return [replace_surrogates_deep(child) for child in value]
    if isinstance(value, dict):
        return {replace_surrogates(key): replace_surrogates_deep(child) for key, child in value.items()}
    return value


def replace_surrogates(text: str) -> str:
    """Returns the text with U+FFFD for each lone surrogate."""
    return text if text.isascii() else text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")


def _children(value: Json) -> Iterator[Json]:
    if isinstance(value, dict):
        yield from value.values()
    elif isinstance(value, list):
        yield from value


def _integer(digits: str) -> int | float:
    # int() raises ValueError for more than 4,300 digits, which would reject the whole text.
    return int(digits) if len(digits) <= _MAX_INTEGER_DIGITS else float(digits)


def _limit_depth(text: str) -> str:
    """Returns the text with null for values nested deeper than MAX_DEPTH, since json.loads recurses."""
    if text.count("[") + text.count("{") <= MAX_DEPTH:
        return text
    return "".join(_shallow_parts(text))


def _shallow_parts(text: str) -> Iterator[str]:
    depth = copied_until = 0
    for token in _TOKEN.finditer(text):
        if token[0] in ("[", "{"):
            depth += 1
            if depth == MAX_DEPTH + 1:
                yield text[copied_until : token.start()] + "null"
        elif token[0] in ("]", "}"):
            depth -= 1
            if depth == MAX_DEPTH:
                copied_until = token.end()
    if depth <= MAX_DEPTH:
        yield text[copied_until:]
