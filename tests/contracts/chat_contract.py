"""The contract of every Chat."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from application.ports.chat import Chat, Page
from domain.channels import ChannelId
from domain.errors import ChatRejected
from domain.messages import IdempotencyKey, IncomingMessage, OutgoingMessage, Receipt, RichMessage
from domain.users import User

if TYPE_CHECKING:
    from domain.json_values import JsonObject

LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class PostedMessage:
    """A message of the bot as the service stores it."""

    text: str
    timestamp: str
    thread_timestamp: str = ""


class ChatEnvironment(ABC):
    """A chat service, with methods to prepare and to inspect it."""

    chat: Chat

    @abstractmethod
    def open_channel(self, name: str, *, private: bool = False, with_bot: bool = False) -> ChannelId:
        """Creates a channel with one user in it. The channel named `general` cannot be left."""

    @abstractmethod
    def open_direct(self) -> ChannelId:
        """Opens a direct message channel between the bot and a user."""

    @abstractmethod
    def add_user(self, user: User) -> str:
        """Adds a user with these names; returns the id, which may differ from `user.id`."""

    @abstractmethod
    def say(self, channel_id: ChannelId, text: str, thread: str = "") -> str:
        """Lets a user post a message; returns its timestamp."""

    @abstractmethod
    def archive(self, channel_id: ChannelId) -> None: ...

    @abstractmethod
    def remove_bot(self, channel_id: ChannelId) -> None: ...

    @abstractmethod
    def posted(self, channel_id: ChannelId) -> list[PostedMessage]:
        """Returns the bot's messages in the channel and its threads, oldest first."""


class OwnClockEnvironment(ChatEnvironment):
    """A chat service with a clock of its own."""

    @abstractmethod
    def shift_clock(self, seconds: float) -> None:
        """Sets the service's clock ahead of the pack's."""

    @abstractmethod
    def own_time(self) -> datetime:
        """Returns the time by the pack's clock."""


def _time_of(receipt: Receipt) -> datetime:
    return datetime.fromtimestamp(float(receipt.timestamp), UTC)


async def _all_pages(environment: ChatEnvironment, channel_id: ChannelId, after: str = "") -> list[Page]:
    pages = [await environment.chat.history(channel_id, after)]
    while pages[-1].next_cursor:
        pages.append(await environment.chat.history(channel_id, after, cursor=pages[-1].next_cursor))
    return pages


def _texts(messages: Sequence[IncomingMessage]) -> list[str]:
    return sorted(message.text for message in messages)


class ChatContract:
    @pytest.fixture
    def environment(self) -> ChatEnvironment:
        raise NotImplementedError

    async def test_the_pack_is_identified(self, environment: ChatEnvironment) -> None:
        identity = await environment.chat.identify()

        assert identity.user_id
        assert identity.bot_id
        assert identity.user_id != identity.bot_id

    async def test_the_time_is_that_of_the_timestamps_of_posts(self, environment: ChatEnvironment) -> None:
        channel = environment.open_channel("ops", with_bot=True)

        receipt = await environment.chat.post(OutgoingMessage(channel, "hello"), None)

        assert abs(environment.chat.now() - _time_of(receipt)) < timedelta(seconds=5)

    async def test_a_text_that_the_service_would_cut_is_rejected(self, environment: ChatEnvironment) -> None:
        channel = environment.open_channel("ops", with_bot=True)
        environment.chat.validate(OutgoingMessage(channel, "x" * 40_000))

        with pytest.raises(ChatRejected, match="msg_too_long"):
            environment.chat.validate(OutgoingMessage(channel, "x" * 40_001))

    async def test_a_message_with_metadata_of_its_own_carries_no_idempotency_key(
        self, environment: ChatEnvironment
    ) -> None:
        channel = environment.open_channel("ops")
        plain, rich = OutgoingMessage(channel, "hello"), RichMessage({"channel": channel, "text": "hello"})

        assert environment.chat.carries_key(plain)
        assert environment.chat.carries_key(rich)
        assert not environment.chat.carries_key(RichMessage({**rich.fields, "metadata": {"event_type": "mine"}}))

    async def test_direct_messages_are_told_from_channels(self, environment: ChatEnvironment) -> None:
        assert environment.chat.is_direct(environment.open_direct())
        assert not environment.chat.is_direct(environment.open_channel("ops"))

    async def test_a_post_appears_where_the_receipt_says(self, environment: ChatEnvironment) -> None:
        channel = environment.open_channel("ops", with_bot=True)

        receipt = await environment.chat.post(OutgoingMessage(channel, "hello <@U1> &lt;"), None)

        assert receipt.channel_id == channel
        assert not receipt.in_doubt
        assert environment.posted(channel) == [PostedMessage("hello <@U1> &lt;", receipt.timestamp)]

    async def test_a_post_into_a_thread_appears_in_the_thread(self, environment: ChatEnvironment) -> None:
        channel = environment.open_channel("ops", with_bot=True)
        parent = environment.say(channel, "who is on call?")

        receipt = await environment.chat.post(OutgoingMessage(channel, "alice", parent), None)

        assert environment.posted(channel) == [PostedMessage("alice", receipt.timestamp, parent)]

    async def test_every_post_has_a_later_timestamp_than_the_one_before(self, environment: ChatEnvironment) -> None:
        channel = environment.open_channel("ops", with_bot=True)

        receipts = [await environment.chat.post(OutgoingMessage(channel, str(number)), None) for number in range(5)]

        timestamps = [receipt.timestamp for receipt in receipts]
        assert timestamps == sorted(set(timestamps))

    async def test_a_rich_message_appears_with_its_text_and_thread(self, environment: ChatEnvironment) -> None:
        channel = environment.open_channel("ops", with_bot=True)
        parent = environment.say(channel, "who is on call?")
        fields: JsonObject = {"channel": channel, "text": "*alice*", "thread_ts": parent, "username": "pager"}

        receipt = await environment.chat.post(RichMessage(fields), IdempotencyKey("m1"))

        assert environment.posted(channel) == [PostedMessage("*alice*", receipt.timestamp, parent)]

    async def test_a_post_without_membership_is_refused_with_advice(self, environment: ChatEnvironment) -> None:
        channel = environment.open_channel("secrets")

        with pytest.raises(ChatRejected) as refusal:
            await environment.chat.post(OutgoingMessage(channel, "hello"), None)

        assert str(refusal.value) == (
            f"not_in_channel: the bot is not a member of {channel}; send JoinChannel first, or /invite the bot"
        )
        assert environment.posted(channel) == []

    async def test_a_post_into_an_unknown_channel_is_refused(self, environment: ChatEnvironment) -> None:
        with pytest.raises(ChatRejected) as refusal:
            await environment.chat.post(OutgoingMessage(ChannelId("CNOWHERE"), "hello"), None)
        assert refusal.value.code == "channel_not_found"
        assert "CNOWHERE" in refusal.value.explanation

    async def test_a_post_into_an_archived_channel_is_refused(self, environment: ChatEnvironment) -> None:
        channel = environment.open_channel("ops", with_bot=True)
        environment.archive(channel)

        with pytest.raises(ChatRejected) as refusal:
            await environment.chat.post(OutgoingMessage(channel, "hello"), None)

        assert refusal.value.code == "is_archived"

    async def test_a_marked_post_is_found_by_its_mark(self, environment: ChatEnvironment) -> None:
        channel = environment.open_channel("ops", with_bot=True)
        message = OutgoingMessage(channel, "hello")
        await environment.chat.post(message, IdempotencyKey("first"))
        receipt = await environment.chat.post(message, IdempotencyKey("second"))
        await environment.chat.post(message, None)

        assert await environment.chat.find_posted(message, IdempotencyKey("second"), LONG_AGO) == receipt
        assert await environment.chat.find_posted(message, IdempotencyKey("third"), LONG_AGO) is None

    async def test_a_marked_post_is_found_in_its_thread(self, environment: ChatEnvironment) -> None:
        channel = environment.open_channel("ops", with_bot=True)
        parent = environment.say(channel, "who is on call?")
        message = RichMessage({"channel": channel, "text": "alice", "thread_ts": parent})
        receipt = await environment.chat.post(message, IdempotencyKey("mine"))

        assert await environment.chat.find_posted(message, IdempotencyKey("mine"), LONG_AGO) == receipt

    async def test_a_post_before_the_search_window_is_not_found(self, environment: ChatEnvironment) -> None:
        channel = environment.open_channel("ops", with_bot=True)
        message = OutgoingMessage(channel, "hello")
        receipt = await environment.chat.post(message, IdempotencyKey("mine"))
        posted_at = datetime.fromtimestamp(float(receipt.timestamp), UTC)

        assert (
            await environment.chat.find_posted(message, IdempotencyKey("mine"), posted_at + timedelta(seconds=1))
            is None
        )
        assert (
            await environment.chat.find_posted(message, IdempotencyKey("mine"), posted_at - timedelta(seconds=1))
            == receipt
        )

    async def test_metadata_of_the_message_replaces_the_idempotency_key(self, environment: ChatEnvironment) -> None:
        channel = environment.open_channel("ops", with_bot=True)
        own: JsonObject = {"event_type": "deployed", "event_payload": {"version": "1"}}
        message = RichMessage({"channel": channel, "text": "hello", "metadata": own})
        await environment.chat.post(message, IdempotencyKey("mine"))

        assert await environment.chat.find_posted(message, IdempotencyKey("mine"), LONG_AGO) is None

    async def test_searching_an_unreadable_history_is_refused(self, environment: ChatEnvironment) -> None:
        channel = environment.open_channel("ops", with_bot=True)
        message = OutgoingMessage(channel, "hello")
        await environment.chat.post(message, IdempotencyKey("mine"))
        environment.remove_bot(channel)

        with pytest.raises(ChatRejected):
            await environment.chat.find_posted(message, IdempotencyKey("mine"), LONG_AGO)

    async def test_joining_a_public_channel_makes_the_bot_a_member(self, environment: ChatEnvironment) -> None:
        channel = environment.open_channel("ops")
        assert not await environment.chat.is_member(channel)

        await environment.chat.join(channel)
        await environment.chat.join(channel)

        assert await environment.chat.is_member(channel)

    async def test_joining_a_private_channel_needs_an_invitation(self, environment: ChatEnvironment) -> None:
        invited = environment.open_channel("board", private=True, with_bot=True)
        await environment.chat.join(invited)
        assert await environment.chat.is_member(invited)

        environment.remove_bot(invited)
        with pytest.raises(ChatRejected):
            await environment.chat.join(invited)

    async def test_joining_an_unknown_channel_is_refused(self, environment: ChatEnvironment) -> None:
        with pytest.raises(ChatRejected) as refusal:
            await environment.chat.join(ChannelId("CNOWHERE"))
        assert refusal.value.code == "channel_not_found"

    async def test_joining_an_archived_channel_is_refused_even_to_members(self, environment: ChatEnvironment) -> None:
        channel = environment.open_channel("ops", with_bot=True)
        environment.archive(channel)

        with pytest.raises(ChatRejected) as refusal:
            await environment.chat.join(channel)

        assert refusal.value.code == "is_archived"

    async def test_leaving_ends_the_membership_and_may_be_repeated(self, environment: ChatEnvironment) -> None:
        channel = environment.open_channel("ops", with_bot=True)

        await environment.chat.leave(channel)
        await environment.chat.leave(channel)

        assert not await environment.chat.is_member(channel)

    async def test_a_channel_that_cannot_be_left_keeps_the_bot_as_a_member(self, environment: ChatEnvironment) -> None:
        channel = environment.open_channel("general", with_bot=True)

        with pytest.raises(ChatRejected) as refusal:
            await environment.chat.leave(channel)

        assert refusal.value.code == "cant_leave_general"
        assert await environment.chat.is_member(channel)

    async def test_leaving_an_unknown_channel_is_refused(self, environment: ChatEnvironment) -> None:
        with pytest.raises(ChatRejected) as refusal:
            await environment.chat.leave(ChannelId("CNOWHERE"))
        assert refusal.value.code == "channel_not_found"

    async def test_memberships_include_public_and_private_channels_only(self, environment: ChatEnvironment) -> None:
        public = environment.open_channel("ops", with_bot=True)
        private = environment.open_channel("board", private=True, with_bot=True)
        environment.open_channel("elsewhere")
        environment.archive(environment.open_channel("past", with_bot=True))
        environment.open_direct()

        assert await environment.chat.memberships() == {public, private}

    async def test_memberships_of_any_number_are_returned(self, environment: ChatEnvironment) -> None:
        channels = {environment.open_channel(f"channel-{number}", with_bot=True) for number in range(450)}

        assert await environment.chat.memberships() == channels

    async def test_an_unknown_channel_has_no_membership(self, environment: ChatEnvironment) -> None:
        assert not await environment.chat.is_member(ChannelId("C0GONE"))

    async def test_an_archived_channel_has_no_membership(self, environment: ChatEnvironment) -> None:
        channel = environment.open_channel("ops", with_bot=True)
        environment.archive(channel)

        assert not await environment.chat.is_member(channel)

    async def test_a_user_is_looked_up_with_all_details(self, environment: ChatEnvironment) -> None:
        alice = User("U0ALICE", "Ali", "alice@example.com", "Pilot", "Alice", "Liddell")
        user_id = environment.add_user(alice)

        found = await environment.chat.look_up(user_id)

        assert replace(found, handle="") == User(user_id, "Ali", "alice@example.com", "Pilot", "Alice", "Liddell")

    async def test_looking_up_an_unknown_user_is_refused(self, environment: ChatEnvironment) -> None:
        with pytest.raises(ChatRejected) as refusal:
            await environment.chat.look_up("UNKNOWN")
        assert refusal.value.code == "user_not_found"
        assert "UNKNOWN" in refusal.value.explanation

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


class OwnClockContract:
    """For a chat service with a clock of its own."""

    @pytest.mark.parametrize("offset", [-90.0, 90.0])
    async def test_the_time_is_the_service_s_and_not_the_pack_s(
        self, environment: OwnClockEnvironment, offset: float
    ) -> None:
        environment.shift_clock(offset)
        channel = environment.open_channel("ops", with_bot=True)
        own_time = environment.own_time()

        receipt = await environment.chat.post(OutgoingMessage(channel, "hello"), None)

        assert abs(environment.chat.now() - _time_of(receipt)) < timedelta(seconds=5)
        assert abs(environment.chat.now() - own_time - timedelta(seconds=offset)) < timedelta(seconds=5)
