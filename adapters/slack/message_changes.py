"""Changes to messages, reactions, and messages that are not simply posted, on Slack's Web API."""

from collections.abc import AsyncIterator, Callable
from datetime import datetime
from html import unescape
from typing import Final
from urllib.parse import parse_qsl, urlsplit

from adapters.slack.addresses import SlackAddresses
from adapters.slack.errors import ApiCall
from adapters.slack.history import SlackHistory
from adapters.slack.message_fields import message_fields, scheduled_fields, update_fields
from adapters.slack.pagination import paginate
from adapters.slack.values import object_list, required_text
from adapters.slack.web_client import SlackWebClient
from domain.channels import ChannelId
from domain.errors import ChatRejected
from domain.json_values import Json, JsonObject
from domain.messages import FoundMessage

_RESPONSE: Final = "the response address"


class SlackMessageChanges:
    """Implements MessageChanges."""

    def __init__(self, web: SlackWebClient) -> None:
        self._web = web
        self._history = SlackHistory(web)
        self._addresses = SlackAddresses(web)

    async def update(self, channel_id: ChannelId, timestamp: str, fields: JsonObject) -> None:
        arguments = {**update_fields(fields), "channel": channel_id, "ts": timestamp}
        await self._web.call(ApiCall("chat.update", channel_id), arguments)

    async def delete(self, channel_id: ChannelId, timestamp: str) -> None:
        call = ApiCall("chat.delete", channel_id, is_repeatable=False)
        await self._web.call(call, {"channel": channel_id, "ts": timestamp})

    async def add_reaction(self, channel_id: ChannelId, timestamp: str, reaction: str) -> None:
        await self._react("reactions.add", channel_id, timestamp, reaction, "already_reacted")

    async def remove_reaction(self, channel_id: ChannelId, timestamp: str, reaction: str) -> None:
        await self._react("reactions.remove", channel_id, timestamp, reaction, "no_reaction")

    async def post_ephemeral(self, channel_id: ChannelId, user_id: str, fields: JsonObject) -> None:
        call = ApiCall("chat.postEphemeral", channel_id, is_repeatable=False)
        await self._web.call(call, {**message_fields(fields), "channel": channel_id, "user": user_id})

    async def schedule(self, channel_id: ChannelId, post_at: datetime, fields: JsonObject) -> str:
        call = ApiCall("chat.scheduleMessage", channel_id, is_repeatable=False)
        arguments = {**scheduled_fields(fields), "channel": channel_id, "post_at": _seconds(post_at)}
        return await self._web.read(call, arguments, lambda response: required_text(response, "scheduled_message_id"))

    async def find_scheduled(self, channel_id: ChannelId, post_at: datetime, text: str) -> str | None:
        seconds = _seconds(post_at)
        found = [
            scheduled_id
            async for message in self._scheduled(channel_id, seconds)
            if str(message.get("post_at")) == str(seconds) and _plain(message.get("text")) == _plain(text)
            if isinstance(scheduled_id := message.get("id"), str)
        ]
        return found[0] if len(found) == 1 else None

    async def cancel_scheduled(self, channel_id: ChannelId, scheduled_id: str) -> None:
        call = ApiCall("chat.deleteScheduledMessage", channel_id, is_repeatable=False)
        await self._web.call(call, {"channel": channel_id, "scheduled_message_id": scheduled_id})

    async def respond(self, response_url: str, fields: JsonObject) -> None:
        call = ApiCall(_RESPONSE, is_repeatable=False, secret=response_url)
        await self._addresses.respond(response_url, message_fields(fields), call)

    async def permalink(self, channel_id: ChannelId, timestamp: str) -> str:
        return await self._permalink(channel_id, timestamp, str)

    async def thread_of(self, channel_id: ChannelId, timestamp: str) -> str:
        # The address of a reply names the thread; reading the message needs more scopes.
        return await self._permalink(channel_id, timestamp, _thread_in) or timestamp

    async def message_at(self, channel_id: ChannelId, timestamp: str) -> FoundMessage | None:
        return await self._history.message_at(channel_id, timestamp)

    async def _permalink(self, channel_id: ChannelId, timestamp: str, parse: Callable[[str], str]) -> str:
        arguments: dict[str, Json] = {"channel": channel_id, "message_ts": timestamp}
        call = ApiCall("chat.getPermalink", channel_id)
        return await self._web.read(call, arguments, lambda response: parse(required_text(response, "permalink")))

    async def _react(self, method: str, channel_id: ChannelId, timestamp: str, reaction: str, done: str) -> None:
        try:
            arguments: JsonObject = {"channel": channel_id, "timestamp": timestamp, "name": reaction}
            await self._web.call(ApiCall(method, channel_id), arguments)
        except ChatRejected as refusal:
            if refusal.code != done:
                raise

    async def _scheduled(self, channel_id: ChannelId, seconds: int) -> AsyncIterator[JsonObject]:
        call = ApiCall("chat.scheduledMessages.list", channel_id)
        # Whether the bounds are inclusive is not documented.
        arguments: JsonObject = {"channel": channel_id, "oldest": seconds - 1, "latest": seconds + 1}
        async for page in paginate(self._web, call, arguments):
            for message in object_list(page, "scheduled_messages"):
                yield message


def _plain(given: Json) -> str:
    """Returns a text as it can be compared: Slack escapes `&`, `<` and `>` in the texts that it lists."""
    return unescape(given) if isinstance(given, str) else ""


def _thread_in(permalink: str) -> str:
    """Returns the thread of a reply's address; empty for other addresses. Raises ValueError if it is no address."""
    return dict(parse_qsl(urlsplit(permalink).query)).get("thread_ts", "")


def _seconds(time: datetime) -> int:
    return int(time.timestamp())
