"""Reads channels and threads."""

from collections.abc import Iterator
from datetime import datetime

import structlog

from adapters.slack.errors import ApiCall
from adapters.slack.pagination import PAGE_SIZE, paginate
from adapters.slack.schemas import carries_key, parse_found, parse_message, parse_next_cursor
from adapters.slack.values import object_list
from adapters.slack.web_client import SlackWebClient
from application.ports.chat import Page
from domain.channels import ChannelId
from domain.errors import ChatRejected
from domain.json_values import JsonObject
from domain.messages import FoundMessage, IdempotencyKey, IncomingMessage, Receipt
from domain.users import Identity

log = structlog.get_logger()


class SlackHistory:
    """Reads `conversations.history`, which omits thread replies, and `conversations.replies`."""

    def __init__(self, web: SlackWebClient) -> None:
        self._web = web

    async def find_posted(
        self, channel_id: ChannelId, thread_timestamp: str, key: IdempotencyKey, since: datetime
    ) -> Receipt | None:
        """Searches the channel, or one of its threads, for the message that carries the key."""
        call = _call(channel_id, thread_timestamp)
        arguments = _arguments(channel_id, thread_timestamp, f"{since.timestamp():.6f}")
        async for page in paginate(self._web, call, {**arguments, "include_all_metadata": True}):
            for posted in _messages(page):
                timestamp = posted.get("ts")
                if isinstance(timestamp, str) and carries_key(posted, key):
                    return Receipt(channel_id, timestamp)
        return None

    async def page(
        self, channel_id: ChannelId, thread_timestamp: str, after: str, until: str, cursor: str, own: Identity
    ) -> Page:
        """Implements Chat.history, and Chat.replies for a thread. `own` is the pack's own user."""
        arguments = _arguments(channel_id, thread_timestamp, after)
        response = await self._web.call(
            _call(channel_id, thread_timestamp),
            {**arguments, "latest": until or None, "limit": PAGE_SIZE, "cursor": cursor or None},
        )
        messages = _messages(response)
        # Every page of a thread begins with its first message, whatever its age.
        new = (message for message in _parse(messages, channel_id, own) if message.timestamp != thread_timestamp)
        threads = () if thread_timestamp else tuple(_threads(messages))
        return Page(tuple(new), threads, parse_next_cursor(response))

    async def message_at(self, channel_id: ChannelId, timestamp: str) -> FoundMessage | None:
        """Implements MessageChanges: looks in the channel, then in its threads."""
        return await self._look_for(channel_id, timestamp, "") or await self._look_for(channel_id, timestamp, timestamp)

    async def _look_for(self, channel_id: ChannelId, timestamp: str, thread_timestamp: str) -> FoundMessage | None:
        bounds: JsonObject = {"latest": timestamp, "inclusive": True, "limit": PAGE_SIZE}
        arguments = {**_arguments(channel_id, thread_timestamp, timestamp), **bounds}
        try:
            response = await self._web.call(_call(channel_id, thread_timestamp), arguments)
        except ChatRejected as rejection:
            if rejection.code in ("thread_not_found", "message_not_found"):
                return None
            raise
        return next((parse_found(found) for found in _messages(response) if found.get("ts") == timestamp), None)


def _call(channel_id: ChannelId, thread_timestamp: str) -> ApiCall:
    return ApiCall("conversations.replies" if thread_timestamp else "conversations.history", channel_id)


def _arguments(channel_id: ChannelId, thread_timestamp: str, after: str) -> JsonObject:
    return {"channel": channel_id, "ts": thread_timestamp or None, "oldest": after or None}


def _messages(page: JsonObject) -> list[JsonObject]:
    return object_list(page, "messages")


def _parse(messages: list[JsonObject], channel_id: ChannelId, own: Identity) -> Iterator[IncomingMessage]:
    for message in messages:
        try:
            parsed = parse_message(message, own, channel_id)
        except ValueError as error:
            log.warning("slack_message_malformed", channel=channel_id, reason=str(error))
            continue
        if parsed is not None:
            yield parsed


def _threads(messages: list[JsonObject]) -> Iterator[str]:
    """Yields the timestamps of messages with replies, including deleted messages."""
    for message in messages:
        reply_count = message.get("reply_count")
        if isinstance(reply_count, int) and reply_count and message.get("ts"):
            yield str(message["ts"])
