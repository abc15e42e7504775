"""Parsers of settings: each turns a text into a value, or raises ValueError that says which values are accepted."""

import os
import re
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from types import MappingProxyType
from typing import Final, TypeVar
from urllib.parse import urlsplit

from adapters.storage_urls import create_storage
from adapters.system_clock import SystemClock
from domain.channels import ChannelId
from entrypoints.config.passwords import passwords_in
from entrypoints.observability.redaction import Redactor

T = TypeVar("T")
Number = TypeVar("Number", int, float)
Choice = TypeVar("Choice", bound=Enum)

LOG_LEVELS: Final = ("debug", "info", "warning", "error")
_MAX_QUOTED_CHARACTERS: Final = 40
_HOST: Final = re.compile(r"([A-Za-z0-9_-]{1,63}\.)*[A-Za-z0-9_-]{1,63}\.?|[0-9A-Fa-f]*:[0-9A-Fa-f:.]*(%\w+)?")

_EVENT_TYPE: Final = re.compile(r"[a-z][a-z0-9_]*")
_METHODS: Final = re.compile(r"[a-z]+(\.[A-Za-z]+)*\.([A-Za-z]+|\*)")
_EVENTS_OF_THEIR_OWN: Final = {
    "message": "ReceivedMessage",
    "app_mention": "ReceivedMessage",
    "reaction_added": "ReactionAdded",
    "reaction_removed": "ReactionRemoved",
    "message_changed": "ReceivedEdit, with FLYTE_SLACK_RECEIVE_EDITS",
    "message_deleted": "ReceivedDeletion, with FLYTE_SLACK_RECEIVE_EDITS",
    "block_actions": "ReceivedBlockAction",
    "slash_commands": "ReceivedSlashCommand",
    "shortcut": "ReceivedShortcut",
    "message_action": "ReceivedShortcut",
    "view_submission": "ReceivedViewSubmission",
    "view_closed": "ReceivedViewClosed",
}
"""By type; that of a subscription may have a suffix, like `message.channels`."""

_UNROUTABLE: Final = re.compile(r"[/?#]|%[0-9A-Fa-f]{2}")


@dataclass(frozen=True, slots=True)
class Secret:
    """A text that must not be shown; only `reveal` returns it."""

    _text: str

    def reveal(self) -> str:
        """Returns the text: for a request header, never for a log or a message."""
        return self._text

    def __repr__(self) -> str:
        return "Secret(***)"


def number(minimum: float, maximum: float) -> Callable[[str], float]:
    """A finite number from `minimum` to `maximum`, both included."""
    return _in_range(float, minimum, maximum, f"a number from {minimum:g} to {maximum:.10g}")


def whole_number(minimum: int, maximum: int) -> Callable[[str], int]:
    """A whole number from `minimum` to `maximum`, both included."""
    return _in_range(int, minimum, maximum, f"a whole number from {minimum} to {maximum}")


def _in_range(kind: type[Number], minimum: float, maximum: float, expected: str) -> Callable[[str], Number]:
    def parse(text: str) -> Number:
        with suppress(ValueError):
            if text.isascii() and "_" not in text and minimum <= (value := kind(text)) <= maximum:
                return value
        raise _invalid(expected, text)

    return parse


def port(text: str) -> int:
    """A TCP port; 0 picks a free one."""
    if text.startswith("tcp://"):
        raise ValueError(
            "must be a port number, like 8090; this value looks like one that Kubernetes sets for a service of the "
            "same name: rename the service, or set enableServiceLinks: false"
        )
    return whole_number(0, 65535)(text)


def choice(choices: type[Choice]) -> Callable[[str], Choice]:
    """A value of an enumeration, in any case."""
    values = {str(member.value): member for member in choices}
    return _one_of(" or ".join(values), values)


def _one_of(expected: str, values: Mapping[str, T]) -> Callable[[str], T]:
    def parse(text: str) -> T:
        if text.lower() not in values:
            raise _invalid(expected, text)
        return values[text.lower()]

    return parse


flag: Final = _one_of(
    "true or false",
    {**dict.fromkeys(("true", "1", "yes", "on"), True), **dict.fromkeys(("false", "0", "no", "off"), False)},
)
log_level: Final = _one_of(
    f"{', '.join(LOG_LEVELS[:-1])} or {LOG_LEVELS[-1]}", {"warn": "warning", **{level: level for level in LOG_LEVELS}}
)


def pack_name(text: str) -> str:
    """A text that Flyte can use as the name of a pack."""
    if text in (".", ".."):
        raise ValueError(
            f"must not be {_quote(text)}, which Flyte can't use in the path of a URL; take a word, like Slack"
        )
    return _routable(text)


def host(text: str) -> str:
    """A host name or an address to listen on, without a port."""
    bare = text.removeprefix("[").removesuffix("]")
    if not _HOST.fullmatch(bare):
        raise _invalid("a host name or address without scheme and port, like 0.0.0.0", text)
    return bare


def http_url(example: str) -> Callable[[str], str]:
    """An `http` or `https` base URL; it ends with a slash if the example does.

    The messages don't quote the value, since it may contain a password.
    """

    def parse(text: str) -> str:
        with suppress(ValueError):
            parts = urlsplit(text)
            _ = parts.port  # raises ValueError unless it is a number
            has_host = parts.scheme in ("http", "https") and parts.hostname
            if has_host and parts.username is None and not set(text) & set(" ?#"):
                return text.rstrip("/") + ("/" if example.endswith("/") else "")
        raise ValueError(
            f"must be an http:// or https:// URL without user name, password, spaces, ? and #, like {example}"
        )

    return parse


def labels(text: str) -> Mapping[str, str]:
    """Labels in the form `key=value,key=value`, each key once; or none."""
    found: dict[str, str] = {}
    for piece in text.split(",") if text else ():
        key, equals, value = (part.strip() for part in piece.partition("="))
        if not (key and equals and value):
            raise ValueError(f"must be key=value,key=value, like env=dev,region=eu; {_quote(piece)} is not key=value")
        if key in found:
            raise ValueError(f"must contain each label once; {_quote(key)} occurs twice")
        found[_routable(key)] = _routable(value)
    return MappingProxyType(found)


def _routable(text: str) -> str:
    """Name and labels make up the pack's id. Flyte writes it into its links as it is, and then can't read these."""
    if _UNROUTABLE.search(text):
        raise ValueError(
            "must not contain /, ?, # or % with two hexadecimal digits, since Flyte would refuse all requests of the "
            f"pack; use {_quote(_UNROUTABLE.sub('-', text))} instead of {_quote(text)}"
        )
    return text


def channel_ids(text: str) -> tuple[ChannelId, ...]:
    """Channel ids separated by commas, in their order, without repetitions."""
    ids = (ChannelId(piece.strip()) for piece in text.split(","))
    return tuple(dict.fromkeys(channel_id for channel_id in ids if channel_id))


def event_types(text: str) -> tuple[str, ...]:
    """Types of Slack's events separated by commas, in their order, without repetitions and none of the pack's own."""
    types = tuple(dict.fromkeys(piece for each in text.split(",") if (piece := each.strip())))
    for event_type in types:
        if event := _EVENTS_OF_THEIR_OWN.get(event_type.partition(".")[0]):
            raise ValueError(f"must not contain {_quote(event_type)}, which has an event of its own: {event}")
        if not _EVENT_TYPE.fullmatch(event_type):
            raise _invalid("types of Slack's events separated by commas, like team_join,channel_created", event_type)
    return types


def methods(text: str) -> tuple[str, ...]:
    """Methods of Slack's Web API separated by commas, by name or as `pins.*`, without repetitions."""
    names = tuple(dict.fromkeys(piece for each in text.split(",") if (piece := each.strip())))
    for name in names:
        if not _METHODS.fullmatch(name):
            raise _invalid("methods of Slack separated by commas, like pins.add,bookmarks.*", name)
    return names


def directory(text: str) -> Path:
    """A directory, as an absolute path; a relative one starts at the working directory."""
    return Path(os.path.abspath(text))  # noqa: PTH100 - Path.absolute keeps `..`, which a file: URL can't contain


def file(text: str) -> Path:
    """A file, as an absolute path; a relative one starts at the working directory."""
    path = directory(text)
    try:
        is_directory = text.endswith("/") or path.is_dir()
    except OSError as error:
        raise ValueError(f"must be a file, and its path can't be used: {error.strerror}") from None
    if is_directory:
        raise ValueError(f"must be a file; {_quote(text)} is a directory")
    return path


def storage_url(text: str) -> Secret:
    """The URL of a supported storage. It may contain a password and is never shown."""
    try:
        create_storage(text, SystemClock())
    except ValueError as error:
        raise ValueError(Redactor(passwords_in(text)).redact_text(str(error))) from None
    return Secret(text)


def _invalid(expected: str, text: str) -> ValueError:
    return ValueError(f"must be {expected}, not {_quote(text)}")


def _quote(text: str) -> str:
    return repr(text if len(text) <= _MAX_QUOTED_CHARACTERS else f"{text[:_MAX_QUOTED_CHARACTERS]}...")
