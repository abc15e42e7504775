"""Looks up the author of a stored message; a failure never loses the message."""

import asyncio
import math

import structlog

from application.ports.chat import Chat
from application.resilience.incidents import log_incident
from application.resilience.shutdown import Shutdown, ShutdownRequested
from application.services.request_pacer import RequestPacer
from domain.errors import ChatError, Unreachable
from domain.messages import IncomingMessage
from domain.users import User

log = structlog.get_logger()

_LOOK_UP_TIMEOUT_SECONDS = 10
_DEGRADED_TIMEOUT_SECONDS = 1
_DEGRADED_SECONDS = 30
"""How long after a look-up that timed out the next ones get the shorter timeout."""
_FAILURE_REMEMBERED_SECONDS = 60.0
"""How long a failed look-up is not repeated: a busy channel would make one for each message."""
_MAX_FAILURES = 10_000
"""Failures to remember before those that are over are removed."""
_BACKFILLED_PER_MINUTE, _BACKFILLED_BURST = 50, 10
"""Look-ups of the authors of backfilled messages, which leave room for those of live ones."""


class UserDirectory:
    """Finds the user behind a message."""

    def __init__(self, chat: Chat, shutdown: Shutdown) -> None:
        self._chat = chat
        self._pacer = RequestPacer(_BACKFILLED_PER_MINUTE, _BACKFILLED_BURST, shutdown)
        self._degraded_until = 0.0
        self._failed_until: dict[str, float] = {}
        """By user: no look-up until then, by the event loop's time."""

    async def wait_for_turn(self, message: IncomingMessage) -> None:
        """Waits until the author of a backfilled message may be looked up: those of live messages go first.

        Raises ShutdownRequested.
        """
        user_id = message.user_id
        if not (message.is_from_bot or self._chat.knows_user(user_id) or self._has_failed(user_id)):
            await self._pacer.wait()

    async def author_of(self, message: IncomingMessage) -> User:
        """Returns the author, with empty fields if the look-up fails or takes longer than 10 s; then also for a minute.

        Who wrote a message that may be from a bot is taken for one unless the chat service says otherwise. Raises
        ShutdownRequested if the pack is to end before.
        """
        bot = User(message.user_id or message.bot_id, message.bot_name, is_bot=True)
        if message.is_from_bot:
            return bot
        user = await self._find(message.user_id)
        if user is None:
            return bot if message.may_be_from_bot else User(message.user_id)
        return bot if user.is_bot else user

    async def _find(self, user_id: str) -> User | None:
        if self._has_failed(user_id):
            return None
        user = await self._look_up(user_id)
        if user is None:
            self._remember_failure(user_id)
        return user

    def _has_failed(self, user_id: str) -> bool:
        return _now() < self._failed_until.get(user_id, -math.inf)

    def _remember_failure(self, user_id: str) -> None:
        now = _now()
        if len(self._failed_until) >= _MAX_FAILURES:
            self._failed_until = {user: until for user, until in self._failed_until.items() if until > now}
        self._failed_until[user_id] = now + _FAILURE_REMEMBERED_SECONDS

    async def _look_up(self, user_id: str) -> User | None:
        timeout = _DEGRADED_TIMEOUT_SECONDS if _now() < self._degraded_until else _LOOK_UP_TIMEOUT_SECONDS
        try:
            async with asyncio.timeout(timeout):
                return await self._chat.look_up(user_id)
        except (TimeoutError, Unreachable):
            self._degraded_until = _now() + _DEGRADED_SECONDS
            log.warning("user_not_found", user=user_id, reason="Slack did not answer in time")
        except ChatError as error:
            log.warning("user_not_found", user=user_id, reason=str(error))
        except ShutdownRequested:
            raise
        except Exception:  # noqa: BLE001 - a bug must not hold up the message
            log_incident(user=user_id)
        return None


def _now() -> float:
    return asyncio.get_running_loop().time()
