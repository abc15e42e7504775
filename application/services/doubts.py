"""Settles whether a request took effect whose answer was lost."""

from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import TypeVar

from application.loop_time import loop_time
from application.policies import PostingPolicy, WhenInDoubt
from application.ports.chat import Chat
from application.ports.telemetry import Resolution, Telemetry, Window
from application.resilience.shutdown import Shutdown
from application.services.channel_locks import Patience
from domain.errors import InDoubt

T = TypeVar("T")

_MIN_FIRST_PAUSE_SECONDS = 1.0
"""The pause before the second search where the history does not lag."""


class Doubts:
    """The ways to resolve a doubt: look for the effect, and apply the operator's decision."""

    def __init__(self, chat: Chat, shutdown: Shutdown, policy: PostingPolicy, telemetry: Telemetry) -> None:
        self._chat = chat
        self._shutdown = shutdown
        self._policy = policy
        self._telemetry = telemetry

    def sent_at(self, begun_at: datetime) -> float:
        """Returns when a request was sent, in the event loop's time; `begun_at` is by the chat service's clock."""
        return loop_time() - max(0.0, (self._chat.now() - begun_at).total_seconds())

    def seconds_left(self, sent_at: float) -> float:
        """Returns for how long to look for the effect of a request that was sent at this time of the event loop."""
        return sent_at + self._policy.doubt_seconds - loop_time()

    async def look_for(self, find: Callable[[], Awaitable[T | None]], sent_at: float) -> T | None:
        """Searches at growing intervals: the service may be slow to perform the request, or its history lag behind.

        Returns None if there is certainly no effect. Raises ShutdownRequested if the pack is to end before.
        """
        pause = max(self._chat.history_lag_seconds, _MIN_FIRST_PAUSE_SECONDS)
        while (found := await find()) is None:
            if (left := self.seconds_left(sent_at)) <= 0:
                self._telemetry.note(Resolution.NOT_FOUND)
                return None
            await self._shutdown.sleep(min(pause, left))
            pause *= 2
        self._telemetry.note(Resolution.FOUND)
        return found

    def on_repeated(self) -> None:
        """A request in doubt is sent again, which does no harm."""
        self._telemetry.note(Resolution.REPEATED)

    def ask_operator(self, unsettled: InDoubt, patience: Patience) -> None:
        """Returns if the request is to be sent again although it may have taken effect; otherwise raises the error."""
        self._telemetry.note(Window.NO_MARK)
        if patience.left <= 0 or self._policy.when_in_doubt is WhenInDoubt.FAIL:
            self._telemetry.note(Resolution.FAILED)
            raise unsettled
        self._telemetry.note(Resolution.RESENT)
