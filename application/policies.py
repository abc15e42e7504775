"""What operators decide about the pack, and the intervals that several of its parts share."""

from dataclasses import dataclass
from enum import Enum

LEASE_SECONDS = 60
"""For how long a claim holds without being extended; extended three times as often."""
POLL_INTERVAL_SECONDS = 5.0
"""How often to look for what somebody else put back: an operator who retries what was set aside."""


class Listen(Enum):
    """Where the pack listens, besides direct messages."""

    JOINED = "joined"
    """In the channels that it joined."""
    MEMBER = "member"
    """In every channel of which the bot is a member."""


class WhenInDoubt(Enum):
    """What to do about a post of which nobody can tell whether it stands."""

    FAIL = "fail"
    RESEND = "resend"


@dataclass(frozen=True, slots=True)
class PostingPolicy:
    """What the operator decided about posts."""

    messages_per_second: float = 1
    """Into one channel."""
    message_burst: int = 10
    """Posts into one channel that may run ahead of that pace."""
    give_up_seconds: float = 600
    when_in_doubt: WhenInDoubt = WhenInDoubt.FAIL
