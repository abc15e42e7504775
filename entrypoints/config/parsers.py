"""What a setting's text may be: from text to value. Each raises ValueError that says what would be right."""

import math
import os
import re
from collections.abc import Callable, Mapping
from enum import Enum
from pathlib import Path
from types import MappingProxyType
from typing import Final, TypeVar
from urllib.parse import SplitResult, urlsplit

from adapters.storage_urls import create_storage
from domain.channels import ChannelId

Choice = TypeVar("Choice", bound=Enum)

_TRUE: Final = ("true", "1", "yes", "on")
_FALSE: Final = ("false", "0", "no", "off")
_LOG_LEVELS: Final = ("debug", "info", "warning", "error")
_MAX_QUOTED_CHARACTERS: Final = 40
_HOST: Final = re.compile(r"[A-Za-z0-9._-]+|[0-9A-Fa-f:.]+(%\w+)?")


class Secret:
    """A text that must not be shown: only `reveal` gives it."""

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        self._text = text

    def reveal(self) -> str:
        """The text itself: for a request's header, never for a log or a message."""
        return self._text

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and other._text == self._text

    def __hash__(self) -> int:
        return hash(self._text)

    def __repr__(self) -> str:
        return "Secret(***)"


def number(minimum: float, maximum: float) -> Callable[[str], float]:
    """A finite number from `minimum` to `maximum`, both included."""

    def parse(text: str) -> float:
        value = _number(float, text)
        if not minimum <= value <= maximum:
            raise ValueError(f"give a number from {minimum:g} to {maximum:.10g}; {_quote(text)} is not")
        return value

    return parse


def whole_number(minimum: int, maximum: int) -> Callable[[str], int]:
    """A whole number from `minimum` to `maximum`, both included."""

    def parse(text: str) -> int:
        value = _number(int, text)
        if not minimum <= value <= maximum:
            raise ValueError(f"give a whole number from {minimum} to {maximum}; {_quote(text)} is not")
        return int(value)

    return parse


def port(text: str) -> int:
    """A TCP port; 0 for a free one."""
    if text.startswith("tcp://"):
        raise ValueError(
            "give a port number, like 8090; this value looks like what Kubernetes sets for a service of that name: "
            "rename the service, or set enableServiceLinks: false"
        )
    return whole_number(0, 65535)(text)


def flag(text: str) -> bool:
    """Yes or no."""
    if text.lower() in _TRUE:
        return True
    if text.lower() in _FALSE:
        return False
    raise ValueError(f"give true or false; {_quote(text)} is neither")


def choice(choices: type[Choice]) -> Callable[[str], Choice]:
    """One of the values of an enumeration, in any case."""

    def parse(text: str) -> Choice:
        try:
            return choices(text.lower())
        except ValueError:
            values = " or ".join(str(member.value) for member in choices)
            raise ValueError(f"give {values}; {_quote(text)} is neither") from None

    return parse


def log_level(text: str) -> str:
    """`debug`, `info`, `warning` or `error`."""
    level = "warning" if text.lower() == "warn" else text.lower()
    if level not in _LOG_LEVELS:
        raise ValueError(f"give {', '.join(_LOG_LEVELS[:-1])} or {_LOG_LEVELS[-1]}; {_quote(text)} is none of them")
    return level


def plain_text(text: str) -> str:
    """Any text."""
    return text


def host(text: str) -> str:
    """A host name or an address to listen at, without a port."""
    bare = text.removeprefix("[").removesuffix("]")
    if not _HOST.fullmatch(bare):
        raise ValueError(f"give a host name or address without scheme and port, like 0.0.0.0; {_quote(text)} is not")
    return bare


def http_url(example: str) -> Callable[[str], str]:
    """An `http` or `https` base URL; a slash stands at its end when one stands at the example's.

    The messages don't show what was given: there could be a password in it.
    """

    def parse(text: str) -> str:
        parts = _split_url(text, example)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ValueError(f"give a URL that begins with http:// or https:// and a host, like {example}")
        if "?" in text or "#" in text:
            raise ValueError(f"give a URL without ? and #, like {example}")
        if parts.username is not None:
            raise ValueError(f"give a URL without user name and password, like {example}")
        return text.rstrip("/") + ("/" if example.endswith("/") else "")

    return parse


def labels(text: str) -> Mapping[str, str]:
    """`key=value,key=value`, each key once; or nothing."""
    found: dict[str, str] = {}
    for piece in text.split(",") if text else ():
        key, equals, value = (part.strip() for part in piece.partition("="))
        if not (key and equals and value):
            raise ValueError(f"give key=value,key=value, like env=dev,region=eu; {_quote(piece)} is not key=value")
        if key in found:
            raise ValueError(f"give each label once; {_quote(key)} is there twice")
        found[key] = value
    return MappingProxyType(found)


def channel_ids(text: str) -> tuple[ChannelId, ...]:
    """Ids separated by commas, each once, in their order."""
    ids = (ChannelId(piece.strip()) for piece in text.split(","))
    return tuple(dict.fromkeys(channel_id for channel_id in ids if channel_id))


def directory(text: str) -> Path:
    """A folder, as an absolute path; one that is relative counts from where the program was started."""
    return Path(os.path.abspath(text))  # noqa: PTH100 - Path.absolute keeps `..`, which a file: URL can't carry


def file(text: str) -> Path:
    """A file, as an absolute path; one that is relative counts from where the program was started."""
    path = Path(os.path.abspath(text))  # noqa: PTH100 - likewise
    if text.endswith("/") or path.is_dir():
        raise ValueError(f"give a file, not a folder; {_quote(text)} is one")
    return path


def storage_url(text: str) -> Secret:
    """The URL of a storage that can be opened. There can be a password in it: it is never shown."""
    create_storage(text)
    return Secret(text)


def _number(kind: type[float], text: str) -> float:
    """NaN, which no range contains, for what is no number."""
    try:
        return kind(text) if text.isascii() and "_" not in text else math.nan
    except ValueError:
        return math.nan


def _split_url(text: str, example: str) -> SplitResult:
    try:
        parts = urlsplit(text)
        _ = parts.port  # raises for one that is no number
    except ValueError:
        raise ValueError(f"give a URL, like {example}") from None
    if " " in text:
        raise ValueError(f"give a URL without spaces, like {example}")
    return parts


def _quote(text: str) -> str:
    return repr(text if len(text) <= _MAX_QUOTED_CHARACTERS else f"{text[:_MAX_QUOTED_CHARACTERS]}...")
