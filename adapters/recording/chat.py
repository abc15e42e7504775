"""A chat whose messages and memberships are recorded."""

from datetime import datetime

from adapters.recording.entries import Identified, Joined, Left, Person, Posted
from adapters.recording.recorder import Record
from application.ports.chat import Chat, Page
from domain.channels import ChannelId
from domain.commands import without_token
from domain.errors import ChatError
from domain.json_values import JsonObject
from domain.messages import IdempotencyKey, OutgoingMessage, Receipt, RichMessage
from domain.users import Identity, User


class RecordedChat:
    """A Chat, and a record of what it was asked to do."""

    def __init__(self, chat: Chat, record: Record) -> None:
        self._chat = chat
        self._record = record

    async def identify(self) -> Identity:
        identity = await self._chat.identify()
        self._record.note(Identified(at=self._record.now, user_id=identity.user_id, bot_id=identity.bot_id))
        return identity

    async def post(self, message: OutgoingMessage | RichMessage, mark: IdempotencyKey | None) -> Receipt:
        try:
            receipt = await self._chat.post(message, mark)
        except ChatError as error:
            self._note_post(message, message.channel_id, "", str(error))
            raise
        self._note_post(message, receipt.channel_id, receipt.timestamp, "")
        return receipt

    async def join(self, channel_id: ChannelId) -> None:
        try:
            await self._chat.join(channel_id)
        except ChatError as error:
            self._record.note(Joined(at=self._record.now, channel_id=channel_id, error=str(error)))
            raise
        self._record.note(Joined(at=self._record.now, channel_id=channel_id, error=""))

    async def leave(self, channel_id: ChannelId) -> None:
        try:
            await self._chat.leave(channel_id)
        except ChatError as error:
            self._record.note(Left(at=self._record.now, channel_id=channel_id, error=str(error)))
            raise
        self._record.note(Left(at=self._record.now, channel_id=channel_id, error=""))

    async def memberships(self) -> frozenset[ChannelId]:
        return await self._chat.memberships()

    async def is_member(self, channel_id: ChannelId) -> bool:
        return await self._chat.is_member(channel_id)

    async def look_up(self, user_id: str) -> User:
        user = await self._chat.look_up(user_id)
        self._record.note(
            Person(
                at=self._record.now,
                user_id=user.id,
                name=user.name,
                title=user.title,
                first_name=user.first_name,
                last_name=user.last_name,
            )
        )
        return user

    async def find_posted(
        self, message: OutgoingMessage | RichMessage, mark: IdempotencyKey, since: datetime
    ) -> Receipt | None:
        return await self._chat.find_posted(message, mark, since)

    async def history(self, channel_id: ChannelId, after: str, cursor: str = "") -> Page:
        return await self._chat.history(channel_id, after, cursor)

    async def replies(self, channel_id: ChannelId, thread_timestamp: str, after: str, cursor: str = "") -> Page:
        return await self._chat.replies(channel_id, thread_timestamp, after, cursor)

    def _note_post(self, message: OutgoingMessage | RichMessage, channel_id: str, timestamp: str, error: str) -> None:
        at, fields = self._record.now, _fields(message)
        self._record.note(Posted(at=at, channel_id=channel_id, fields=fields, timestamp=timestamp, error=error))


def _fields(message: OutgoingMessage | RichMessage) -> JsonObject:
    """Of Slack's `chat.postMessage`."""
    if isinstance(message, RichMessage):
        return without_token(message.fields)
    thread: JsonObject = {"thread_ts": message.thread_timestamp} if message.thread_timestamp else {}
    return {"channel": message.channel_id, "text": message.text, **thread}
