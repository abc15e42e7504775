"""Gaps: periods of a channel's history that may hold messages which the pack has not received."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from domain.channels import ChannelId


@dataclass(frozen=True, slots=True)
class Gap:
    """A period that has to be read from the history; times are by the chat service's clock."""

    channel_id: ChannelId
    after: datetime
    """Messages up to then were received."""
    until: datetime
    """Messages from then on are received as they happen."""

    def overlaps(self, other: "Gap") -> bool:
        """Returns whether the periods share or touch a moment of the same channel."""
        return self.channel_id == other.channel_id and self.after <= other.until and other.after <= self.until

    def merged(self, others: Iterable["Gap"]) -> "Gap":
        """Returns the period from the first beginning to the last end."""
        gaps = (self, *others)
        return Gap(self.channel_id, min(gap.after for gap in gaps), max(gap.until for gap in gaps))
