"""Looks up the people behind a stored event; a failure never loses the event."""

import structlog

from application.ports.chat import Chat
from application.resilience.shutdown import Shutdown
from application.services.look_ups import LookUps
from application.services.request_pacer import RequestPacer
from domain.interactions import MessageChange
from domain.messages import IncomingMessage
from domain.users import NOBODY, User

log = structlog.get_logger()

_BACKFILLED_PER_MINUTE, _BACKFILLED_BURST = 50, 10
"""Look-ups of the authors of backfilled messages, which leave room for those of live ones."""


class UserDirectory:
    """Finds users."""

    def __init__(self, chat: Chat, shutdown: Shutdown) -> None:
        self._chat = chat
        self._pacer = RequestPacer(_BACKFILLED_PER_MINUTE, _BACKFILLED_BURST, shutdown)
        self._look_ups = LookUps(chat.look_up, _log_failure)

    async def wait_for_turn(self, message: IncomingMessage) -> None:
        """Waits until the author of a backfilled message may be looked up: those of live messages go first.

        Raises ShutdownRequested.
        """
        user_id = message.user_id
        if not (message.is_from_bot or self._chat.knows_user(user_id) or self._look_ups.has_failed(user_id)):
            await self._pacer.wait()

    async def author_of(self, message: IncomingMessage) -> User:
        """Returns the author, with empty fields if the look-up fails or takes longer than 10 s, and for a minute after.

        The author of a message that may be from a bot counts as a bot unless the chat service says otherwise. Raises
        ShutdownRequested if the pack is to end before.
        """
        bot = User(message.user_id or message.bot_id, message.bot_name, is_bot=True)
        if message.is_from_bot:
            return bot
        user = await self._look_ups.find(message.user_id)
        if user is None:
            return bot if message.may_be_from_bot else User(message.user_id)
        return bot if user.is_bot else user

    async def author_of_change(self, change: MessageChange) -> User:
        """As `author_of`, for the author of an edited or deleted message; empty if the event names none."""
        if change.is_from_bot:
            return User(change.bot_id, is_bot=True)
        if not change.user_id:
            return NOBODY
        return await self._look_ups.find(change.user_id) or User(change.user_id, is_bot=bool(change.bot_id))

    async def find(self, user_id: str, *, is_urgent: bool = False) -> User:
        """Returns a user, with empty fields if the look-up fails, or takes longer than 10 s; 0.5 s if it is urgent.

        Raises ShutdownRequested if the pack is to end before.
        """
        if not user_id:
            return NOBODY
        return await self._look_ups.find(user_id, is_urgent=is_urgent) or User(user_id)


def _log_failure(user_id: str, reason: str) -> None:
    log.warning("user_not_found", user=user_id, reason=reason)
