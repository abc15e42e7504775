"""The event log of the simulated Slack: posts, calls, deliveries and acknowledgements."""

from collections import Counter, deque
from dataclasses import dataclass, field
from typing import Final

from entrypoints.simulation.event_feed import EventFeed, TimedEvent
from entrypoints.simulation.slack.causes import current_action
from entrypoints.simulation.slack.models import JsonObject

MAX_ENTRIES: Final = 100_000


@dataclass(frozen=True, slots=True)
class SlackEvent(TimedEvent):
    """An event in the simulated Slack."""

    cause: str = field(default_factory=current_action.get, kw_only=True)
    """The id of the action whose request led to it; empty if there is none, or none is known."""


@dataclass(frozen=True, slots=True)
class EventRaised(SlackEvent):
    """The workspace raised a Slack event.

    `subscription` is the name under which apps subscribe to it, None if the Events API does not have it. `reaches_bot`
    is whether the bot may see it at all, `in_rtm` whether RTM has it.
    """

    event: JsonObject
    subscription: str | None
    reaches_bot: bool
    in_rtm: bool = True


@dataclass(frozen=True, slots=True)
class Post(SlackEvent):
    """The bot posted a message, with these arguments of the call."""

    channel: str
    text: str
    ts: str
    thread_ts: str | None
    arguments: JsonObject


@dataclass(frozen=True, slots=True)
class EphemeralPost(SlackEvent):
    """The bot showed a message to one user."""

    channel: str
    user: str
    ts: str
    text: str
    thread_ts: str | None
    fields: JsonObject
    """Its text, blocks and attachments."""


@dataclass(frozen=True, slots=True)
class EphemeralChanged(SlackEvent):
    """The bot changed or removed a message that one user sees."""

    channel: str
    user: str
    ts: str
    text: str
    """Empty if it was removed."""
    is_removed: bool = False


@dataclass(frozen=True, slots=True)
class ViewChanged(SlackEvent):
    """A modal was opened, changed or closed, or the Home tab was published, for this user.

    `change` is `opened`, `pushed`, `updated`, `refused`, `failed`, `closed` or `published`.
    """

    user: str
    view_id: str
    change: str


@dataclass(frozen=True, slots=True)
class Call(SlackEvent):
    """A method of the Web API was called; `error` is empty when it succeeded."""

    method: str
    arguments: JsonObject
    error: str


@dataclass(frozen=True, slots=True)
class FaultInjected(SlackEvent):
    """A planned fault applied to a call or a handshake."""

    target: str
    name: str


@dataclass(frozen=True, slots=True)
class SocketOpened(SlackEvent):
    """A socket was opened and welcomed; `transport` is `socket_mode` or `rtm`."""

    connection: int
    transport: str


@dataclass(frozen=True, slots=True)
class SocketClosed(SlackEvent):
    """A socket was closed."""

    connection: int
    transport: str


@dataclass(frozen=True, slots=True)
class DeliveryEvent(SlackEvent):
    """An attempt to deliver an event; `channel` and `ts` are empty when it is about no message."""

    event_id: str
    event_type: str
    channel: str
    ts: str
    attempt: int
    event_ts: str


@dataclass(frozen=True, slots=True)
class Delivered(DeliveryEvent):
    """The event was sent to the app."""


@dataclass(frozen=True, slots=True)
class Acknowledged(DeliveryEvent):
    """The app acknowledged the event that was raised at `raised_at`."""

    raised_at: float


@dataclass(frozen=True, slots=True)
class GivenUp(DeliveryEvent):
    """No further attempt follows."""


@dataclass(frozen=True, slots=True)
class InteractionSent(SlackEvent):
    """A person did something with the app; `kind` is its type, such as `block_actions`."""

    interaction_id: str
    kind: str


@dataclass(frozen=True, slots=True)
class InteractionEnded(SlackEvent):
    """The app acknowledged an interaction, or `failure` says why the person saw an error."""

    interaction_id: str
    kind: str
    failure: str


class SlackLog(EventFeed[SlackEvent]):
    """The posts, messages to one user, calls and counters since the server was created, and the feed of all events."""

    def __init__(self) -> None:
        super().__init__()
        self.posts: Final[deque[Post]] = deque(maxlen=MAX_ENTRIES)
        self.ephemeral_posts: Final[deque[EphemeralPost]] = deque(maxlen=MAX_ENTRIES)
        self.calls: Final[deque[Call]] = deque(maxlen=MAX_ENTRIES)
        self.counters: Final[Counter[str]] = Counter()

    def publish(self, event: SlackEvent) -> None:
        """See `EventFeed`."""
        match event:
            case Post():
                self.posts.append(event)
                self.counters["posts"] += 1
            case EphemeralPost():
                self.ephemeral_posts.append(event)
            case Call():
                self.calls.append(event)
                self.counters[event.method] += 1
        super().publish(event)

    def count(self, name: str) -> None:
        """Increments a counter."""
        self.counters[name] += 1
        self.notify()

    def progress(self) -> str:
        """See `EventFeed`."""
        return f"counters so far: {dict(self.counters)}"
