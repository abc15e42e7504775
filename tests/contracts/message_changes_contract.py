"""The contract of every MessageChanges."""

from datetime import datetime, timedelta

import pytest

from domain.channels import ChannelId
from domain.errors import ChatRejected
from domain.json_values import JsonObject
from domain.messages import FoundMessage, OutgoingMessage, RichMessage
from tests.contracts.chat_environment import FullChatEnvironment

BLOCKS: JsonObject = {"blocks": [{"type": "divider"}]}
NOWHERE = "1234567890.123456"


async def post(
    environment: FullChatEnvironment, channel: ChannelId, text: str = "red", more: JsonObject | None = None
) -> str:
    message = RichMessage({"channel": channel, "text": text, **(more or {})})
    return (await environment.chat.post(message, None)).timestamp


def in_an_hour(environment: FullChatEnvironment) -> datetime:
    return environment.chat.now().replace(microsecond=0) + timedelta(hours=1)


class MessageChangesContract:
    @pytest.fixture
    def environment(self) -> FullChatEnvironment:
        raise NotImplementedError

    @pytest.fixture
    def channel(self, environment: FullChatEnvironment) -> ChannelId:
        return environment.open_channel("ops", with_bot=True)

    # Updates

    async def test_an_update_changes_the_text(self, environment: FullChatEnvironment, channel: ChannelId) -> None:
        timestamp = await post(environment, channel)

        await environment.chat.update(channel, timestamp, {"text": "green"})

        fields = environment.fields_of(channel, timestamp)
        assert fields is not None
        assert fields["text"] == "green"

    async def test_an_update_keeps_the_blocks_that_it_does_not_name(
        self, environment: FullChatEnvironment, channel: ChannelId
    ) -> None:
        timestamp = await post(environment, channel, more=BLOCKS)

        await environment.chat.update(channel, timestamp, {"text": "green"})

        fields = environment.fields_of(channel, timestamp)
        assert fields is not None
        assert fields["blocks"] == BLOCKS["blocks"]

    async def test_an_update_with_empty_blocks_removes_the_old_ones(
        self, environment: FullChatEnvironment, channel: ChannelId
    ) -> None:
        timestamp = await post(environment, channel, more=BLOCKS)

        await environment.chat.update(channel, timestamp, {"text": "green", "blocks": []})

        fields = environment.fields_of(channel, timestamp)
        assert fields is not None
        assert not fields.get("blocks")

    async def test_an_update_may_be_repeated(self, environment: FullChatEnvironment, channel: ChannelId) -> None:
        timestamp = await post(environment, channel)

        await environment.chat.update(channel, timestamp, {"text": "green"})
        await environment.chat.update(channel, timestamp, {"text": "green"})

    async def test_a_message_that_is_gone_can_not_be_changed(
        self, environment: FullChatEnvironment, channel: ChannelId
    ) -> None:
        timestamp = await post(environment, channel)
        environment.delete_message(channel, timestamp)

        with pytest.raises(ChatRejected, match="message_not_found"):
            await environment.chat.update(channel, timestamp, {"text": "green"})

    async def test_people_s_messages_can_not_be_changed(
        self, environment: FullChatEnvironment, channel: ChannelId
    ) -> None:
        with pytest.raises(ChatRejected, match="cant_update_message"):
            await environment.chat.update(channel, environment.say(channel, "mine"), {"text": "green"})

    # Deletions

    async def test_a_deleted_message_is_gone(self, environment: FullChatEnvironment, channel: ChannelId) -> None:
        timestamp = await post(environment, channel)

        await environment.chat.delete(channel, timestamp)

        assert environment.fields_of(channel, timestamp) is None

    async def test_a_repeated_deletion_is_rejected(self, environment: FullChatEnvironment, channel: ChannelId) -> None:
        timestamp = await post(environment, channel)
        await environment.chat.delete(channel, timestamp)

        with pytest.raises(ChatRejected) as refusal:
            await environment.chat.delete(channel, timestamp)

        assert refusal.value.code == "message_not_found"

    async def test_people_s_messages_can_not_be_deleted(
        self, environment: FullChatEnvironment, channel: ChannelId
    ) -> None:
        with pytest.raises(ChatRejected, match="cant_delete_message"):
            await environment.chat.delete(channel, environment.say(channel, "mine"))

    # Reactions

    async def test_a_reaction_is_added_once_however_often(
        self, environment: FullChatEnvironment, channel: ChannelId
    ) -> None:
        timestamp = environment.say(channel, "deployed")

        await environment.chat.add_reaction(channel, timestamp, "tada")
        await environment.chat.add_reaction(channel, timestamp, "tada")

        assert environment.has_reaction(channel, timestamp, "tada")

    async def test_a_reaction_is_removed_even_if_there_is_none(
        self, environment: FullChatEnvironment, channel: ChannelId
    ) -> None:
        timestamp = environment.say(channel, "deployed")
        await environment.chat.add_reaction(channel, timestamp, "tada")

        await environment.chat.remove_reaction(channel, timestamp, "tada")
        await environment.chat.remove_reaction(channel, timestamp, "tada")

        assert not environment.has_reaction(channel, timestamp, "tada")

    async def test_a_reaction_needs_a_message(self, environment: FullChatEnvironment, channel: ChannelId) -> None:
        for react in (environment.chat.add_reaction, environment.chat.remove_reaction):
            with pytest.raises(ChatRejected, match="message_not_found"):
                await react(channel, NOWHERE, "tada")

    # Ephemeral messages

    async def test_an_ephemeral_message_is_seen_by_one_person(
        self, environment: FullChatEnvironment, channel: ChannelId
    ) -> None:
        await environment.chat.post_ephemeral(channel, environment.person, {"text": "psst"})

        assert environment.seen_by_person_only() == ["psst"]
        assert environment.posted(channel) == []

    async def test_an_ephemeral_message_needs_a_member(
        self, environment: FullChatEnvironment, channel: ChannelId
    ) -> None:
        with pytest.raises(ChatRejected, match="user_not_in_channel"):
            await environment.chat.post_ephemeral(channel, "UNOBODY", {"text": "psst"})

    # Scheduled messages

    async def test_a_scheduled_message_is_found_by_channel_time_and_text(
        self, environment: FullChatEnvironment, channel: ChannelId
    ) -> None:
        time, other = in_an_hour(environment), environment.open_channel("dev", with_bot=True)
        scheduled_id = await environment.chat.schedule(channel, time, {"text": "stand-up"})
        await environment.chat.schedule(channel, time, {"text": "lunch"})
        await environment.chat.schedule(channel, time + timedelta(seconds=1), {"text": "stand-up"})
        await environment.chat.schedule(other, time, {"text": "stand-up"})

        assert await environment.chat.find_scheduled(channel, time, "stand-up") == scheduled_id
        assert await environment.chat.find_scheduled(channel, time, "tea") is None

    async def test_two_equal_scheduled_messages_are_not_told_apart(
        self, environment: FullChatEnvironment, channel: ChannelId
    ) -> None:
        time = in_an_hour(environment)
        await environment.chat.schedule(channel, time, {"text": "stand-up"})
        await environment.chat.schedule(channel, time, {"text": "stand-up"})

        assert await environment.chat.find_scheduled(channel, time, "stand-up") is None

    async def test_a_cancelled_message_is_not_scheduled_any_more(
        self, environment: FullChatEnvironment, channel: ChannelId
    ) -> None:
        time = in_an_hour(environment)
        scheduled_id = await environment.chat.schedule(channel, time, {"text": "stand-up"})

        await environment.chat.cancel_scheduled(channel, scheduled_id)

        assert await environment.chat.find_scheduled(channel, time, "stand-up") is None
        with pytest.raises(ChatRejected) as refusal:
            await environment.chat.cancel_scheduled(channel, scheduled_id)
        assert refusal.value.code == "invalid_scheduled_message_id"

    @pytest.mark.parametrize(
        ("ahead", "code"), [(timedelta(days=-1), "time_in_past"), (timedelta(days=121), "time_too_far")]
    )
    async def test_a_message_is_scheduled_within_the_next_months(
        self, environment: FullChatEnvironment, channel: ChannelId, ahead: timedelta, code: str
    ) -> None:
        with pytest.raises(ChatRejected) as refusal:
            await environment.chat.schedule(channel, environment.chat.now() + ahead, {"text": "stand-up"})
        assert refusal.value.code == code

    # Responses

    async def test_a_response_is_seen_by_the_person_unless_it_says_otherwise(
        self, environment: FullChatEnvironment
    ) -> None:
        elsewhere = environment.open_channel("elsewhere")

        await environment.chat.respond(environment.new_response_url(elsewhere), {"text": "on it"})

        assert environment.seen_by_person_only() == ["on it"]

    async def test_a_response_can_be_for_a_channel_without_the_bot(self, environment: FullChatEnvironment) -> None:
        elsewhere = environment.open_channel("elsewhere")
        url = environment.new_response_url(elsewhere)

        await environment.chat.respond(url, {"text": "on it", "response_type": "in_channel"})

        assert [message.text for message in environment.posted(elsewhere)] == ["on it"]

    async def test_a_response_can_replace_and_delete_the_message_that_was_used(
        self, environment: FullChatEnvironment, channel: ChannelId
    ) -> None:
        timestamp = await post(environment, channel, "approve?")
        url = environment.new_response_url(channel, timestamp)

        await environment.chat.respond(url, {"text": "approved", "replace_original": True})
        replaced = environment.fields_of(channel, timestamp)
        await environment.chat.respond(url, {"delete_original": True})

        assert replaced is not None
        assert replaced["text"] == "approved"
        assert environment.fields_of(channel, timestamp) is None

    async def test_a_response_address_serves_five_times(
        self, environment: FullChatEnvironment, channel: ChannelId
    ) -> None:
        url = environment.new_response_url(channel)
        for number in range(5):
            await environment.chat.respond(url, {"text": str(number)})

        with pytest.raises(ChatRejected) as refusal:
            await environment.chat.respond(url, {"text": "5"})

        assert refusal.value.code == "used_url"

    async def test_a_response_address_expires(self, environment: FullChatEnvironment, channel: ChannelId) -> None:
        url = environment.new_response_url(channel)
        environment.shift_clock(1801)

        with pytest.raises(ChatRejected) as refusal:
            await environment.chat.respond(url, {"text": "late"})

        assert refusal.value.code == "expired_url"
        assert url not in str(refusal.value)

    async def test_nothing_is_sent_to_a_foreign_host(self, environment: FullChatEnvironment) -> None:
        with pytest.raises(ChatRejected) as refusal:
            await environment.chat.respond("https://attacker.example/actions/secret", {"text": "psst"})
        assert refusal.value.code == "foreign_host"
        assert "attacker" not in str(refusal.value)

    # Look-ups

    async def test_a_permalink_is_an_address_of_the_message(
        self, environment: FullChatEnvironment, channel: ChannelId
    ) -> None:
        timestamp = environment.say(channel, "look")

        permalink = await environment.chat.permalink(channel, timestamp)

        assert permalink.startswith("https://")
        assert timestamp.replace(".", "") in permalink
        with pytest.raises(ChatRejected, match="message_not_found"):
            await environment.chat.permalink(channel, NOWHERE)

    async def test_the_thread_of_a_message_is_that_of_its_first_message(
        self, environment: FullChatEnvironment, channel: ChannelId
    ) -> None:
        root = environment.say(channel, "question")
        reply = environment.say(channel, "answer", thread=root)

        assert await environment.chat.thread_of(channel, root) == root
        assert await environment.chat.thread_of(channel, reply) == root
        with pytest.raises(ChatRejected, match="message_not_found"):
            await environment.chat.thread_of(channel, NOWHERE)

    async def test_a_message_is_read_by_its_timestamp(
        self, environment: FullChatEnvironment, channel: ChannelId
    ) -> None:
        environment.say(channel, "before")
        timestamp = environment.say(channel, "this one")
        environment.say(channel, "after")

        assert await environment.chat.message_at(channel, timestamp) == FoundMessage("this one")

    async def test_a_reply_is_read_by_its_timestamp(self, environment: FullChatEnvironment, channel: ChannelId) -> None:
        parent = environment.say(channel, "question")
        environment.say(channel, "other answer", parent)
        timestamp = environment.say(channel, "answer", parent)

        assert await environment.chat.message_at(channel, timestamp) == FoundMessage("answer", parent)

    async def test_a_message_that_does_not_exist_is_none(
        self, environment: FullChatEnvironment, channel: ChannelId
    ) -> None:
        environment.say(channel, "hello")

        assert await environment.chat.message_at(channel, NOWHERE) is None

    async def test_a_message_in_a_channel_without_the_bot_can_not_be_read(
        self, environment: FullChatEnvironment
    ) -> None:
        elsewhere = environment.open_channel("elsewhere")
        timestamp = environment.say(elsewhere, "hello")

        with pytest.raises(ChatRejected, match="not_in_channel"):
            await environment.chat.message_at(elsewhere, timestamp)

    @pytest.mark.parametrize("method", ["update", "delete", "add_reaction", "post_ephemeral", "schedule"])
    async def test_nothing_changes_in_an_unknown_channel(self, environment: FullChatEnvironment, method: str) -> None:
        chat, unknown = environment.chat, ChannelId("CNOWHERE")
        requests = {
            "update": chat.update(unknown, NOWHERE, {"text": "x"}),
            "delete": chat.delete(unknown, NOWHERE),
            "add_reaction": chat.add_reaction(unknown, NOWHERE, "tada"),
            "post_ephemeral": chat.post_ephemeral(unknown, environment.person, {"text": "x"}),
            "schedule": chat.schedule(unknown, in_an_hour(environment), {"text": "x"}),
        }
        request = requests.pop(method)
        for other in requests.values():
            other.close()

        with pytest.raises(ChatRejected, match="channel_not_found"):
            await request

    async def test_a_message_posted_meanwhile_is_another_one(
        self, environment: FullChatEnvironment, channel: ChannelId
    ) -> None:
        first = await environment.chat.post(OutgoingMessage(channel, "one"), None)
        second = await environment.chat.post(OutgoingMessage(channel, "two"), None)

        await environment.chat.update(channel, first.timestamp, {"text": "changed"})

        assert await environment.chat.message_at(channel, second.timestamp) == FoundMessage("two")
