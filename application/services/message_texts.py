"""Reads the messages that reactions are about, each once; a failure never loses the reaction."""

from collections import OrderedDict
from typing import TypeAlias

import structlog

from application.loop_time import loop_time
from application.ports.chat import Chat
from application.services.look_ups import LookUps
from domain.channels import ChannelId
from domain.messages import FoundMessage

log = structlog.get_logger()

_Place: TypeAlias = tuple[ChannelId, str]
"""A channel, and the timestamp of a message in it."""

_REMEMBERED_SECONDS = 600.0
_MAX_MESSAGES = 500
"""How many messages are remembered."""
_UNREADABLE = FoundMessage("")


class MessageTexts:
    """Finds messages; the reactions to one share a request."""

    def __init__(self, chat: Chat) -> None:
        self._chat = chat
        self._look_ups = LookUps(self._fetch, _log_failure)
        self._found: OrderedDict[_Place, tuple[FoundMessage, float]] = OrderedDict()
        """Each message with the time at which it was fetched, by the event loop; the oldest first."""

    async def find(self, channel_id: ChannelId, timestamp: str) -> FoundMessage:
        """Returns a message, which is remembered for ten minutes; an empty one if it can't be read within 10 s.

        Raises ShutdownRequested if the pack is to end before.
        """
        place = (channel_id, timestamp)
        if known := self._found.get(place):
            message, fetched_at = known
            if loop_time() - fetched_at < _REMEMBERED_SECONDS:
                return message
        return await self._look_ups.find(place) or _UNREADABLE

    def forget(self, channel_id: ChannelId, timestamp: str) -> None:
        """The message has changed: it is to be fetched again."""
        self._found.pop((channel_id, timestamp), None)

    async def _fetch(self, place: _Place) -> FoundMessage:
        message = await self._chat.message_at(*place) or _UNREADABLE
        self._found[place] = message, loop_time()
        self._found.move_to_end(place)
        if len(self._found) > _MAX_MESSAGES:
            self._found.popitem(last=False)
        return message


def _log_failure(place: _Place, reason: str) -> None:
    channel_id, timestamp = place
    log.warning("message_not_read", channel=channel_id, timestamp=timestamp, reason=reason)
