"""What operators decide about the pack, and the intervals that several of its parts share."""

from dataclasses import dataclass
from enum import Enum


@dataclass(frozen=True, slots=True)
class LeasePolicy:
    """Leases: how long claims and heartbeats last, and so when the work of a lost process is taken over."""

    seconds: float = 20
    """How long a claim or a heartbeat holds without being renewed."""

    @property
    def renewal_seconds(self) -> float:
        """The interval of its renewals."""
        return self.seconds / 3

    @property
    def poll_seconds(self) -> float:
        """How often workers look for work without an owner, such as entries that an operator has requeued."""
        return min(5.0, self.seconds / 4)


@dataclass(frozen=True, slots=True)
class RetentionPolicy:
    """How many seconds finished work and dead letters are kept."""

    event_seconds: float = 72 * 3600
    """The keys of delivered events, which tell repeats from new ones. The contract requires 48 hours."""
    action_seconds: float = 72 * 3600
    """Reported actions. At least 48 hours, the reach of the queries for actions that the engine gave out."""
    key_seconds: float = 30 * 24 * 3600
    """Message keys, since their last use."""
    set_aside_seconds: float = 0
    """Dead letters, since they were received or taken; 0: until an operator decides."""


class Listen(Enum):
    """The channels that the pack listens to, besides direct messages."""

    JOINED = "joined"
    """The channels that it has joined."""
    MEMBER = "member"
    """Every channel of which the bot is a member."""


class WhenInDoubt(Enum):
    """What to do about a post whose fate can't be determined."""

    FAIL = "fail"
    RESEND = "resend"


@dataclass(frozen=True, slots=True)
class PostingPolicy:
    """The operator's decisions about posts."""

    messages_per_second: float = 1
    """Per channel."""
    message_burst: int = 10
    """Posts into one channel that may run ahead of that rate."""
    give_up_seconds: float = 600
    """Counts from the taking of the action, without the time in which its channel waits for its rate or a pause."""
    doubt_seconds: float = 60
    """How long to look for the message of a request without an answer, counted from sending it."""
    when_in_doubt: WhenInDoubt = WhenInDoubt.FAIL
