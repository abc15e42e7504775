"""The in-memory chat service: changes to messages, reactions, and messages that are not simply posted."""

import asyncio
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from adapters.memory.chat_state import Channel, ChatState
from application.ports.clock import Clock
from domain.channels import ChannelId
from domain.errors import ChatRejected
from domain.json_values import JsonObject
from domain.messages import FoundMessage, IncomingMessage

_ADDRESS: Final = "https://memory.example"
_MAX_SCHEDULED: Final = timedelta(days=120)
_TOO_LATE: Final = timedelta(seconds=60)
"""The time before its post in which a scheduled message can no longer be cancelled."""
_RESPONSES: Final = 5
_RESPONSE_PERIOD: Final = timedelta(minutes=30)


@dataclass(frozen=True, slots=True)
class EphemeralMessage:
    """A message that one person sees."""

    channel_id: ChannelId
    user_id: str
    fields: JsonObject


@dataclass(frozen=True, slots=True)
class ScheduledMessage:
    """A message that waits for its time."""

    channel_id: ChannelId
    post_at: datetime
    fields: JsonObject


@dataclass(slots=True)
class _ResponseAddress:
    """Where an interaction can be answered."""

    channel_id: ChannelId
    user_id: str
    timestamp: str
    expires_at: datetime
    uses_left: int = _RESPONSES


@dataclass(frozen=True, slots=True)
class Response:
    """An answer to an interaction."""

    response_url: str = field(repr=False)
    fields: JsonObject


class ChatMessages(ChatState):
    """Implements MessageChanges."""

    def __init__(self, clock: Clock) -> None:
        super().__init__(clock)
        self.reactions: set[tuple[ChannelId, str, str]] = set()
        """The bot's reactions: channel, timestamp, reaction."""
        self.ephemerals: list[EphemeralMessage] = []
        self.scheduled: dict[str, ScheduledMessage] = {}
        """By id."""
        self.responses: list[Response] = []
        self._addresses: dict[str, _ResponseAddress] = {}

    # People's side

    def new_response_url(self, channel_id: str, user_id: str = "U1", timestamp: str = "") -> str:
        """Returns the address to answer an interaction of a person, which may be about a message."""
        url = f"{_ADDRESS}/respond/{self._new_id('R')}"
        expires_at = self.now() + _RESPONSE_PERIOD
        self._addresses[url] = _ResponseAddress(ChannelId(channel_id), user_id, timestamp, expires_at)
        return url

    def delete_message(self, channel_id: str, timestamp: str) -> None:
        """Deletes any message, as a person with the right to."""
        channel = self._channel(ChannelId(channel_id))
        channel.remove(_message(channel, timestamp))

    # MessageChanges

    async def update(self, channel_id: ChannelId, timestamp: str, fields: JsonObject) -> None:
        channel = self._readable(channel_id)
        message = self._own_message(channel, timestamp, "cant_update_message")
        self._change(channel, message, fields)

    async def delete(self, channel_id: ChannelId, timestamp: str) -> None:
        channel = self._readable(channel_id)
        channel.remove(self._own_message(channel, timestamp, "cant_delete_message"))

    async def add_reaction(self, channel_id: ChannelId, timestamp: str, reaction: str) -> None:
        _message(self._writable(channel_id), timestamp)
        self.reactions.add((channel_id, timestamp, reaction))

    async def remove_reaction(self, channel_id: ChannelId, timestamp: str, reaction: str) -> None:
        _message(self._writable(channel_id), timestamp)
        self.reactions.discard((channel_id, timestamp, reaction))

    async def post_ephemeral(self, channel_id: ChannelId, user_id: str, fields: JsonObject) -> None:
        channel = self._writable(channel_id)
        if user_id not in self._users:
            raise ChatRejected("user_not_in_channel", f"{user_id} is not a member of {channel_id}; check the user id")
        self.ephemerals.append(EphemeralMessage(channel.id, user_id, fields))

    async def schedule(self, channel_id: ChannelId, post_at: datetime, fields: JsonObject) -> str:
        channel = self._writable(channel_id)
        if post_at <= self.now():
            raise ChatRejected("time_in_past", "the time to post is over; give a later one")
        if post_at > self.now() + _MAX_SCHEDULED:
            raise ChatRejected("time_too_far", "the time to post is more than 120 days ahead; give an earlier one")
        scheduled_id = self._new_id("Q")
        self.scheduled[scheduled_id] = ScheduledMessage(channel.id, post_at, fields)
        seconds = (post_at - self.now()).total_seconds()
        asyncio.get_running_loop().call_later(seconds, self._post_scheduled, scheduled_id)
        return scheduled_id

    async def find_scheduled(self, channel_id: ChannelId, post_at: datetime, text: str) -> str | None:
        self._channel(channel_id)
        found = [
            scheduled_id
            for scheduled_id, message in self.scheduled.items()
            if (message.channel_id, message.post_at, message.fields.get("text")) == (channel_id, post_at, text)
        ]
        return found[0] if len(found) == 1 else None

    async def cancel_scheduled(self, channel_id: ChannelId, scheduled_id: str) -> None:
        channel, message = self._channel(channel_id), self.scheduled.get(scheduled_id)
        if message is None or message.channel_id != channel.id or message.post_at <= self.now() + _TOO_LATE:
            raise ChatRejected("invalid_scheduled_message_id", "no such message waits to be posted; check the id")
        del self.scheduled[scheduled_id]

    async def respond(self, response_url: str, fields: JsonObject) -> None:
        address = self._use(response_url)
        self.responses.append(Response(response_url, fields))
        channel = self._channel(address.channel_id)
        original = channel.find(address.timestamp)
        if original is not None and fields.get("delete_original"):
            channel.remove(original)
        elif original is not None and fields.get("replace_original"):
            self._change(channel, original, fields)
        elif fields.get("response_type") == "in_channel":
            self._add_own(channel, fields, self._next_timestamp())
        else:
            self.ephemerals.append(EphemeralMessage(channel.id, address.user_id, fields))

    async def permalink(self, channel_id: ChannelId, timestamp: str) -> str:
        _message(self._channel(channel_id), timestamp)
        return f"{_ADDRESS}/archives/{channel_id}/p{timestamp.replace('.', '')}"

    async def thread_of(self, channel_id: ChannelId, timestamp: str) -> str:
        return _message(self._channel(channel_id), timestamp).thread_timestamp or timestamp

    async def message_at(self, channel_id: ChannelId, timestamp: str) -> FoundMessage | None:
        message = self._readable(channel_id).find(timestamp)
        return None if message is None else FoundMessage(message.text, message.thread_timestamp)

    def _own_message(self, channel: Channel, timestamp: str, refusal: str) -> IncomingMessage:
        message = _message(channel, timestamp)
        if timestamp not in channel.fields:
            raise ChatRejected(refusal, "the message is not the bot's own")
        return message

    def _change(self, channel: Channel, message: IncomingMessage, fields: JsonObject) -> None:
        """Changes a message; as in Slack it keeps what `fields` do not name."""
        changed = channel.fields[message.timestamp] = {**channel.fields.get(message.timestamp, {}), **fields}
        channel.set_text(message, str(changed.get("text") or ""))

    def _post_scheduled(self, scheduled_id: str) -> None:
        message = self.scheduled.pop(scheduled_id, None)
        if message is not None and "metadata" not in message.fields:
            self._add_own(self._channel(message.channel_id), message.fields, self._next_timestamp())

    def _use(self, response_url: str) -> _ResponseAddress:
        address = self._addresses.get(response_url)
        if address is None:
            raise ChatRejected("foreign_host", "this is not an address of the chat service")
        if self.now() > address.expires_at:
            raise ChatRejected("expired_url", "the address has expired; answer within 30 minutes")
        if not address.uses_left:
            raise ChatRejected("used_url", "the address was used five times; that is the limit")
        address.uses_left -= 1
        return address


def _message(channel: Channel, timestamp: str) -> IncomingMessage:
    message = channel.find(timestamp)
    if message is None:
        raise ChatRejected("message_not_found", f"{channel.id} has no message with this timestamp; check the timestamp")
    return message
