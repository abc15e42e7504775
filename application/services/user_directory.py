"""Who said it: looked up when the message is safe, and never at the message's cost."""

import structlog

from application.ports.chat import Chat
from application.ports.clock import Clock
from application.resilience.chat_retry import ChatLine
from application.resilience.timeout import with_timeout
from domain.errors import ChatError, Unreachable
from domain.messages import IncomingMessage
from domain.users import User

log = structlog.get_logger()

_LOOK_UP_TIMEOUT_SECONDS = 10
_DEGRADED_SECONDS = 30
"""For how long after a look-up that was not answered in time the next ones get one quick try."""


class UserDirectory:
    """Finds the user behind a message."""

    def __init__(self, chat: Chat, clock: Clock, line: ChatLine) -> None:
        self._chat = chat
        self._clock = clock
        self._line = line
        self._degraded_until = 0.0

    async def author_of(self, said: IncomingMessage) -> User:
        """The author. What can't be found out within 10 s in all is empty; Stopping when the pack ends before."""
        if said.is_from_bot or not said.user_id:
            return User(said.user_id or said.bot_id, said.bot_name)
        is_hurried = self._clock.monotonic() < self._degraded_until
        try:
            return await self._look_up(said.user_id, 1 if is_hurried else _LOOK_UP_TIMEOUT_SECONDS)
        except (TimeoutError, Unreachable):
            self._degraded_until = self._clock.monotonic() + _DEGRADED_SECONDS
            log.warning("user_not_found", user=said.user_id, reason="Slack did not answer in time")
        except ChatError as error:
            log.warning("user_not_found", user=said.user_id, reason=str(error))
        return User(said.user_id)

    async def _look_up(self, user_id: str, seconds: float) -> User:
        asking = self._line(lambda: self._chat.look_up(user_id), give_up_seconds=seconds)
        return await with_timeout(seconds, self._clock, asking)
