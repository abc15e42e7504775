"""What a frame on one of Slack's sockets can mean."""

from dataclasses import dataclass
from typing import TypeAlias

from application.ports.receiver import ChatEvent


@dataclass(frozen=True, slots=True)
class Hello:
    """From now on Slack delivers on this connection."""

    connections: int | None = None
    """How many the app has open, this one included, where Slack tells."""


@dataclass(frozen=True, slots=True)
class EventReceived:
    """Something for the pack."""

    event: ChatEvent
    envelope_id: str = ""
    """By which it is acknowledged; empty where Slack expects no acknowledgement."""


@dataclass(frozen=True, slots=True)
class Ignored:
    """Nothing for the pack, but to be acknowledged."""

    envelope_id: str


@dataclass(frozen=True, slots=True)
class DisconnectWarning:
    """Slack will end this connection soon; another one should be there by then."""

    reason: str


@dataclass(frozen=True, slots=True)
class Refused:
    """Slack ends this connection, and wants to be left alone for a while."""

    reason: str
    retry_after_seconds: float


@dataclass(frozen=True, slots=True)
class KeepAlive:
    """A sign of life, or what the pack has no use for."""


Frame: TypeAlias = Hello | EventReceived | Ignored | DisconnectWarning | Refused | KeepAlive
