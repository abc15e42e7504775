"""Looks up the author of a stored message; a failure never loses the message."""

import asyncio

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
_BACKFILLED_PER_MINUTE, _BACKFILLED_BURST = 50, 10
"""Look-ups of the authors of backfilled messages, which leave room for those of live ones."""


class UserDirectory:
    """Finds the user behind a message."""

    def __init__(self, chat: Chat, shutdown: Shutdown) -> None:
        self._chat = chat
        self._pacer = RequestPacer(_BACKFILLED_PER_MINUTE, _BACKFILLED_BURST, shutdown)
        self._degraded_until = 0.0

    async def wait_for_turn(self, message: IncomingMessage) -> None:
        """Waits until the author of a backfilled message may be looked up: those of live messages go first.

        Raises ShutdownRequested.
        """
        if not message.is_from_bot and not self._chat.knows_user(message.user_id):
            await self._pacer.wait()

    async def author_of(self, message: IncomingMessage) -> User:
        """Returns the author, with empty fields if the look-up fails or takes longer than 10 s.

        Who wrote a message that may be from a bot is taken for one unless the chat service says otherwise. Raises
        ShutdownRequested if the pack is to end before.
        """
        bot = User(message.user_id or message.bot_id, message.bot_name, is_bot=True)
        if message.is_from_bot:
            return bot
        user = await self._look_up(message.user_id)
        if user is None:
            return bot if message.may_be_from_bot else User(message.user_id)
        return bot if user.is_bot else user

    async def _look_up(self, user_id: str) -> User | None:
        now = asyncio.get_running_loop().time()
        timeout = _DEGRADED_TIMEOUT_SECONDS if now < self._degraded_until else _LOOK_UP_TIMEOUT_SECONDS
        try:
            async with asyncio.timeout(timeout):
                return await self._chat.look_up(user_id)
        except (TimeoutError, Unreachable):
            self._degraded_until = asyncio.get_running_loop().time() + _DEGRADED_SECONDS
            log.warning("user_not_found", user=user_id, reason="Slack did not answer in time")
        except ChatError as error:
            log.warning("user_not_found", user=user_id, reason=str(error))
        except ShutdownRequested:
            raise
        except Exception:  # noqa: BLE001 - a bug must not hold up the message
            log_incident(user=user_id)
        return None
