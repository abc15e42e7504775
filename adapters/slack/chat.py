"""Chat on Slack's Web API."""

from collections.abc import Iterator, Mapping
from datetime import datetime

from adapters.slack.directory import SlackDirectory
from adapters.slack.errors import NOT_A_MEMBER_CODES, ApiCall, unreadable_response
from adapters.slack.files import SlackFiles
from adapters.slack.message_changes import SlackMessageChanges
from adapters.slack.message_fields import message_fields
from adapters.slack.pagination import paginate
from adapters.slack.schemas import parse_identity, to_metadata
from adapters.slack.user_cache import UserCache
from adapters.slack.values import json_object
from adapters.slack.views import SlackViews
from adapters.slack.web_client import SlackWebClient
from application.ports.chat import Page
from domain.channels import ChannelId
from domain.commands import chat_fields
from domain.errors import ChatRejected, IdempotencyKeyRejected
from domain.json_values import Json, JsonObject
from domain.messages import IdempotencyKey, OutgoingMessage, Post, Receipt
from domain.users import Identity, User

_MAX_TEXT_LENGTH = 40_000
"""In characters. Slack cuts longer texts silently (reference of `chat.postMessage`, "Truncating content")."""


class SlackChat(SlackMessageChanges, SlackViews, SlackFiles, SlackDirectory):
    """Chat as one Slack app's bot, while `web` is open."""

    history_lag_seconds = 5.0
    """An empirical figure; Slack documents none."""

    def __init__(self, web: SlackWebClient) -> None:
        SlackMessageChanges.__init__(self, web)
        SlackFiles.__init__(self, web)
        self._users = UserCache(web)
        self._own = Identity("", "")

    def now(self) -> datetime:
        return self._web.now()

    def validate(self, message: Post) -> None:
        if len(message.text) > _MAX_TEXT_LENGTH:
            explanation = f"the text has {len(message.text)} characters; Slack cuts it after {_MAX_TEXT_LENGTH}"
            raise ChatRejected("msg_too_long", explanation)

    def carries_key(self, message: Post) -> bool:
        return isinstance(message, OutgoingMessage) or message.fields.get("metadata") in (None, "")

    def is_direct(self, channel_id: ChannelId) -> bool:
        return channel_id.startswith("D")

    async def identify(self) -> Identity:
        self._own = await self._web.read(ApiCall("auth.test"), {}, parse_identity)
        return self._own

    async def post(self, message: Post, key: IdempotencyKey | None) -> Receipt:
        call = ApiCall("chat.postMessage", message.channel_id, is_repeatable=False)
        try:
            response = await self._web.call(call, _arguments(message, key))
        except ChatRejected as rejection:
            if key is not None and "metadata" in rejection.code:
                raise IdempotencyKeyRejected(rejection.code, rejection.explanation) from rejection
            raise
        channel, timestamp = response.get("channel"), response.get("ts")
        if not isinstance(timestamp, str) or not timestamp:
            raise unreadable_response(call)
        return Receipt(ChannelId(channel) if isinstance(channel, str) and channel else message.channel_id, timestamp)

    async def join(self, channel_id: ChannelId) -> None:
        try:
            await self._web.call(ApiCall("conversations.join", channel_id), {"channel": channel_id})
        except ChatRejected as rejection:
            # For a private channel, or the token of a classic app, Slack rejects this even if the bot is a member.
            if not await self._is_known_member(channel_id):
                raise rejection from None

    async def leave(self, channel_id: ChannelId) -> None:
        try:
            await self._web.call(ApiCall("conversations.leave", channel_id), {"channel": channel_id})
        except ChatRejected as rejection:
            if rejection.code not in NOT_A_MEMBER_CODES:
                raise

    async def memberships(self) -> frozenset[ChannelId]:
        arguments: JsonObject = {"types": "public_channel,private_channel", "exclude_archived": True}
        call = ApiCall("users.conversations")
        return frozenset(
            [channel_id async for page in paginate(self._web, call, arguments) for channel_id in _ids(page)]
        )

    async def is_member(self, channel_id: ChannelId) -> bool:
        try:
            response = await self._web.call(ApiCall("conversations.info", channel_id), {"channel": channel_id})
        except ChatRejected as rejection:
            # Slack's code for channels that do not exist, and for private ones without the bot.
            if rejection.code == "channel_not_found":
                return False
            raise
        channel = json_object(response.get("channel"))
        if channel.get("is_archived") is True:
            return False
        if not isinstance(is_member := channel.get("is_member"), bool):
            raise ChatRejected("membership_unknown", "conversations.info does not say whether the bot is a member")
        return is_member

    def knows_user(self, user_id: str) -> bool:
        return self._users.knows(user_id)

    async def look_up(self, user_id: str) -> User:
        return await self._users.look_up(user_id)

    async def find_posted(self, message: Post, key: IdempotencyKey, since: datetime) -> Receipt | None:
        return await self._history.find_posted(message.channel_id, message.thread_timestamp, key, since)

    async def history(self, channel_id: ChannelId, after: str, until: str = "", cursor: str = "") -> Page:
        return await self._history.page(channel_id, "", after, until, cursor, self._own)

    async def replies(
        self, channel_id: ChannelId, thread_timestamp: str, after: str, until: str = "", cursor: str = ""
    ) -> Page:
        return await self._history.page(channel_id, thread_timestamp, after, until, cursor, self._own)

    async def _is_known_member(self, channel_id: ChannelId) -> bool:
        try:
            return await self.is_member(channel_id)
        except ChatRejected:
            return False


def _arguments(message: Post, key: IdempotencyKey | None) -> JsonObject:
    if isinstance(message, OutgoingMessage):
        arguments: JsonObject = {"channel": message.channel_id, "text": message.text}
        if message.thread_timestamp:
            arguments["thread_ts"] = message.thread_timestamp
    else:
        arguments = message_fields(chat_fields(message))
    if key is not None and arguments.get("metadata") is None:
        arguments["metadata"] = to_metadata(key)
    return arguments


def _ids(page: Mapping[str, Json]) -> Iterator[ChannelId]:
    channels = page.get("channels")
    for channel in channels if isinstance(channels, list) else ():
        channel_id = channel.get("id") if isinstance(channel, dict) else None
        if isinstance(channel_id, str) and channel_id:
            yield ChannelId(channel_id)
