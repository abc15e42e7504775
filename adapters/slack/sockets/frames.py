"""Frames received on Slack's sockets, by meaning."""

from dataclasses import dataclass
from typing import TypeAlias

from application.ports.receiver import ChatEvent


@dataclass(frozen=True, slots=True)
class Hello:
    """Slack delivers on this connection from now on."""

    connections: int | None = None
    """The app's open connections including this one, if Slack says."""


@dataclass(frozen=True, slots=True)
class EventReceived:
    """An event for the pack."""

    event: ChatEvent
    envelope_id: str = ""
    """Identifies the acknowledgement; empty if Slack expects none."""


@dataclass(frozen=True, slots=True)
class Ignored:
    """Nothing for the pack, but Slack expects an acknowledgement."""

    envelope_id: str


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
