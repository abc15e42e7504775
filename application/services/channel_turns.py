"""Gives each action its turn in a channel, and counts the time for which it may go on trying."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta

from application.policies import PostingPolicy
from application.ports.chat import Chat
from application.ports.storage import Storage
from application.services.channel_locks import ChannelLocks, ChannelQueue, Patience
from domain.actions import ActionId
from domain.channels import ChannelId
from domain.errors import Unreachable
from domain.outbox import Lease

_STEADY = timedelta(seconds=10)
"""How long a note that posts wait for nothing but their rate and pauses is valid; it is renewed more often."""
_JUST_TAKEN = timedelta(seconds=1)
"""For less time, the storage is not asked whether it was spent waiting for a rate or a pause."""


@dataclass(frozen=True, slots=True)
class Turn:
    """An action that holds its channel."""

    queue: ChannelQueue
    patience: Patience
    lease: Lease
    overdue: Unreachable
    """The error to report when its time is over, if nothing else is known."""


class ChannelTurns:
    """The order of actions within each channel."""

    def __init__(self, chat: Chat, storage: Storage, channel_locks: ChannelLocks, policy: PostingPolicy) -> None:
        self._chat = chat
        self._rate_limiter = storage.rate_limiter
        self._channel_locks = channel_locks
        self._give_up_seconds = policy.give_up_seconds

    @asynccontextmanager
    async def turn(
        self,
        channel_id: ChannelId,
        action_id: ActionId,
        taken_at: datetime,
        *,
        has_begun: bool,
        subject: str,
        ends_early: bool = False,
    ) -> AsyncIterator[Turn]:
        """Waits for the turn of an action that was taken at this time, and holds the channel.

        Raises Unreachable if it is not its turn in time. One that has begun waits as long as it takes, since its fate
        has to be settled. `subject` is what Slack is to accept, for the error. The channel is held until the action is
        concluded, unless the turn `ends_early`.
        """
        patience_seconds = self._give_up_seconds - await self._seconds_passed(taken_at)
        overdue = Unreachable(
            "unreachable", f"Slack did not accept the {subject} within {self._give_up_seconds:g} s; send it again"
        )
        with self._channel_locks.queue(channel_id) as queue:
            patience = Patience(queue, patience_seconds, self._are_others_steady)
            limit = None if has_begun else patience
            turn = self._channel_locks.turn(queue, action_id, limit, ends_early=ends_early)
            async with AsyncExitStack() as held:
                try:
                    lease = await held.enter_async_context(turn)
                except TimeoutError:
                    raise overdue from None
                yield Turn(queue, patience, lease, overdue)

    async def _seconds_passed(self, taken_at: datetime) -> float:
        """Returns how much of its time an action has used up. An earlier process may have taken it.

        By the chat service's clock: the machine's may have been set meanwhile.
        Time that this process spent waiting for rates and pauses does not count.
        """
        if (passed := (self._chat.now() - taken_at)) < _JUST_TAKEN:
            return max(0.0, passed.total_seconds())
        steady_at = await self._rate_limiter.steady_at()
        since = max(taken_at, steady_at) if steady_at else taken_at
        return max(0.0, (self._chat.now() - since).total_seconds())

    async def _are_others_steady(self) -> bool:
        """Whether another process that has a channel waits on purpose."""
        steady_at = await self._rate_limiter.steady_at()
        return steady_at is not None and self._chat.now() - steady_at < _STEADY
