"""A chat service within the process: channels, people and messages, forgotten at exit."""

from dataclasses import replace
from datetime import datetime

from adapters.memory.chat_directory import ChatDirectory
from adapters.memory.chat_files import ChatFiles
from adapters.memory.chat_people import ChatPeople
from adapters.memory.chat_state import PostedMessage, is_direct
from application.ports.chat import Page
from domain.channels import ChannelId, Reference
from domain.commands import chat_fields
from domain.errors import ChannelInaccessible, ChatRejected
from domain.json_values import JsonObject
from domain.messages import IdempotencyKey, IncomingMessage, OutgoingMessage, Post, Receipt, RichMessage
from domain.users import Identity

_PAGE_SIZE = 200
_MAX_TEXT_LENGTH = 40_000


class MemoryChat(ChatPeople, ChatFiles, ChatDirectory):
    """Implements Chat, with the people's side of it.

    Behaves like Slack: ids of direct messages begin with `D`, texts of more than 40,000 characters are rejected.
    """

    history_lag_seconds = 5.0

    def validate(self, message: Post) -> None:
        if len(message.text) > _MAX_TEXT_LENGTH:
            explanation = f"the text has {len(message.text)} characters; at most {_MAX_TEXT_LENGTH} are allowed"
            raise ChatRejected("msg_too_long", explanation)

    def carries_key(self, message: Post) -> bool:
        return not isinstance(message, RichMessage) or message.fields.get("metadata") in (None, "")

    def is_direct(self, channel_id: ChannelId) -> bool:
        return is_direct(channel_id)

    async def identify(self) -> Identity:
        return self.identity

    async def post(self, message: Post, key: IdempotencyKey | None) -> Receipt:
        channel = self._writable(await self._place(message.channel_id))
        timestamp = self._next_timestamp()
        if key is not None and self.carries_key(message):
            channel.keys[timestamp] = key
        self.posts.append(PostedMessage(message, timestamp, channel.keys.get(timestamp)))
        self._add_own(channel, _fields(message), timestamp)
        return Receipt(channel.id, timestamp)

    async def _place(self, given: ChannelId) -> ChannelId:
        """Posts may name a channel or a person."""
        if self.reference(given) is Reference.PERSON:
            return await self.open_direct(given)
        known = {channel.name: channel.id for channel in self._channels.values()}
        return given if given in self._channels else known.get(given.removeprefix("#"), given)

    async def join(self, channel_id: ChannelId) -> None:
        channel = self._channel(channel_id)
        if channel.is_archived:
            raise ChannelInaccessible("is_archived", f"{channel_id} is archived; unarchive it first", channel_id)
        if channel.is_private and not channel.has_bot:
            raise ChatRejected("method_not_supported_for_channel_type", f"{channel_id} is private; invite the bot")
        self._add_bot(channel)

    async def leave(self, channel_id: ChannelId) -> None:
        channel = self._channel(channel_id)
        if channel.is_general and channel.has_bot:
            raise ChatRejected("cant_leave_general", f"{channel_id} is the general channel, which can't be left")
        self._remove_bot(channel)

    async def memberships(self) -> frozenset[ChannelId]:
        open_channels = (channel for channel in self._channels.values() if not channel.is_archived)
        return frozenset(channel.id for channel in open_channels if channel.has_bot and not channel.is_direct)

    async def is_member(self, channel_id: ChannelId) -> bool:
        channel = self._channels.get(channel_id)
        return channel is not None and channel.has_bot and not channel.is_archived

    async def find_posted(self, message: Post, key: IdempotencyKey, since: datetime) -> Receipt | None:
        channel = self._readable(message.channel_id)
        for timestamp, found in channel.keys.items():
            if found == key and timestamp > f"{since.timestamp():.6f}" and not self._is_unseen(timestamp):
                return Receipt(channel.id, timestamp)
        return None

    async def history(self, channel_id: ChannelId, after: str, until: str = "", cursor: str = "") -> Page:
        messages = self._history(channel_id)
        threads = {message.thread_timestamp for message in messages if message.thread_timestamp}
        listed = [message for message in _between(messages, after, until) if not message.thread_timestamp]
        page = _page(listed, cursor)
        return replace(page, threads=tuple(found.timestamp for found in page.messages if found.timestamp in threads))

    async def replies(
        self, channel_id: ChannelId, thread_timestamp: str, after: str, until: str = "", cursor: str = ""
    ) -> Page:
        messages = _between(self._history(channel_id), after, until)
        return _page([message for message in messages if message.thread_timestamp == thread_timestamp], cursor)

    def _history(self, channel_id: ChannelId) -> list[IncomingMessage]:
        messages = self._readable(channel_id).messages
        if not self.history_behind_seconds:
            return messages
        return _between(messages, "", f"{self.now().timestamp() - self.history_behind_seconds:.6f}")

    def _is_unseen(self, timestamp: str) -> bool:
        return self.now().timestamp() - float(timestamp) < self.unseen_seconds and self.unseen_seconds > 0


def _between(messages: list[IncomingMessage], after: str, until: str) -> list[IncomingMessage]:
    return [message for message in messages if after < message.timestamp and (not until or message.timestamp < until)]


def _page(messages: list[IncomingMessage], cursor: str) -> Page:
    start = int(cursor or 0)
    end = start + _PAGE_SIZE
    return Page(tuple(messages[start:end]), next_cursor=str(end) if end < len(messages) else "")


def _fields(message: Post) -> JsonObject:
    if isinstance(message, OutgoingMessage):
        return {"text": message.text, "thread_ts": message.thread_timestamp}
    return chat_fields(message)
