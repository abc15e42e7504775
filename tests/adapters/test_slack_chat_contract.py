from collections.abc import AsyncIterator
from datetime import UTC, datetime

import pytest

from adapters.slack.chat import SlackChat
from adapters.slack.web_client import SlackWebClient
from domain.channels import ChannelId
from domain.users import User
from entrypoints.simulation.slack.server import SlackServer
from tests.contracts.chat_contract import ChatContract, OwnClockContract, OwnClockEnvironment, PostedMessage


class SlackChatEnvironment(OwnClockEnvironment):
    def __init__(self, slack: SlackServer, chat: SlackChat) -> None:
        self.chat: SlackChat = chat
        self._slack = slack
        slack.add_user("bob")

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


class TestSlackChat(ChatContract, OwnClockContract):
    @pytest.fixture
    async def environment(self) -> AsyncIterator[OwnClockEnvironment]:
        async with SlackServer() as slack:
            web = SlackWebClient(slack.api_url, slack.bot_token, timeout_seconds=5)
            async with web.open():
                yield SlackChatEnvironment(slack, SlackChat(web))
