"""What must not be in a record: secrets, as in a log, and e-mail addresses. All other text stays."""

import re
from collections.abc import Iterable
from typing import Final

from entrypoints.observability.redaction import HIDDEN, Redactor

_ADDRESS: Final = re.compile(r"[\w.!#$%&'*+/=?^~-]+@[\w-]+(?:\.[\w-]+)+")


class RecordRedaction:
    """Takes secrets and e-mail addresses out of JSON values."""

    def __init__(self, secrets: Iterable[str]) -> None:
        self._secrets = Redactor(secrets)

    def __call__(self, value: object) -> object:
        """The same value without them."""
        return _without_addresses(self._secrets.redact(value))


def _without_addresses(value: object) -> object:
    if isinstance(value, str):
        return _ADDRESS.sub(HIDDEN, value) if "@" in value else value
    if isinstance(value, dict):
        return {_without_addresses(key): _without_addresses(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_without_addresses(item) for item in value]
    return value
