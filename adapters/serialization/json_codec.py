"""Reading JSON that others wrote, whatever they wrote, and writing JSON that everybody can read."""

import json
import re
from collections.abc import Iterator

from domain.json_values import Json

MAX_DEPTH = 200
"""Levels of lists and objects that are read. What is nested deeper is read as null (far beyond what anybody means)."""

_MAX_INTEGER_DIGITS = 300
"""Digits. Longer ones are read as floating-point numbers: infinite, all of them."""

_TOKEN = re.compile(r'"(?:[^"\\]++|\\.)*+"?|[\[\]{}]', re.DOTALL)
"""A string, closed or not, or a bracket. Possessive: a hostile text must not cost memory for going back."""


def read_json(text: str | bytes) -> Json:
    """The value that a JSON text holds. ValueError when it is not JSON; no text exhausts the stack.

    Bytes that are not UTF-8 are replaced by U+FFFD. Lone surrogates stay, for `without_surrogates`; NaN and the
    infinities are read as such, which `write_json` refuses.
    """
    if isinstance(text, bytes):
        text = text.decode("utf-8-sig", "replace")
    value: Json = json.loads(_limit_depth(text), parse_int=_integer)
    return value


def write_json(value: Json) -> bytes:
    """The shortest JSON text, in UTF-8. ValueError for what JSON can't say: NaN, the infinities, lone surrogates."""
    return json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode()


def is_deeper_than(levels: int, value: Json) -> bool:
    """Whether lists and objects stand in one another more than `levels` deep."""
    layer = [value]
    for _ in range(levels):
        layer = [child for parent in layer for child in _children(parent)]
    return any(isinstance(node, list | dict) for node in layer)


def replace_surrogates_deep(value: Json) -> Json:
    """The same value with U+FFFD for every surrogate that has no partner, in texts and in keys."""
    if isinstance(value, str):
        return replace_surrogates(value)
    if isinstance(value, list):
        return [replace_surrogates_deep(child) for child in value]
    if isinstance(value, dict):
        return {replace_surrogates(key): replace_surrogates_deep(child) for key, child in value.items()}
    return value


def replace_surrogates(text: str) -> str:
    """The same text with U+FFFD for every surrogate that has no partner."""
    return text if text.isascii() else text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")


def _children(value: Json) -> Iterator[Json]:
    if isinstance(value, dict):
        yield from value.values()
    elif isinstance(value, list):
        yield from value


def _integer(digits: str) -> int | float:
    # int() refuses more than 4,300 digits, which would cost the whole text.
    return int(digits) if len(digits) <= _MAX_INTEGER_DIGITS else float(digits)


def _limit_depth(text: str) -> str:
    """The same text with null for what is nested deeper than DEEPEST; json.loads recurses, and must not go there."""
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
