"""Frames received on Slack's sockets, by meaning."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

from application.ports.receiver import ChatEvent
from domain.json_values import JsonObject


@dataclass(frozen=True, slots=True)
class Hello:
    """Slack delivers on this connection from now on."""

    connections: int | None = None
    """The app's open connections including this one, if Slack says."""


@dataclass(frozen=True, slots=True)
class EventReceived:
    """Events for the pack, which arrived together."""

    events: Sequence[ChatEvent]
    envelope_id: str = ""
    """Identifies the acknowledgement; empty if Slack expects none."""
    response: JsonObject | None = None
    """The content of the acknowledgement."""


@dataclass(frozen=True, slots=True)
class Ignored:
    """Nothing for the pack, but Slack expects an acknowledgement."""

    envelope_id: str
    response: JsonObject | None = None
    """The content of the acknowledgement."""


@dataclass(frozen=True, slots=True)
class DisconnectWarning:
    """Slack will close this connection soon and expects a replacement by then."""

    reason: str


@dataclass(frozen=True, slots=True)
class Refused:
    """Slack closes this connection and refuses new ones for a while."""

    reason: str
    retry_after_seconds: float


@dataclass(frozen=True, slots=True)
class KeepAlive:
    """A sign of life, or a frame that the pack does not use."""


Frame: TypeAlias = Hello | EventReceived | Ignored | DisconnectWarning | Refused | KeepAlive
