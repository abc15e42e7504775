"""What the commands of the table make of their input, and the limits of CallSlack."""

import math
from datetime import UTC, datetime

import pytest

from adapters.serialization.command_inputs import parse_command
from domain.events import CommandOutcome
from domain.json_values import Json, JsonObject
from domain.users import User
from tests.support.chat_commands import METHODS, ending, valid_input
from tests.support.environment import World, pack_settings

BLOCKS: list[Json] = [{"type": "divider"}]
ALLOWED = pack_settings(allowed_methods=("pins.*", "chat.*", "auth.test"))


@pytest.fixture
async def world() -> World:
    world = World()
    await world.join(world.c1)
    world.chat.add_channel("C7", name="general", topic="News")
    return world


async def test_blocks_and_attachments_in_strings_are_sent_as_lists_and_reported_as_given(world: World) -> None:
    given = await valid_input(world, "UpdateMessage") | {
        "text": "loses",
        "blocks": '[{"type": "divider"}]',
        "attachments": "",
    }

    async with world.pack():
        outcome = await ending(world, "UpdateMessage", given)

    _, _, sent = world.faults.called_with("update")[0]
    assert sent == {"text": "after", "blocks": BLOCKS, "attachments": []}
    assert outcome.payload == given


async def test_a_view_in_a_string_is_sent_as_an_object(world: World) -> None:
    given = await valid_input(world, "PublishHome") | {"view": '{"type": "home", "blocks": []}'}

    async with world.pack():
        outcome = await ending(world, "PublishHome", given)

    assert outcome.payload["view"] == given["view"]
    assert world.faults.called_with("publish_home") == [("U1", {"type": "home", "blocks": []})]


async def test_a_token_is_never_passed_on(world: World) -> None:
    update = await valid_input(world, "UpdateMessage")

    async with world.pack(ALLOWED):
        of_update = await ending(world, "UpdateMessage", update | {"token": "xoxp-1"})
        of_call = await ending(world, "CallSlack", {"method": "pins.add", "arguments": '{"token": "xoxp-1", "a": 1}'})

    assert str(of_update.payload["error"]).startswith("token_not_allowed: ")
    assert of_update.payload.keys() == {*update, "error"}
    assert str(of_call.payload["error"]).startswith("token_not_allowed: ")
    assert of_call.payload["arguments"] == {"a": 1}
    assert not world.faults.count("update")
    assert not world.faults.count("call_method")


@pytest.mark.parametrize(
    "command", ["UpdateMessage", "SendDirectMessage", "SendEphemeral", "ScheduleMessage", "Respond"]
)
async def test_text_that_slack_would_cut_is_not_sent(world: World, command: str) -> None:
    async with world.pack():
        outcome = await ending(world, command, await valid_input(world, command) | {"message": "x" * 40_001})

    assert str(outcome.payload["error"]).startswith("msg_too_long: ")
    assert not world.faults.count(METHODS[command])


@pytest.mark.parametrize(
    ("rendered", "sent"), [("True", True), ("true", True), (True, True), ("False", None), ("", None), (False, None)]
)
async def test_booleans_may_be_texts_as_templates_render_them(world: World, rendered: Json, sent: Json) -> None:
    given = await valid_input(world, "Respond") | {"replaceOriginal": rendered}

    async with world.pack():
        outcome = await ending(world, "Respond", given)

    assert outcome.payload["replaceOriginal"] == rendered
    (_, fields), *_ = world.faults.called_with("respond")
    assert fields.get("replace_original") is sent


@pytest.mark.parametrize("reaction", ["eyes", ":eyes:"])
async def test_a_reaction_is_named_with_or_without_colons(world: World, reaction: str) -> None:
    given = await valid_input(world, "AddReaction") | {"reaction": reaction}

    async with world.pack():
        outcome = await ending(world, "AddReaction", given)

    assert outcome.payload == given
    assert world.faults.called_with("add_reaction")[0][2] == "eyes"


async def test_a_person_is_found_by_email(world: World) -> None:
    world.chat.add_user(User("U7", "Grace", email="grace@example.com"))

    async with world.pack():
        sent = await ending(world, "SendDirectMessage", {"email": "grace@example.com", "message": "hello"})
        found = await ending(world, "GetUserInfo", {"email": "grace@example.com"})

    assert sent.payload == {
        "userId": "",
        "email": "grace@example.com",
        "message": "hello",
        "blocks": [],
        "threadTimestamp": "",
        "channelId": "DU7",
        "timestamp": world.chat.posts[0].timestamp,
    }
    assert found.payload["user"] == {
        "id": "U7",
        "name": "Grace",
        "email": "grace@example.com",
        "title": "",
        "firstName": "",
        "lastName": "",
        "timestamp": "",
        "threadTimestamp": "",
        "handle": "",
        "isBot": False,
    }


@pytest.mark.parametrize(
    "given", ["2026-01-01T03:00:00+01:00", "1767232800", 1767232800, 1767232800.5, " 2026-01-01T02:00:00Z"]
)
async def test_the_time_of_a_scheduled_message_is_rfc_3339_or_unix_seconds(world: World, given: Json) -> None:
    async with world.pack():
        outcome = await ending(world, "ScheduleMessage", {"channelId": "C1", "postAt": given, "message": "later"})

    assert outcome.name == "MessageScheduled"
    assert outcome.payload["postAt"] == given
    assert world.faults.called_with("schedule")[0][1] == datetime(2026, 1, 1, 2, tzinfo=UTC)


@pytest.mark.parametrize("given", ["tomorrow", "2026-01-01T02:00:00", "nan", "inf", 1e300, "1767232800000000"])
async def test_any_other_time_is_refused(world: World, given: Json) -> None:
    async with world.pack():
        outcome = await ending(world, "ScheduleMessage", {"channelId": "C1", "postAt": given, "message": "later"})

    assert str(outcome.payload["error"]).startswith("invalid_time: postAt ")
    assert not world.faults.count("schedule")


async def test_an_upload_is_reported_with_its_size_in_place_of_the_content(world: World) -> None:
    given: JsonObject = {"channelId": "C1", "filename": "a.bin", "contentBase64": "AAEC\nAw=="}

    async with world.pack():
        outcome = await ending(world, "UploadFile", given)

    ((file_id, file),) = world.chat.files.items()
    assert file.content == bytes([0, 1, 2, 3])
    assert outcome.payload == {
        "channelId": "C1",
        "filename": "a.bin",
        "title": "",
        "message": "",
        "threadTimestamp": "",
        "size": 4,
        "fileId": file_id,
        "permalink": f"https://memory.example/files/{file_id}",
    }


@pytest.mark.parametrize("encoded", ["-_8=", "-_8", "+/8=", "+/8"])
async def test_an_upload_may_be_in_either_alphabet_of_base64_and_without_padding(world: World, encoded: str) -> None:
    given: JsonObject = {"channelId": "C1", "filename": "a.bin", "contentBase64": encoded}

    async with world.pack():
        await ending(world, "UploadFile", given)

    (file,) = world.chat.files.values()
    assert file.content == b"\xfb\xff"


async def test_content_that_is_not_base64_is_the_failure_event(world: World) -> None:
    given: JsonObject = {"channelId": "C1", "filename": "a.bin", "contentBase64": "not base64"}

    async with world.pack():
        outcome = await ending(world, "UploadFile", given)

    assert outcome.name == "UploadFileFailed"
    assert "contentBase64 is not valid base64" in str(outcome.payload["error"])
    assert outcome.payload["size"] == 0
    assert not world.chat.files


@pytest.mark.parametrize("name", ["general", "#general", "C7"])
async def test_a_channel_is_found_by_name_and_by_id(world: World, name: str) -> None:
    async with world.pack():
        outcome = await ending(world, "GetChannelInfo", {"channelName": name})

    assert outcome == CommandOutcome(
        "GetChannelInfoSuccess",
        {
            "channelName": name,
            "conversation": {"id": "C7", "name": "general", "topic": "News"},
            "channelId": "C7",
        },
    )


async def test_an_unknown_channel_is_the_failure_event_of_earlier_releases(world: World) -> None:
    async with world.pack():
        outcome = await ending(world, "GetChannelInfo", {"channelName": "nowhere"})

    assert outcome.name == "GetChannelInfoFail"
    assert outcome.payload == {
        "channelName": "nowhere",
        "reason": "can't find channel with such name",
        "error": "channel_not_found: can't find channel with such name",
    }


async def test_the_list_of_channels_is_fetched_again_at_most_once_a_minute(world: World) -> None:
    async with world.pack():
        for _ in range(3):
            await ending(world, "GetChannelInfo", {"channelName": "new"})
            await ending(world, "GetChannelInfo", {"channelName": "general"})
        assert world.faults.count("channels") == 1
        world.chat.add_channel("C9", name="new")
        await world.clock.advance(60)
        outcome = await ending(world, "GetChannelInfo", {"channelName": "new"})

    assert outcome.name == "GetChannelInfoSuccess"
    assert world.faults.count("channels") == 2


@pytest.mark.parametrize(
    ("method", "error"),
    [
        ("bookmarks.add", "method_not_allowed: add bookmarks.add to FLYTE_SLACK_ALLOWED_METHODS"),
        ("chat.postMessage", "method_not_allowed: send SendRichMessage instead"),
        ("chat.postmessage", "method_not_allowed: send SendRichMessage instead"),
        ("auth.test", "method_not_allowed: auth.test concerns the app"),
        ("pins", "invalid_method: "),
        ("pins.add/../auth.test", "invalid_method: "),
        ("pins.add\n", "invalid_method: "),
        ("https://evil.example/pins.add", "invalid_method: "),
    ],
)
async def test_methods_that_flows_may_not_call_are_refused(world: World, method: str, error: str) -> None:
    async with world.pack(ALLOWED):
        outcome = await ending(world, "CallSlack", {"method": method})

    assert outcome.name == "CallSlackFailed"
    assert str(outcome.payload["error"]).startswith(error)
    assert not world.faults.count("call_method")


@pytest.mark.parametrize("items", ["x" * 256 * 1024, [math.nan], {"count": -math.inf}], ids=["large", "nan", "inf"])
async def test_a_response_that_does_not_fit_into_an_event_is_cut(world: World, items: Json) -> None:
    world.chat.method_responses["pins.list"] = {"ok": True, "items": items}

    async with world.pack(ALLOWED):
        outcome = await ending(world, "CallSlack", {"method": "pins.list"})

    assert outcome.payload["response"] == {"ok": True, "truncated": True}


async def test_a_method_that_names_a_channel_waits_for_its_turn_there(world: World) -> None:
    world.faults.delay("update", 5)
    world.chat.method_responses["pins.add"] = {"ok": True}

    async with world.pack(ALLOWED):
        world.engine.enqueue(parse_command("UpdateMessage", await valid_input(world, "UpdateMessage")))
        call = world.engine.enqueue(
            parse_command("CallSlack", {"method": "pins.add", "arguments": '{"channel": "C1"}'})
        )
        await world.clock.advance(4)
        assert call not in world.engine.outcomes
        await world.clock.advance(4)

    assert call in world.engine.outcomes
