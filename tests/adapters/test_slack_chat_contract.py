from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import cast

import pytest

from adapters.slack.chat import SlackChat
from adapters.slack.web_client import SlackWebClient
from domain.channels import ChannelId
from domain.json_values import JsonObject
from domain.users import User
from entrypoints.simulation.slack.server import SlackServer
from tests.contracts.chat_contract import ChatContract, OwnClockContract
from tests.contracts.chat_environment import FullChatEnvironment, PostedMessage
from tests.contracts.directory_contract import DirectoryContract
from tests.contracts.files_contract import FilesContract
from tests.contracts.message_changes_contract import MessageChangesContract
from tests.contracts.views_contract import ViewsContract


class SlackChatEnvironment(FullChatEnvironment):
    def __init__(self, slack: SlackServer, chat: SlackChat) -> None:
        self.chat: SlackChat = chat
        self._slack = slack
        self.person = slack.add_user("bob")

    def open_channel(self, name: str, *, private: bool = False, with_bot: bool = False) -> ChannelId:
        members = ("bob", self._slack.bot_user_id) if with_bot else ("bob",)
        return ChannelId(self._slack.add_channel(name, private=private, members=members))

    def open_direct(self) -> ChannelId:
        return ChannelId(self._slack.open_im("bob"))

    def add_user(self, user: User) -> str:
        return self._slack.add_user(
            user.handle or "handle",
            user_id=user.id,
            real_name="a real name",
            display_name=user.name,
            email=user.email,
            title=user.title,
            first_name=user.first_name,
            last_name=user.last_name,
        )

    def say(self, channel_id: ChannelId, text: str, thread: str = "") -> str:
        return self._slack.say("bob", channel_id, text, thread_ts=thread or None)

    def archive(self, channel_id: ChannelId) -> None:
        self._slack.archive(channel_id)

    def remove_bot(self, channel_id: ChannelId) -> None:
        self._slack.kick(channel_id, self._slack.bot_user_id)

    def shift_clock(self, seconds: float) -> None:
        self._slack.clock_offset_seconds = seconds

    def own_time(self) -> datetime:
        return datetime.now(UTC)

    def posted(self, channel_id: ChannelId) -> list[PostedMessage]:
        return [
            PostedMessage(post.text, post.ts, post.thread_ts or "")
            for post in self._slack.posts
            if post.channel == channel_id
        ]

    def fields_of(self, channel_id: ChannelId, timestamp: str) -> JsonObject | None:
        return next((fields for fields in self._slack.history(channel_id) if fields["ts"] == timestamp), None)

    def has_reaction(self, channel_id: ChannelId, timestamp: str, reaction: str) -> bool:
        fields = self.fields_of(channel_id, timestamp) or {}
        reactions = cast("list[dict[str, object]]", fields.get("reactions", []))
        own = {"name": reaction, "users": [self._slack.bot_user_id], "count": 1}
        return own in reactions

    def delete_message(self, channel_id: ChannelId, timestamp: str) -> None:
        self._slack.delete(channel_id, timestamp)

    def seen_by_person_only(self) -> list[str]:
        return [message.text for message in self._slack.ephemeral_posts if message.user == self.person]

    def new_response_url(self, channel_id: ChannelId, timestamp: str = "") -> str:
        return self._slack.response_urls.new(self._slack.workspace.channel(channel_id), self.person, timestamp)

    def new_trigger(self) -> str:
        return self._slack.new_trigger(self.person)

    def view_content(self, view_id: str) -> JsonObject:
        return self._slack.views.by_id[view_id]

    def file_content(self, file_id: str) -> bytes | None:
        return self._slack.files.by_id[file_id].content


class TestSlackChat(
    ChatContract, OwnClockContract, MessageChangesContract, ViewsContract, FilesContract, DirectoryContract
):
    @pytest.fixture
    async def environment(self) -> AsyncIterator[FullChatEnvironment]:
        async with SlackServer() as slack:
            web = SlackWebClient(slack.api_url, slack.bot_token, timeout_seconds=5)
            async with web.open():
                yield SlackChatEnvironment(slack, SlackChat(web))
