"""Finds the characters of a scalar's value in the text of a YAML document.

Quotes, escapes, indentation and folded lines change only white space between the characters of a value, so the n-th
character that is not white space is the n-th such character in the text.
"""

import re
from collections.abc import Iterator
from typing import Final

from entrypoints.simulation.flyte.yaml_reader import Scalar

_UNITS: Final = {
    "": re.compile(r"\S"),
    "'": re.compile(r"''|\S"),
    '"': re.compile(r"\\(?:x\w{2}|u\w{4}|U\w{8}|\r\n|.)|\S", re.DOTALL),
}
"""How a character that is not white space can be written, by the style of the scalar."""
_PROPERTIES: Final = re.compile(r"(?:[!&]\S*\s+)*")
"""The tag and the anchor before a plain scalar."""
_WHITE_ESCAPES: Final = frozenset("tnrfvNLP_ \t\r\n")
"""After a backslash, they stand for white space or for nothing."""


def position_in_scalar(text: str, scalar: Scalar, value: str, offset: int) -> int:
    """Returns where in the text the character at an offset of the scalar's value is written.

    For white space it is the place behind the character before it.
    """
    before = sum(not character.isspace() for character in value[:offset])
    is_white = offset >= len(value) or value[offset].isspace()
    number = before - 1 if is_white else before
    if number < 0:
        return scalar.start
    for index, (start, end) in enumerate(_units(text, scalar)):
        if index == number:
            return end if is_white else start
    return scalar.start


def _units(text: str, scalar: Scalar) -> Iterator[tuple[int, int]]:
    """Yields the start and end of each character that is not white space."""
    start, end = scalar.start, scalar.end
    if scalar.style in ("|", ">"):
        header = text.find("\n", start, end)
        start = end if header < 0 else header
    elif properties := _PROPERTIES.match(text, start, end):
        start = properties.end()
    if scalar.style in ("'", '"'):
        start, end = start + 1, end - 1
    for found in _UNITS.get(scalar.style, _UNITS[""]).finditer(text, start, end):
        if not _is_white(found.group()):
            yield found.span()


def _is_white(unit: str) -> bool:
    if len(unit) > 1 and unit[0] == "\\":
        code = unit[1:]
        return code in _WHITE_ESCAPES or code == "\r\n" or (code[0] in "xuU" and chr(int(code[1:], 16)).isspace())
    return unit.isspace()
