"""Removes secrets from log lines, reports and recordings."""

import json
import math
import re
from collections.abc import Iterable, Mapping
from typing import Final
from urllib.parse import quote, quote_plus

HIDDEN: Final = "***"

_MARKERS: Final = ("xox", "xapp-", "ticket=", "token=", "password=", "earer ", "eyJ", "://")
"""Every text that _PATTERNS match contains one of these; searching for them is much cheaper than matching."""

_PATTERNS: Final = (
    (re.compile(r"\b(?:xox[a-z]\.)?xox[a-z]-[\w.%-]+|\bxapp-[\w.%-]+"), HIDDEN),
    (re.compile(r"\b(ticket|token|(?:ssl)?password)=(?:'[^']*'|[^\s&\"'<>]+)"), rf"\1={HIDDEN}"),
    (re.compile(r"\b([Bb]earer) [\w.~+/=-]+"), rf"\1 {HIDDEN}"),
    (re.compile(r"\beyJ[\w-]+\.[\w-]+\.[\w-]*"), HIDDEN),
    (re.compile(r"://[^\s/?#\"'<>]+@"), f"://{HIDDEN}@"),
)
"""Slack tokens, socket tickets, passwords among parameters, bearer tokens, JSON web tokens, and credentials in URLs."""

_EMAIL: Final = re.compile(r"[\w.!#$%&'*+/=?^~-]+@[\w-]+(?:\.[\w-]+)+")


class Redactor:
    """Removes known secrets, texts that look like secrets and, on request, e-mail addresses."""

    def __init__(self, secrets: Iterable[str] = (), *, hides_emails: bool = False) -> None:
        spellings = sorted({form for secret in secrets if secret for form in _spellings(secret)}, key=len, reverse=True)
        self._known = tuple(spellings)
        self._known_pattern = re.compile("|".join(map(re.escape, spellings)))
        self._signs = (*spellings, *_MARKERS, *(("@",) if hides_emails else ()))
        self._hides_emails = hides_emails

    def may_change(self, values: Iterable[object]) -> bool:
        """Returns whether `redact` may change one of the values: much cheaper than trying, and usually false."""
        texts = []
        for value in values:
            if type(value) is str:
                texts.append(value)
            elif not _is_simple(value):
                return True
        text = "\n".join(texts)
        return any(map(text.__contains__, self._signs))

    def redact_text(self, text: str) -> str:
        """Returns the text without secrets."""
        if any(secret in text for secret in self._known):
            text = self._known_pattern.sub(HIDDEN, text)
        if any(marker in text for marker in _MARKERS):
            for pattern, replacement in _PATTERNS:
                text = pattern.sub(replacement, text)
        return _EMAIL.sub(HIDDEN, text) if self._hides_emails and "@" in text else text

    def redact(self, value: object) -> object:
        """Returns the value, in JSON types, without secrets; an object of any other type becomes its text."""
        if isinstance(value, str):
            return self.redact_text(value)
        if _is_simple(value):
            return value
        if isinstance(value, Mapping):
            return {self.redact_text(str(key)): self.redact(item) for key, item in value.items()}
        if isinstance(value, (list, tuple, set, frozenset)):
            return [self.redact(item) for item in value]
        return self.redact_text(_describe(value))


def _is_simple(value: object) -> bool:
    """Whether a value has a JSON type that contains no text."""
    return value is None or isinstance(value, int) or (isinstance(value, float) and math.isfinite(value))


def _describe(value: object) -> str:
    try:
        return str(value) or repr(value)
    except Exception as error:  # noqa: BLE001 - a faulty __str__ must not cost the log line
        return f"<{type(value).__name__} that can't be shown: {type(error).__name__}>"


def _spellings(secret: str) -> set[str]:
    """Returns the secret as it is, and as JSON, `repr` and URLs spell it."""
    return {secret, json.dumps(secret)[1:-1], repr(secret)[1:-1], quote(secret, safe=""), quote_plus(secret)}
