from datetime import UTC, datetime

import pytest

from adapters.memory.chat import MemoryChat
from domain.channels import ChannelId
from domain.messages import OutgoingMessage, Post
from domain.users import User
from tests.contracts.chat_contract import ChatContract, OwnClockContract, OwnClockEnvironment, PostedMessage
from tests.support.manual_clock import ManualClock

START = datetime(2026, 1, 1, tzinfo=UTC)


class MemoryChatEnvironment(OwnClockEnvironment):
    def __init__(self) -> None:
        self.chat: MemoryChat = MemoryChat(ManualClock(START))

    def open_channel(self, name: str, *, private: bool = False, with_bot: bool = False) -> ChannelId:
        return self.chat.add_channel(f"C-{name}", is_private=private, is_general=name == "general", has_bot=with_bot)

    def open_direct(self) -> ChannelId:
        return self.chat.add_channel("D-alice", has_bot=True)

    def add_user(self, user: User) -> str:
        self.chat.add_user(user)
        return user.id

    def say(self, channel_id: ChannelId, text: str, thread: str = "") -> str:
        return self.chat.say(channel_id, text, thread_timestamp=thread).timestamp

    def archive(self, channel_id: ChannelId) -> None:
        self.chat.archive(channel_id)

    def remove_bot(self, channel_id: ChannelId) -> None:
        self.chat.remove(channel_id)

    def shift_clock(self, seconds: float) -> None:
        self.chat.clock_offset_seconds = seconds

    def own_time(self) -> datetime:
        return START

    def posted(self, channel_id: ChannelId) -> list[PostedMessage]:
        posts = (post for post in self.chat.posts if post.message.channel_id == channel_id)
        return [PostedMessage(post.message.text, post.timestamp, _thread_of(post.message)) for post in posts]


class TestMemoryChat(ChatContract, OwnClockContract):
    @pytest.fixture
    def environment(self) -> OwnClockEnvironment:
        return MemoryChatEnvironment()


def _thread_of(message: Post) -> str:
    return (
        message.thread_timestamp if isinstance(message, OutgoingMessage) else str(message.fields.get("thread_ts", ""))
    )
