"""The log lines about one message or action, which one search finds."""

from collections.abc import Iterable

import pytest
from structlog.typing import EventDict

from domain.actions import ActionId, action_key
from domain.channels import ChannelId
from domain.commands import Broadcast, ChatCommand, Command, SendMessage, UnknownCommand
from domain.errors import ChannelInaccessible, InDoubt, WorkflowInDoubt, WorkflowServerError, WorkflowUnreachable
from domain.events import Event, ReceivedMessage
from domain.messages import OutgoingMessage
from tests.support.environment import World

LOST = WorkflowInDoubt("connection reset")


def reply(event: Event) -> Iterable[Command]:
    """A flow that answers each message in its thread."""
    if isinstance(event, ReceivedMessage) and event.message.text == "ping":
        yield SendMessage(OutgoingMessage(event.message.channel_id, "pong", event.message.timestamp))


@pytest.fixture
async def world() -> World:
    world = World(reply)
    await world.join(world.c1, world.c2)
    return world


def events_about(key: str, lines: list[EventDict]) -> list[str]:
    """The names of the lines that contain the key, as `grep` finds them."""
    return [line["event"] for line in lines if key in line.values()]


async def test_one_key_finds_the_way_from_a_message_to_the_answer_of_its_action(
    world: World, lines: list[EventDict]
) -> None:
    async with world.pack():
        message = world.chat.say("C1", "ping")
        await world.clock.advance(5)

    (action,) = world.engine.outcomes
    (post,) = world.chat.posts
    assert events_about(message.key, lines) == ["message_delivered", "action_concluded", "answer_taken"]
    (concluded,) = [line for line in lines if line["event"] == "action_concluded"]
    assert (concluded["ref"], concluded["cause"]) == (action, message.key)
    assert (concluded["channel"], concluded["ts"]) == ("C1", post.timestamp)


async def test_the_line_of_a_delivered_message_has_its_place_and_how_long_it_took(
    world: World, lines: list[EventDict]
) -> None:
    async with world.pack():
        world.faults.block("publish")
        message = world.chat.say("C1", "hello")
        await world.clock.advance(2.5)
        world.faults.lift("publish")
        await world.clock.advance(1)

    (line,) = [line for line in lines if line["event"] == "message_delivered"]
    assert line == {
        "event": "message_delivered",
        "log_level": "info",
        "ref": message.key,
        "channel": "C1",
        "ts": message.timestamp,
        "lag": 2.5,
    }


async def test_the_key_of_a_thread_s_first_message_finds_the_replies(world: World, lines: list[EventDict]) -> None:
    async with world.pack():
        message = world.chat.say("C1", "hello")
        reply = world.chat.say("C1", "ping", thread_timestamp=message.timestamp)
        await world.clock.advance(2)

    delivered = [line for line in lines if line["event"] == "message_delivered" and message.key in line.values()]
    assert [line["ref"] for line in delivered] == [message.key, reply.key]


async def test_the_trouble_of_a_message_is_logged_with_its_key(world: World, lines: list[EventDict]) -> None:
    world.faults.fail_before("publish", LOST, times=1)
    world.faults.fail_before("publish", WorkflowServerError("500"), times=1)
    async with world.pack():
        message = world.chat.say("C1", "hello")
        other = world.chat.say("C2", "other")
        await world.clock.advance(30)

    troubles = [line for line in lines if line["event"] in ("delivery_in_doubt", "delivery_refused")]
    assert [line["event"] for line in troubles] == ["delivery_in_doubt", "delivery_refused"]
    assert {line["ref"] for line in troubles} <= {message.key, other.key}
    assert events_about(message.key, lines)[-1] == events_about(other.key, lines)[-1] == "message_delivered"


async def test_the_trouble_of_an_action_is_logged_with_its_key(world: World, lines: list[EventDict]) -> None:
    world.faults.fail_after("post", InDoubt("timeout", "no answer"), times=1)
    world.faults.fail_after("complete", WorkflowServerError("500"), times=1)
    async with world.pack():
        action = world.engine.enqueue(SendMessage(OutgoingMessage(world.c1, "hello")))
        await world.clock.advance(30)

    troubles = ["post_in_doubt", "doubt_resolved", "action_concluded", "answer_not_taken", "answer_taken"]
    assert events_about(action, lines) == troubles
    assert not [line for line in lines if "cause" in line]


async def test_each_post_of_a_broadcast_is_logged_with_the_key_of_its_action(
    world: World, lines: list[EventDict]
) -> None:
    world.faults.fail_after("post", InDoubt("timeout", "no answer"), times=2)
    async with world.pack():
        action = world.engine.enqueue(Broadcast("hello"))
        await world.clock.advance(30)

    assert events_about(action, lines).count("post_in_doubt") == 2


async def test_lines_about_the_pack_as_a_whole_have_no_key(world: World, lines: list[EventDict]) -> None:
    async with world.pack():
        world.chat.say("C1", "ping")
        await world.clock.advance(5)

    of_the_pack = [line for line in lines if line["event"] in ("identified", "hearing", "registered", "healthy")]
    assert len(of_the_pack) == 7
    assert not [line for line in of_the_pack if "ref" in line or "cause" in line]


async def test_what_the_work_on_a_message_has_shown_of_the_whole_is_logged_without_its_key(
    world: World, lines: list[EventDict]
) -> None:
    async with world.pack():
        await world.clock.advance(1)
        started = len(lines)
        world.faults.fail_before("publish", WorkflowUnreachable("connection refused"), times=2)
        message = world.chat.say("C1", "hello")
        await world.clock.advance(5)

    whole = [line for line in lines[started:] if line["event"] in ("unhealthy", "healthy", "registered")]
    assert {line["event"] for line in whole} == {"unhealthy", "healthy", "registered"}
    assert not [line for line in whole if "ref" in line]
    assert events_about(message.key, lines) == ["workflow_engine_out_of_reach"] * 2 + ["message_delivered"]


async def test_that_an_answer_got_through_after_all_is_logged(world: World, lines: list[EventDict]) -> None:
    world.faults.fail_before("complete", WorkflowServerError("500"), times=5)
    async with world.pack():
        world.engine.enqueue(UnknownCommand("SendFax"))
        await world.clock.advance(60)

    (line,) = [line for line in lines if line["event"] == "answer_taken"]
    assert line["log_level"] == "info"
    assert line["seconds"] > 1


async def test_that_an_answer_got_through_at_once_is_a_detail(world: World, lines: list[EventDict]) -> None:
    async with world.pack():
        await world.outcome(UnknownCommand("SendFax"))

    assert [line["log_level"] for line in lines if line["event"] == "answer_taken"] == ["debug"]


async def test_that_an_answer_of_an_earlier_run_got_through_is_logged(world: World, lines: list[EventDict]) -> None:
    world.faults.fail_before("complete", WorkflowUnreachable("connection refused"))
    async with world.pack():
        world.engine.enqueue(UnknownCommand("SendFax"))
        await world.clock.advance(1)
    world.faults.lift_all()

    async with world.pack():
        await world.clock.advance(1)

    assert [line["log_level"] for line in lines if line["event"] == "answer_taken"] == ["info"]


async def test_a_failed_command_is_a_warning_with_its_error_code_and_channel(
    world: World, lines: list[EventDict]
) -> None:
    world.faults.fail_before("post", ChannelInaccessible("is_archived", "unarchive it", ChannelId("C1")))
    async with world.pack():
        await world.outcome(SendMessage(OutgoingMessage(world.c1, "hello")))

    (line,) = [line for line in lines if line["event"] == "action_concluded"]
    assert line["log_level"] == "warning"
    assert (line["outcome"], line["code"], line["channel"]) == ("SendMessageFailed", "is_archived", "C1")


@pytest.mark.parametrize(
    ("command", "outcome", "code"),
    [
        (UnknownCommand("SendFax"), "FATAL", "unknown_command"),
        (SendMessage(OutgoingMessage(ChannelId("C1"), "")), "SendMessageFailed", "invalid_input"),
        (ChatCommand("DeleteMessage", {"channelId": "C1"}), "DeleteMessageFailed", "invalid_input"),
    ],
)
async def test_failures_that_the_chat_service_has_no_part_in_have_codes_too(
    world: World, lines: list[EventDict], command: Command, outcome: str, code: str
) -> None:
    async with world.pack():
        await world.outcome(command)

    (line,) = [line for line in lines if line["event"] == "action_concluded"]
    assert (line["log_level"], line["outcome"], line["code"]) == ("warning", outcome, code)


@pytest.mark.parametrize(
    ("command", "cause"),
    [
        (ChatCommand("AddReaction", {"channelId": "C1", "timestamp": "1.1", "reaction": "eyes"}), "C1:1.1"),
        (ChatCommand("DeleteMessage", {"channelId": "C1", "timestamp": "1.1"}), None),
        (ChatCommand("SendEphemeral", {"channelId": "C1", "userId": "U1", "threadTimestamp": "1.1"}), "C1:1.1"),
        (UnknownCommand("SendFax"), None),
    ],
)
async def test_an_action_has_the_message_that_its_input_names_as_its_cause(
    world: World, lines: list[EventDict], command: Command, cause: str | None
) -> None:
    async with world.pack():
        await world.outcome(command)

    (line,) = [line for line in lines if line["event"] == "action_concluded"]
    assert line.get("cause") == cause


@pytest.mark.parametrize(
    ("action_id", "key"),
    [
        ("http://flyte:8080/v1/packs/Slack/actions/6b05726cccd926117a0fc032/result", "6b05726cccd926117a0fc032"),
        ("http://flyte/v1/packs/Slack.env.dev/actions/a1/result/", "a1"),
        ("action-1", "action-1"),
    ],
)
def test_the_key_of_an_action_is_the_workflow_engine_s_own_name_of_it(action_id: str, key: str) -> None:
    assert action_key(ActionId(action_id)) == key
