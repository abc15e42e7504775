"""Messages that flows change and continue by keys of their own.

In doubt: test_message_keys_in_doubt.py.
"""

import pytest

from adapters.serialization.command_inputs import parse_command
from domain.channels import ChannelId
from domain.errors import ChatRejected, RateLimited, Unreachable
from domain.json_values import JsonObject
from domain.messages import OutgoingMessage
from tests.support.environment import World, pack_settings
from tests.support.keyed_messages import ending, messages, send


async def test_the_first_message_with_a_key_is_posted(world: World) -> None:
    async with world.pack():
        payload = await send(world, "down", messageKey="alert")

    assert messages(world) == [("down", "")]
    assert payload == {
        "event": "MessageSent",
        "message": "down",
        "channelId": "C1",
        "threadTimestamp": "",
        "messageKey": "alert",
        "threadKey": "",
        "timestamp": world.chat.posts[0].timestamp,
        "updated": False,
    }


async def test_a_further_message_with_the_key_updates_the_first_one(world: World) -> None:
    async with world.pack():
        first = await send(world, "down", messageKey="alert")
        second = await send(world, "up", messageKey="alert")

    assert messages(world) == [("up", "")]
    assert (second["timestamp"], second["updated"]) == (first["timestamp"], True)


async def test_a_key_outlives_the_pack(world: World) -> None:
    async with world.pack():
        await send(world, "down", messageKey="alert")
    async with world.pack():
        await send(world, "up", messageKey="alert")

    assert messages(world) == [("up", "")]


async def test_keys_differ_and_belong_to_their_channel(world: World) -> None:
    async with world.pack():
        await send(world, "a", messageKey="alert")
        await send(world, "b", messageKey="Alert")
        await send(world, "c", messageKey="alert", channelId="C2")

    assert messages(world) == [("a", ""), ("b", "")]
    assert messages(world, "C2") == [("c", "")]


async def test_simultaneous_messages_with_one_key_become_one_message(world: World) -> None:
    world.faults.delay("post", 2)

    async with world.pack():
        for text in "abc":
            world.engine.enqueue(parse_command("SendMessage", {"channelId": "C1", "message": text, "messageKey": "k"}))
        await world.clock.advance(10)

    assert messages(world) == [("c", "")]


async def test_an_update_replaces_the_whole_message(world: World) -> None:
    blocks = '[{"type": "divider"}]'
    rich: JsonObject = {"channel": "C1", "text": "a", "blocks": blocks, "username": "x", "messageKey": "k"}

    async with world.pack():
        await ending(world, "SendRichMessage", rich)
        await ending(world, "SendRichMessage", rich)
        await send(world, "b", messageKey="k")

    (_, _, of_rich), (_, _, of_text) = world.faults.called_with("update")
    assert of_rich == {"text": "a", "blocks": blocks, "attachments": [], "username": "x"}
    assert of_text == {"text": "b", "blocks": [], "attachments": []}


@pytest.mark.parametrize(
    ("content", "text"),
    [({"attachments": [{"text": "a"}]}, {"text": ""}), ({"markdown_text": "*a*"}, {})],
    ids=["without a text", "with Markdown, which excludes one"],
)
async def test_an_update_keeps_no_earlier_text(world: World, content: JsonObject, text: JsonObject) -> None:
    async with world.pack():
        await send(world, "before", messageKey="k")
        await ending(world, "SendRichMessage", {"channel": "C1", "messageKey": "k"} | content)

    [(_, _, fields)] = world.faults.called_with("update")
    assert fields == {"blocks": [], "attachments": []} | content | text


async def test_a_rich_message_reports_its_keys_only_as_input(world: World) -> None:
    given: JsonObject = {"channel": "C1", "text": "a", "messageKey": "k"}

    async with world.pack():
        payload = await ending(world, "SendRichMessage", given)

    ts = world.chat.posts[0].timestamp
    ours = {"event": "RichMessageSent", "channelId": "C1", "threadTimestamp": ts, "timestamp": ts, "updated": False}
    assert payload == given | ours


async def test_a_message_that_was_deleted_is_posted_anew_and_takes_over_the_key(world: World) -> None:
    async with world.pack():
        first = await send(world, "down", messageKey="alert")
        world.chat.delete_message("C1", str(first["timestamp"]))
        second = await send(world, "up", messageKey="alert")
        third = await send(world, "fine", messageKey="alert")

    assert second["updated"] is False
    assert (third["updated"], third["timestamp"]) == (True, second["timestamp"])
    assert messages(world) == [("fine", "")]


async def test_any_other_refusal_of_the_update_is_the_failure_event(world: World) -> None:
    async with world.pack():
        await send(world, "down", messageKey="alert")
        world.faults.fail_before("update", ChatRejected("edit_window_closed", "too late"), times=1)
        payload = await send(world, "up", messageKey="alert")

    assert (payload["event"], payload["error"]) == ("SendMessageFailed", "edit_window_closed: too late")
    assert messages(world) == [("down", "")]


async def test_a_message_deleted_by_command_frees_its_key(world: World) -> None:
    async with world.pack():
        first = await send(world, "down", messageKey="alert")
        await ending(world, "DeleteMessage", {"channelId": "C1", "timestamp": first["timestamp"]})
        second = await send(world, "up", messageKey="alert")

    assert second["updated"] is False
    assert not world.faults.count("update")


async def test_a_key_is_forgotten_some_time_after_its_last_use(world: World) -> None:
    async with world.pack(pack_settings(key_age_seconds=50)):
        await send(world, "a", messageKey="k")
        await world.clock.advance(40)
        await send(world, "b", messageKey="k")
        await world.clock.advance(40)
        await send(world, "c", messageKey="k")
        await world.clock.advance(51)
        await send(world, "d", messageKey="k")

    assert messages(world) == [("c", ""), ("d", "")]


async def test_a_message_goes_into_the_thread_of_a_key(world: World) -> None:
    async with world.pack():
        root = await send(world, "deploy", threadKey="d1")
        reply = await send(world, "built", threadKey="d1")

    assert messages(world) == [("deploy", ""), ("built", root["timestamp"])]
    assert (root["updated"], reply["updated"]) == (False, False)


async def test_with_both_keys_the_thread_decides_where_a_new_message_is_posted(world: World) -> None:
    async with world.pack():
        root = await send(world, "deploy", threadKey="d1")
        await send(world, "0 %", threadKey="d1", messageKey="progress")
        await send(world, "100 %", threadKey="d1", messageKey="progress")

    assert messages(world) == [("deploy", ""), ("100 %", root["timestamp"])]


async def test_a_first_message_with_both_keys_is_that_of_both(world: World) -> None:
    async with world.pack():
        root = await send(world, "deploy", threadKey="d1", messageKey="status")
        await send(world, "built", threadKey="d1")
        await send(world, "deployed", messageKey="status")

    assert messages(world) == [("deployed", ""), ("built", root["timestamp"])]


async def test_the_thread_of_a_key_whose_message_is_a_reply_is_that_of_the_reply(world: World) -> None:
    async with world.pack():
        root = await send(world, "deploy")
        await send(world, "0 %", threadTimestamp=str(root["timestamp"]), messageKey="progress")
        await send(world, "started", threadKey="progress")

    thread = root["timestamp"]
    assert messages(world) == [("deploy", ""), ("0 %", thread), ("started", thread)]


async def test_a_thread_timestamp_wins_over_a_thread_key(world: World) -> None:
    async with world.pack():
        other = await send(world, "other")
        await send(world, "reply", threadKey="d1", threadTimestamp=str(other["timestamp"]))
        await send(world, "deploy", threadKey="d1")

    assert messages(world) == [("other", ""), ("reply", other["timestamp"]), ("deploy", "")]


async def test_a_thread_whose_first_message_was_deleted_begins_anew(world: World) -> None:
    async with world.pack():
        root = await send(world, "deploy", threadKey="d1")
        world.chat.delete_message("C1", str(root["timestamp"]))
        anew = await send(world, "again", threadKey="d1")
        await send(world, "built", threadKey="d1")

    assert messages(world) == [("again", ""), ("built", anew["timestamp"])]


async def test_a_thread_that_slack_refuses_begins_anew(world: World) -> None:
    async with world.pack():
        await send(world, "deploy", threadKey="d1")
        world.faults.fail_before("post", ChatRejected("thread_not_found", "gone"), times=1)
        anew = await send(world, "again", threadKey="d1")
        await send(world, "built", threadKey="d1")

    assert messages(world)[1:] == [("again", ""), ("built", anew["timestamp"])]


@pytest.mark.parametrize("name", ["#general", "general", "C7"])
async def test_a_key_belongs_to_the_channel_however_it_is_named(world: World, name: str) -> None:
    world.chat.add_channel("C7", name="general", has_bot=True)

    async with world.pack():
        await send(world, "down", channelId="C7", messageKey="alert")
        payload = await send(world, "up", channelId=name, messageKey="alert")

    assert messages(world, "C7") == [("up", "")]
    assert (payload["channelId"], payload["updated"]) == (name, True)


async def test_a_key_belongs_to_the_direct_messages_of_a_person(world: World) -> None:
    async with world.pack():
        await send(world, "down", channelId="U1", messageKey="alert")
        await send(world, "up", channelId="U1", messageKey="alert")

    assert messages(world, "DU1") == [("up", "")]


@pytest.mark.parametrize(("name", "channel", "method"), [("#ops", "C8", "channels"), ("U1", "DU1", "open_direct")])
async def test_a_channel_that_may_not_be_looked_up_is_learned_from_the_first_post(
    world: World, name: str, channel: str, method: str
) -> None:
    world.chat.add_channel("C8", name="ops", has_bot=True)
    world.faults.fail_before(method, ChatRejected("missing_scope", "add the scope"))

    async with world.pack():
        await send(world, "down", channelId=name, messageKey="alert")
        await send(world, "up", channelId=name, messageKey="alert")

    assert messages(world, channel) == [("up", "")]


async def test_the_keys_never_go_to_slack_in_clear(world: World) -> None:
    async with world.pack():
        await send(world, "a", messageKey="my-key", threadKey="my-thread")
        await send(world, "b", messageKey="my-key", threadKey="my-thread")

    sent = [world.chat.posts[0].key, world.chat.fields_of("C1", world.chat.posts[0].timestamp)]
    assert sent[0]
    assert "my-" not in str(sent)


async def test_an_update_outlasts_limits_and_outages(world: World) -> None:
    async with world.pack():
        await send(world, "down", messageKey="alert")
        world.faults.fail_before("update", RateLimited(30), times=1)
        world.faults.fail_before("update", Unreachable("unreachable", "no connection"), times=2)
        await send(world, "up", 60, messageKey="alert")

    assert messages(world) == [("up", "")]


async def test_messages_without_a_key_ask_nothing_of_the_keys(world: World) -> None:
    world.faults.block("message_keys.find")
    world.faults.block("message_keys.reserve")

    async with world.pack():
        payload = await send(world, "hello")

    assert payload.keys() == {"event", "message", "channelId", "threadTimestamp", "timestamp"}
    assert world.chat.posts[0].message == OutgoingMessage(ChannelId("C1"), "hello")
