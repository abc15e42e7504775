"""What stands in a channel and its threads."""

from collections.abc import Sequence
from datetime import datetime

import structlog

from adapters.slack.errors import ApiCall
from adapters.slack.pagination import PAGE_SIZE, paginate
from adapters.slack.schemas import carries_key, parse_message, parse_next_cursor
from adapters.slack.web_client import SlackWebClient
from application.ports.chat import Page
from domain.channels import ChannelId
from domain.json_values import Json, JsonObject
from domain.messages import IdempotencyKey, IncomingMessage, OutgoingMessage, Receipt, RichMessage

log = structlog.get_logger()


class SlackHistory:
    """Reads `conversations.history`, which lists no thread replies, and `conversations.replies`."""

    def __init__(self, web: SlackWebClient) -> None:
        self._web = web

    async def find_posted(
        self, message: OutgoingMessage | RichMessage, mark: IdempotencyKey, since: datetime
    ) -> Receipt | None:
        """As Chat says."""
        call = _call(message.channel_id, message.thread_timestamp)
        arguments = _arguments(message.channel_id, message.thread_timestamp, f"{since.timestamp():.6f}")
        async for page in paginate(self._web, call, {**arguments, "include_all_metadata": True}):
            for listed in _messages(page):
                timestamp = listed.get("ts")
                if isinstance(timestamp, str) and carries_key(listed, mark):
                    return Receipt(message.channel_id, timestamp)
        return None

    async def page(self, channel_id: ChannelId, thread_timestamp: str, after: str, cursor: str) -> Page:
        """A page of the channel, or of one of its threads; as Chat says."""
        arguments = _arguments(channel_id, thread_timestamp, after)
        answer = await self._web.call(
            _call(channel_id, thread_timestamp), {**arguments, "limit": PAGE_SIZE, "cursor": cursor or None}
        )
        listed = _messages(answer)
        return Page(
            # Every page of a thread begins with its first message, whatever its age.
            tuple(
                said for said in _incoming_messages(listed, channel_id) if said.timestamp not in ("", thread_timestamp)
            ),
            () if thread_timestamp else _threads(listed),
            parse_next_cursor(answer),
        )


def _call(channel_id: ChannelId, thread_timestamp: str) -> ApiCall:
    return ApiCall("conversations.replies" if thread_timestamp else "conversations.history", channel_id)


def _arguments(channel_id: ChannelId, thread_timestamp: str, after: str) -> JsonObject:
    return {"channel": channel_id, "ts": thread_timestamp or None, "oldest": after or None}


def _messages(page: JsonObject) -> list[JsonObject]:
    messages = page.get("messages")
    return [listed for listed in messages if isinstance(listed, dict)] if isinstance(messages, list) else []


def _incoming_messages(listed: Sequence[JsonObject], channel_id: ChannelId) -> list[IncomingMessage]:
    said = (_parse(message, channel_id) for message in listed)
    return [message for message in said if message is not None]


def _parse(listed: JsonObject, channel_id: ChannelId) -> IncomingMessage | None:
    try:
        return parse_message(listed, channel_id)
    except ValueError as error:
        log.warning("slack_message_malformed", channel=channel_id, reason=str(error))
        return None


def _threads(listed: Sequence[JsonObject]) -> tuple[str, ...]:
    """The messages on which replies hang; deleted ones among them."""
    return tuple(str(message["ts"]) for message in listed if _count(message.get("reply_count")) and message.get("ts"))


def _count(value: Json) -> int:
    return value if isinstance(value, int) else 0
