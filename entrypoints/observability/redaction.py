"""What must not be in any log, and how it is taken out."""

import json
import math
import re
from collections.abc import Iterable, Mapping
from typing import Final
from urllib.parse import quote, quote_plus

HIDDEN: Final = "***"

_TELL_TALES: Final = ("xox", "xapp-", "ticket=", "token=", "earer ", "eyJ", "://")
"""One of them is in every text that _SHAPES matches; looking for them is much cheaper than matching."""

_SHAPES: Final = (
    (re.compile(r"\b(?:xox[a-z]\.)?xox[a-z]-[\w.%-]+|\bxapp-[\w.%-]+"), HIDDEN),
    (re.compile(r"\b(ticket|token)=[^\s&\"'<>]+"), rf"\1={HIDDEN}"),
    (re.compile(r"\b([Bb]earer) [\w.~+/=-]+"), rf"\1 {HIDDEN}"),
    (re.compile(r"\beyJ[\w-]+\.[\w-]+\.[\w-]*"), HIDDEN),
    (re.compile(r"://[^\s/?#\"'<>]+@"), f"://{HIDDEN}@"),
)
"""Slack's tokens, sockets' tickets, bearer tokens, JSON web tokens, names and passwords within URLs."""


class Redaction:
    """Takes known secrets, and what looks like one, out of texts and values."""

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        spellings = sorted({form for secret in secrets if secret for form in _spellings(secret)}, key=len, reverse=True)
        self._known = tuple(spellings)
        self._known_pattern = re.compile("|".join(map(re.escape, spellings)))

    def text(self, text: str) -> str:
        """The same text without secrets."""
        if any(secret in text for secret in self._known):
            text = self._known_pattern.sub(HIDDEN, text)
        if any(tell_tale in text for tell_tale in _TELL_TALES):
            for shape, replacement in _SHAPES:
                text = shape.sub(replacement, text)
        return text

    def value(self, value: object) -> object:
        """The same value, made of what JSON knows, without secrets; other objects become texts."""
        if isinstance(value, str):
            return self.text(value)
        if value is None or isinstance(value, (bool, int)) or (isinstance(value, float) and math.isfinite(value)):
            return value
        if isinstance(value, Mapping):
            return {self.text(str(key)): self.value(item) for key, item in value.items()}
        if isinstance(value, (list, tuple, set, frozenset)):
            return [self.value(item) for item in value]
        return self.text(_described(value))


def _described(value: object) -> str:
    try:
        return str(value) or repr(value)
    except Exception as error:  # noqa: BLE001 - a log line must not fail for the sake of what it tells about
        return f"<{type(value).__name__} that can't be shown: {type(error).__name__}>"


def _spellings(secret: str) -> set[str]:
    """The secret as it stands, and as it looks within JSON, within a `repr` and within a URL."""
    return {secret, json.dumps(secret)[1:-1], repr(secret)[1:-1], quote(secret, safe=""), quote_plus(secret)}
