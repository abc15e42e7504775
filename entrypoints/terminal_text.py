"""Foreign text on its way to a terminal."""

import re
from typing import Final

_CONTROLS: Final = re.compile("[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")
"""Characters that could forge a line, control a terminal, change the writing direction, or can't be encoded."""


def escape_controls(text: str) -> str:
    """Returns the text with control characters, and others that could mislead a reader, written as escapes.

    The escapes are those of JSON and YAML: an escaped JSON text without line feeds has the same value.
    """
    return _CONTROLS.sub(lambda control: f"\\u{ord(control[0]):04x}", text)


def printable(text: str) -> str:
    """Returns the text with its control characters escaped, except for line feeds."""
    lines = text.replace("\r\n", "\n").replace("\t", "    ").split("\n")
    return "\n".join(map(escape_controls, lines))
