"""The contract of every Chat: posts, the search for them, and users, besides what its base classes test."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from domain.channels import ChannelId
from domain.errors import ChatRejected
from domain.messages import IdempotencyKey, OutgoingMessage, Receipt, RichMessage
from domain.users import User
from tests.contracts.chat_environment import ChatEnvironment, OwnClockEnvironment, PostedMessage
from tests.contracts.history_contract import HistoryContract
from tests.contracts.memberships_contract import MembershipsContract

if TYPE_CHECKING:
    from domain.json_values import JsonObject

LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)


def _time_of(receipt: Receipt) -> datetime:
    return datetime.fromtimestamp(float(receipt.timestamp), UTC)


class ChatContract(MembershipsContract, HistoryContract):
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
        assert environment.chat.carries_key(RichMessage({**rich.fields, "metadata": ""}))
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
