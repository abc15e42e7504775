from datetime import UTC, datetime

import pytest

from adapters.memory.chat import MemoryChat
from domain.channels import ChannelId
from domain.json_values import JsonObject
from domain.users import User
from entrypoints.testing.manual_clock import ManualClock
from tests.contracts.chat_contract import ChatContract, OwnClockContract
from tests.contracts.chat_environment import FullChatEnvironment, PostedMessage
from tests.contracts.directory_contract import DirectoryContract
from tests.contracts.files_contract import FilesContract
from tests.contracts.message_changes_contract import MessageChangesContract
from tests.contracts.views_contract import ViewsContract

START = datetime(2026, 1, 1, tzinfo=UTC)


class MemoryChatEnvironment(FullChatEnvironment):
    def __init__(self) -> None:
        self.chat: MemoryChat = MemoryChat(ManualClock(START))
        self.person = self.add_user(User("UBOB"))

    def open_channel(self, name: str, *, private: bool = False, with_bot: bool = False) -> ChannelId:
        is_general = name == "general"
        return self.chat.add_channel(
            f"C-{name}", name=name, is_private=private, is_general=is_general, has_bot=with_bot
        )

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
        own = self.chat.identity
        return [
            PostedMessage(message.text, message.timestamp, message.thread_timestamp)
            for message in self.chat.messages(channel_id)
            if own.matches(message.user_id, message.bot_id)
        ]

    def fields_of(self, channel_id: ChannelId, timestamp: str) -> JsonObject | None:
        return self.chat.fields_of(channel_id, timestamp)

    def has_reaction(self, channel_id: ChannelId, timestamp: str, reaction: str) -> bool:
        return (channel_id, timestamp, reaction) in self.chat.reactions

    def delete_message(self, channel_id: ChannelId, timestamp: str) -> None:
        self.chat.delete_message(channel_id, timestamp)

    def seen_by_person_only(self) -> list[str]:
        return [str(message.fields["text"]) for message in self.chat.ephemerals if message.user_id == self.person]

    def new_response_url(self, channel_id: ChannelId, timestamp: str = "") -> str:
        return self.chat.new_response_url(channel_id, self.person, timestamp)

    def new_trigger(self) -> str:
        return self.chat.new_trigger(self.person)

    def view_content(self, view_id: str) -> JsonObject:
        return self.chat.views[view_id].content

    def file_content(self, file_id: str) -> bytes | None:
        return self.chat.files[file_id].content


class TestMemoryChat(
    ChatContract, OwnClockContract, MessageChangesContract, ViewsContract, FilesContract, DirectoryContract
):
    @pytest.fixture
    def environment(self) -> FullChatEnvironment:
        return MemoryChatEnvironment()
