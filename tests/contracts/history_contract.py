"""The contract of every Chat: the history of channels and threads."""

from collections.abc import Sequence

import pytest

from application.ports.chat import Page
from domain.channels import ChannelId
from domain.errors import ChatRejected
from domain.messages import IncomingMessage, OutgoingMessage
from tests.contracts.chat_environment import ChatEnvironment


async def _all_pages(environment: ChatEnvironment, channel_id: ChannelId, after: str = "") -> list[Page]:
    pages = [await environment.chat.history(channel_id, after)]
    while pages[-1].next_cursor:
        pages.append(await environment.chat.history(channel_id, after, cursor=pages[-1].next_cursor))
    return pages


def _texts(messages: Sequence[IncomingMessage]) -> list[str]:
    return sorted(message.text for message in messages)


class HistoryContract:
    @pytest.fixture
    def environment(self) -> ChatEnvironment:
        raise NotImplementedError

    async def test_history_returns_messages_after_a_timestamp(self, environment: ChatEnvironment) -> None:
        channel = environment.open_channel("ops", with_bot=True)
        before = environment.say(channel, "before")
        after = environment.say(channel, "after & later")
        receipt = await environment.chat.post(OutgoingMessage(channel, "ours"), None)

        (page,) = await _all_pages(environment, channel, before)

        assert _texts(page.messages) == ["after & later", "ours"]
        assert {message.timestamp for message in page.messages} == {after, receipt.timestamp}
        assert {message.channel_id for message in page.messages} == {channel}
        assert all(message.user_id for message in page.messages)
        identity = await environment.chat.identify()
        own = [message.text for message in page.messages if identity.matches(message.user_id, message.bot_id)]
        assert own == ["ours"]

    async def test_history_and_replies_end_before_a_timestamp(self, environment: ChatEnvironment) -> None:
        channel = environment.open_channel("ops", with_bot=True)
        start = environment.say(channel, "start")
        parent = environment.say(channel, "question")
        environment.say(channel, "first answer", parent)
        until = environment.say(channel, "second answer", parent)
        environment.say(channel, "later")

        page = await environment.chat.history(channel, start, until)
        replies = await environment.chat.replies(channel, parent, start, until)

        assert _texts(page.messages) == ["question"]
        assert _texts(replies.messages) == ["first answer"]

    async def test_history_without_a_timestamp_starts_at_the_beginning(self, environment: ChatEnvironment) -> None:
        channel = environment.open_channel("ops", with_bot=True)
        environment.say(channel, "first")

        (page,) = await _all_pages(environment, channel)

        assert "first" in _texts(page.messages)

    async def test_history_of_any_length_is_returned_in_pages(self, environment: ChatEnvironment) -> None:
        channel = environment.open_channel("ops", with_bot=True)
        start = environment.say(channel, "start")
        posted = {environment.say(channel, f"message {number}") for number in range(450)}

        pages = await _all_pages(environment, channel, start)

        assert len(pages) > 1
        timestamps = [message.timestamp for page in pages for message in page.messages]
        assert len(timestamps) == len(set(timestamps))
        assert set(timestamps) == posted

    async def test_history_lists_threads_and_replies_returns_their_messages(self, environment: ChatEnvironment) -> None:
        channel = environment.open_channel("ops", with_bot=True)
        parent = environment.say(channel, "question")
        environment.say(channel, "no question")
        early = environment.say(channel, "first answer", parent)
        environment.say(channel, "second answer", parent)

        (page,) = await _all_pages(environment, channel)
        replies = await environment.chat.replies(channel, parent, "")
        later_replies = await environment.chat.replies(channel, parent, early)

        assert {"question", "no question"} <= set(_texts(page.messages))
        assert not {"first answer", "second answer"} & set(_texts(page.messages))
        assert page.threads == (parent,)
        assert _texts(replies.messages) == ["first answer", "second answer"]
        assert {message.thread_timestamp for message in replies.messages} == {parent}
        assert _texts(later_replies.messages) == ["second answer"]

    async def test_history_of_direct_messages_is_direct(self, environment: ChatEnvironment) -> None:
        direct = environment.open_direct()
        environment.say(direct, "psst")

        (page,) = await _all_pages(environment, direct)

        assert [message.is_direct for message in page.messages if message.text == "psst"] == [True]

    async def test_history_of_a_channel_without_the_bot_is_refused(self, environment: ChatEnvironment) -> None:
        channel = environment.open_channel("ops")

        with pytest.raises(ChatRejected) as refusal:
            await environment.chat.history(channel, "")

        assert refusal.value.code == "not_in_channel"
