"""What every chat service must do, whichever it is."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from application.ports.chat import Chat, Page
from domain.channels import ChannelId
from domain.errors import ChatRejected
from domain.messages import IdempotencyKey, IncomingMessage, OutgoingMessage, RichMessage
from domain.users import User

if TYPE_CHECKING:
    from domain.json_values import JsonObject

LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Standing:
    """A message as the service holds it."""

    text: str
    timestamp: str
    thread_timestamp: str = ""


class Stage(ABC):
    """A chat service, and a hand to set it up and to look into it."""

    chat: Chat

    @abstractmethod
    def open_channel(self, name: str, *, private: bool = False, with_bot: bool = False) -> ChannelId:
        """A channel with somebody in it; the one named `general` can't be left."""

    @abstractmethod
    def open_direct(self) -> ChannelId:
        """Direct messages between the bot and somebody."""

    @abstractmethod
    def add_user(self, user: User) -> str:
        """Somebody with these names; returns the id, which may be another than the user's."""

    @abstractmethod
    def say(self, channel_id: ChannelId, text: str, thread: str = "") -> str:
        """Somebody says something; returns its timestamp."""

    @abstractmethod
    def archive(self, channel_id: ChannelId) -> None: ...

    @abstractmethod
    def remove_bot(self, channel_id: ChannelId) -> None: ...

    @abstractmethod
    def standing(self, channel_id: ChannelId) -> list[Standing]:
        """The bot's messages in that channel and its threads, oldest first."""


async def _all_pages(stage: Stage, channel_id: ChannelId, after: str = "") -> list[Page]:
    pages = [await stage.chat.history(channel_id, after)]
    while pages[-1].next_cursor:
        pages.append(await stage.chat.history(channel_id, after, pages[-1].next_cursor))
    return pages


def _texts(messages: Sequence[IncomingMessage]) -> list[str]:
    return sorted(said.text for said in messages)


class ChatContract:
    @pytest.fixture
    def stage(self) -> Stage:
        raise NotImplementedError

    async def test_the_pack_is_identified(self, stage: Stage) -> None:
        identity = await stage.chat.identify()

        assert identity.user_id
        assert identity.bot_id
        assert identity.user_id != identity.bot_id

    async def test_a_post_appears_where_the_receipt_says(self, stage: Stage) -> None:
        channel = stage.open_channel("ops", with_bot=True)

        receipt = await stage.chat.post(OutgoingMessage(channel, "hello <@U1> &lt;"), None)

        assert receipt.channel_id == channel
        assert not receipt.in_doubt
        assert stage.standing(channel) == [Standing("hello <@U1> &lt;", receipt.timestamp)]

    async def test_a_post_into_a_thread_appears_in_the_thread(self, stage: Stage) -> None:
        channel = stage.open_channel("ops", with_bot=True)
        parent = stage.say(channel, "who is on call?")

        receipt = await stage.chat.post(OutgoingMessage(channel, "alice", parent), None)

        assert stage.standing(channel) == [Standing("alice", receipt.timestamp, parent)]

    async def test_every_post_has_a_later_timestamp_than_the_one_before(self, stage: Stage) -> None:
        channel = stage.open_channel("ops", with_bot=True)

        receipts = [await stage.chat.post(OutgoingMessage(channel, str(number)), None) for number in range(5)]

        timestamps = [receipt.timestamp for receipt in receipts]
        assert timestamps == sorted(set(timestamps))

    async def test_a_rich_message_appears_with_its_text_and_thread(self, stage: Stage) -> None:
        channel = stage.open_channel("ops", with_bot=True)
        parent = stage.say(channel, "who is on call?")
        fields: JsonObject = {"channel": channel, "text": "*alice*", "thread_ts": parent, "username": "pager"}

        receipt = await stage.chat.post(RichMessage(fields), IdempotencyKey("m1"))

        assert stage.standing(channel) == [Standing("*alice*", receipt.timestamp, parent)]

    async def test_a_post_into_a_channel_without_the_bot_is_refused_with_advice(self, stage: Stage) -> None:
        channel = stage.open_channel("secrets")

        with pytest.raises(ChatRejected) as refusal:
            await stage.chat.post(OutgoingMessage(channel, "hello"), None)

        assert str(refusal.value) == (
            f"not_in_channel: the bot is not a member of {channel}; send JoinChannel first, or /invite the bot"
        )
        assert stage.standing(channel) == []

    async def test_a_post_into_an_unknown_channel_is_refused(self, stage: Stage) -> None:
        with pytest.raises(ChatRejected) as refusal:
            await stage.chat.post(OutgoingMessage(ChannelId("CNOWHERE"), "hello"), None)
        assert refusal.value.code == "channel_not_found"
        assert "CNOWHERE" in refusal.value.explanation

    async def test_a_post_into_an_archived_channel_is_refused(self, stage: Stage) -> None:
        channel = stage.open_channel("ops", with_bot=True)
        stage.archive(channel)

        with pytest.raises(ChatRejected) as refusal:
            await stage.chat.post(OutgoingMessage(channel, "hello"), None)

        assert refusal.value.code == "is_archived"

    async def test_a_marked_post_is_found_by_its_mark(self, stage: Stage) -> None:
        channel = stage.open_channel("ops", with_bot=True)
        message = OutgoingMessage(channel, "hello")
        await stage.chat.post(message, IdempotencyKey("first"))
        receipt = await stage.chat.post(message, IdempotencyKey("second"))
        await stage.chat.post(message, None)

        assert await stage.chat.find_posted(message, IdempotencyKey("second"), LONG_AGO) == receipt
        assert await stage.chat.find_posted(message, IdempotencyKey("third"), LONG_AGO) is None

    async def test_a_marked_post_is_found_in_its_thread(self, stage: Stage) -> None:
        channel = stage.open_channel("ops", with_bot=True)
        parent = stage.say(channel, "who is on call?")
        message = RichMessage({"channel": channel, "text": "alice", "thread_ts": parent})
        receipt = await stage.chat.post(message, IdempotencyKey("mine"))

        assert await stage.chat.find_posted(message, IdempotencyKey("mine"), LONG_AGO) == receipt

    async def test_a_post_before_the_search_window_is_not_found(self, stage: Stage) -> None:
        channel = stage.open_channel("ops", with_bot=True)
        message = OutgoingMessage(channel, "hello")
        receipt = await stage.chat.post(message, IdempotencyKey("mine"))
        posted_at = datetime.fromtimestamp(float(receipt.timestamp), UTC)

        assert await stage.chat.find_posted(message, IdempotencyKey("mine"), posted_at + timedelta(seconds=1)) is None
        assert (
            await stage.chat.find_posted(message, IdempotencyKey("mine"), posted_at - timedelta(seconds=1)) == receipt
        )

    async def test_metadata_of_the_message_replaces_the_idempotency_key(self, stage: Stage) -> None:
        channel = stage.open_channel("ops", with_bot=True)
        own: JsonObject = {"event_type": "deployed", "event_payload": {"version": "1"}}
        message = RichMessage({"channel": channel, "text": "hello", "metadata": own})
        await stage.chat.post(message, IdempotencyKey("mine"))

        assert await stage.chat.find_posted(message, IdempotencyKey("mine"), LONG_AGO) is None

    async def test_searching_a_channel_whose_history_is_unreadable_is_refused(self, stage: Stage) -> None:
        channel = stage.open_channel("ops", with_bot=True)
        message = OutgoingMessage(channel, "hello")
        await stage.chat.post(message, IdempotencyKey("mine"))
        stage.remove_bot(channel)

        with pytest.raises(ChatRejected):
            await stage.chat.find_posted(message, IdempotencyKey("mine"), LONG_AGO)

    async def test_joining_a_public_channel_makes_the_bot_a_member(self, stage: Stage) -> None:
        channel = stage.open_channel("ops")
        assert not await stage.chat.is_member(channel)

        await stage.chat.join(channel)
        await stage.chat.join(channel)

        assert await stage.chat.is_member(channel)

    async def test_joining_a_private_channel_needs_an_invitation(self, stage: Stage) -> None:
        invited = stage.open_channel("board", private=True, with_bot=True)
        await stage.chat.join(invited)
        assert await stage.chat.is_member(invited)

        stage.remove_bot(invited)
        with pytest.raises(ChatRejected):
            await stage.chat.join(invited)

    async def test_joining_an_unknown_channel_is_refused(self, stage: Stage) -> None:
        with pytest.raises(ChatRejected) as refusal:
            await stage.chat.join(ChannelId("CNOWHERE"))
        assert refusal.value.code == "channel_not_found"

    async def test_joining_an_archived_channel_is_refused_even_to_members(self, stage: Stage) -> None:
        channel = stage.open_channel("ops", with_bot=True)
        stage.archive(channel)

        with pytest.raises(ChatRejected) as refusal:
            await stage.chat.join(channel)

        assert refusal.value.code == "is_archived"

    async def test_leaving_ends_the_membership_and_may_be_repeated(self, stage: Stage) -> None:
        channel = stage.open_channel("ops", with_bot=True)

        await stage.chat.leave(channel)
        await stage.chat.leave(channel)

        assert not await stage.chat.is_member(channel)

    async def test_a_channel_that_cannot_be_left_keeps_the_bot_as_a_member(self, stage: Stage) -> None:
        channel = stage.open_channel("general", with_bot=True)

        with pytest.raises(ChatRejected) as refusal:
            await stage.chat.leave(channel)

        assert refusal.value.code == "cant_leave_general"
        assert await stage.chat.is_member(channel)

    async def test_leaving_an_unknown_channel_is_refused(self, stage: Stage) -> None:
        with pytest.raises(ChatRejected) as refusal:
            await stage.chat.leave(ChannelId("CNOWHERE"))
        assert refusal.value.code == "channel_not_found"

    async def test_memberships_include_public_and_private_channels_only(self, stage: Stage) -> None:
        public = stage.open_channel("ops", with_bot=True)
        private = stage.open_channel("board", private=True, with_bot=True)
        stage.open_channel("elsewhere")
        stage.archive(stage.open_channel("past", with_bot=True))
        stage.open_direct()

        assert await stage.chat.memberships() == {public, private}

    async def test_memberships_of_any_number_are_returned(self, stage: Stage) -> None:
        channels = {stage.open_channel(f"channel-{number}", with_bot=True) for number in range(450)}

        assert await stage.chat.memberships() == channels

    async def test_an_unknown_channel_has_no_membership(self, stage: Stage) -> None:
        assert not await stage.chat.is_member(ChannelId("C0GONE"))

    async def test_an_archived_channel_has_no_membership(self, stage: Stage) -> None:
        channel = stage.open_channel("ops", with_bot=True)
        stage.archive(channel)

        assert not await stage.chat.is_member(channel)

    async def test_a_user_is_looked_up_with_all_details(self, stage: Stage) -> None:
        alice = User("U0ALICE", "Ali", "alice@example.com", "Pilot", "Alice", "Liddell")
        user_id = stage.add_user(alice)

        found = await stage.chat.look_up(user_id)

        assert found == User(user_id, "Ali", "alice@example.com", "Pilot", "Alice", "Liddell")

    async def test_looking_up_an_unknown_user_is_refused(self, stage: Stage) -> None:
        with pytest.raises(ChatRejected) as refusal:
            await stage.chat.look_up("UNOBODY")
        assert refusal.value.code == "user_not_found"
        assert "UNOBODY" in refusal.value.explanation

    async def test_history_returns_messages_after_a_timestamp(self, stage: Stage) -> None:
        channel = stage.open_channel("ops", with_bot=True)
        before = stage.say(channel, "before")
        after = stage.say(channel, "after & later")
        receipt = await stage.chat.post(OutgoingMessage(channel, "ours"), None)

        (page,) = await _all_pages(stage, channel, before)

        assert _texts(page.messages) == ["after & later", "ours"]
        assert {said.timestamp for said in page.messages} == {after, receipt.timestamp}
        assert {said.channel_id for said in page.messages} == {channel}
        assert all(said.user_id for said in page.messages)
        identity = await stage.chat.identify()
        assert [said.text for said in page.messages if said.is_from(identity)] == ["ours"]

    async def test_history_without_a_timestamp_starts_at_the_beginning(self, stage: Stage) -> None:
        channel = stage.open_channel("ops", with_bot=True)
        stage.say(channel, "first")

        (page,) = await _all_pages(stage, channel)

        assert "first" in _texts(page.messages)

    async def test_history_of_any_length_is_returned_in_pages(self, stage: Stage) -> None:
        channel = stage.open_channel("ops", with_bot=True)
        start = stage.say(channel, "start")
        said = {stage.say(channel, f"message {number}") for number in range(450)}

        pages = await _all_pages(stage, channel, start)

        assert len(pages) > 1
        timestamps = [message.timestamp for page in pages for message in page.messages]
        assert len(timestamps) == len(set(timestamps))
        assert set(timestamps) == said

    async def test_history_lists_threads_and_replies_returns_their_messages(self, stage: Stage) -> None:
        channel = stage.open_channel("ops", with_bot=True)
        parent = stage.say(channel, "question")
        stage.say(channel, "no question")
        early = stage.say(channel, "first answer", parent)
        stage.say(channel, "second answer", parent)

        (page,) = await _all_pages(stage, channel)
        replies = await stage.chat.replies(channel, parent, "")
        later_replies = await stage.chat.replies(channel, parent, early)

        assert {"question", "no question"} <= set(_texts(page.messages))
        assert not {"first answer", "second answer"} & set(_texts(page.messages))
        assert page.threads == (parent,)
        assert _texts(replies.messages) == ["first answer", "second answer"]
        assert {said.thread_timestamp for said in replies.messages} == {parent}
        assert _texts(later_replies.messages) == ["second answer"]

    async def test_history_of_direct_messages_is_direct(self, stage: Stage) -> None:
        direct = stage.open_direct()
        stage.say(direct, "psst")

        (page,) = await _all_pages(stage, direct)

        assert [said.is_direct for said in page.messages if said.text == "psst"] == [True]

    async def test_history_of_a_channel_without_the_bot_is_refused(self, stage: Stage) -> None:
        channel = stage.open_channel("ops")

        with pytest.raises(ChatRejected) as refusal:
            await stage.chat.history(channel, "")

        assert refusal.value.code == "not_in_channel"
