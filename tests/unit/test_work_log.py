"""What the log tells of the work: figures once an hour, and each trouble once."""

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

import pytest
from structlog.typing import EventDict

from application.ports.receiver import Connected, Disconnected
from domain.commands import Command, SendMessage, UnknownCommand
from domain.errors import AuthenticationFailed, RateLimited, RejectedByWorkflow, Unreachable, WorkflowInDoubt
from domain.events import Event, ReceivedMessage
from domain.messages import IncomingMessage, OutgoingMessage
from tests.support.environment import World

REVOKED = AuthenticationFailed("token_revoked", "make a new one")
LOST = WorkflowInDoubt("connection reset")


def echo(event: Event) -> Iterable[Command]:
    """A flow that answers each message."""
    if isinstance(event, ReceivedMessage) and event.message.text == "ping":
        yield SendMessage(OutgoingMessage(event.message.channel_id, "pong"))


@pytest.fixture
async def world() -> World:
    world = World(echo)
    await world.join(world.c1, world.c2)
    return world


def of(event: str, lines: list[EventDict]) -> list[dict[str, Any]]:
    """The fields of the lines of an event."""
    return [
        {name: value for name, value in line.items() if name not in ("event", "ref", "cause")}
        for line in lines
        if line["event"] == event
    ]


def warnings(lines: list[EventDict]) -> list[str]:
    """The events of the warnings and errors."""
    return [line["event"] for line in lines if line["log_level"] in ("warning", "error")]


# Figures


async def test_a_quiet_hour_logs_one_line_of_figures_and_nothing_else_above_debug(
    world: World, lines: list[EventDict]
) -> None:
    async with world.pack():
        await world.clock.advance(10)
        lines.clear()
        await world.clock.advance(3600)
        quiet = [line for line in lines if line["log_level"] != "debug"]

    assert quiet == [
        {
            "event": "figures",
            "log_level": "info",
            "hours": 1,
            "heard": 0,
            "delivered": 0,
            "actions": 0,
            "failed": 0,
            "waiting": 0,
            "in_hand": 0,
            "set_aside": 0,
            "oldest": "",
        }
    ]


async def test_the_figures_are_those_of_the_hour(world: World, lines: list[EventDict]) -> None:
    world.faults.fail_before("publish", RejectedByWorkflow("400"), times=1)
    async with world.pack():
        await world.clock.advance(1)
        for text in ("poison", "ping", "hello"):
            world.chat.say("C1", text)
        world.engine.enqueue(UnknownCommand("SendFax"))
        await world.clock.advance(3500)
        world.faults.block("take")
        world.faults.block("publish")
        waiting = world.chat.say("C1", "waits")
        await world.clock.advance(3700)
        world.faults.lift("take")
        world.faults.lift("publish")

    first, second = of("figures", lines)
    assert {name: first[name] for name in ("heard", "delivered", "actions", "failed", "set_aside")} == {
        "heard": 4,
        "delivered": 2,
        "actions": 2,
        "failed": 1,
        "set_aside": 1,
    }
    assert (first["waiting"], first["oldest"]) == (1, received_at(waiting))
    assert {name: second[name] for name in ("heard", "delivered", "actions", "failed", "waiting")} == {
        "heard": 0,
        "delivered": 0,
        "actions": 0,
        "failed": 0,
        "waiting": 1,
    }


async def test_hours_in_which_the_storage_did_not_answer_are_one_line(world: World, lines: list[EventDict]) -> None:
    async with world.pack():
        await world.clock.advance(10)
        world.faults.block("outbox.backlog")
        await world.clock.advance(3 * 3600)
        world.faults.lift("outbox.backlog")
        await world.clock.advance(1800)

    assert [line["hours"] for line in of("figures", lines)] == [3.0]


def received_at(message: IncomingMessage) -> str:
    """When the pack received a message, as the log writes times."""
    return datetime.fromtimestamp(float(message.timestamp), UTC).isoformat(timespec="milliseconds")


async def test_what_waits_for_a_moment_only_is_not_logged(world: World, lines: list[EventDict]) -> None:
    async with world.pack():
        await world.clock.advance(4.9)
        world.faults.delay("publish", 0.2)
        world.chat.say("C1", "hello")
        await world.clock.advance(10)

    assert of("waiting", lines) == []


# A lost connection to Slack


async def test_a_lost_connection_is_one_warning_however_often_its_reason_changes(
    world: World, lines: list[EventDict]
) -> None:
    async with world.pack():
        await world.clock.advance(1)
        lines.clear()
        for reason in ("the connection ended", "unreachable: connection refused", "internal_error"):
            world.receiver.deliver(Disconnected(reason))
            await world.clock.advance(1)
        assert not world.is_healthy("slack")
        world.receiver.deliver(Connected(3.0))
        await world.clock.advance(1)

        assert warnings(lines) == ["not_hearing"]
        assert of("not_hearing", lines)[0] == {"log_level": "warning", "reason": "the connection ended"}
        assert [line["log_level"] for line in of("unhealthy", lines)] == ["info"]

        world.receiver.deliver(Disconnected("the connection ended"))
        await world.clock.advance(1)

    assert warnings(lines) == ["not_hearing", "not_hearing"]


async def test_that_slack_is_out_of_reach_is_a_warning_although_the_connection_is_lost_too(
    world: World, lines: list[EventDict]
) -> None:
    world.faults.fail_before("post", Unreachable("unreachable", "no route"))
    async with world.pack():
        await world.clock.advance(1)
        world.receiver.deliver(Disconnected("the connection ended"))
        world.engine.enqueue(SendMessage(OutgoingMessage(world.c1, "hello")))
        await world.clock.advance(5)

    assert [line["status"] for line in of("unhealthy", lines) if line["log_level"] == "warning"] == [
        "out of reach; not connected"
    ]


# Flyte


async def test_a_take_whose_answer_is_lost_again_and_again_is_one_warning(world: World, lines: list[EventDict]) -> None:
    world.faults.fail_before("take", LOST, times=20)
    async with world.pack():
        await world.clock.advance(300)
        assert len(of("take_in_doubt", lines)) == 1

        world.faults.fail_before("take", LOST, times=20)
        await world.clock.advance(300)

    assert [line["log_level"] for line in of("take_in_doubt", lines)] == ["warning"] * 2


# Slack's limits


async def test_calls_of_a_method_that_are_throttled_at_once_are_one_line(world: World, lines: list[EventDict]) -> None:
    world.faults.fail_before("look_up", RateLimited(30), times=5)
    async with world.pack():
        await world.clock.advance(1)
        for number in range(5):
            channel = world.chat.add_channel(f"D{number}", has_bot=True)
            await world.storage.channels.join(channel, since=world.clock.now())
            world.chat.say(channel, "hello")
        await world.clock.advance(35)

    assert of("throttled", lines) == [{"log_level": "info", "method": "look_up", "seconds": 30}]


async def test_each_wait_that_slack_asks_for_is_told(world: World, lines: list[EventDict]) -> None:
    world.faults.fail_before("post", RateLimited(5), times=2)
    async with world.pack():
        world.engine.enqueue(SendMessage(OutgoingMessage(world.c1, "hello")))
        await world.clock.advance(20)

    assert of("throttled", lines) == [{"log_level": "info", "channel": "C1", "seconds": 5}] * 2


async def test_a_wait_that_slack_asks_for_after_an_operator_has_lifted_one_is_told(
    world: World, lines: list[EventDict]
) -> None:
    for seconds in (600, 300):
        world.faults.fail_before("post", RateLimited(seconds), times=1)
    async with world.pack():
        world.engine.enqueue(SendMessage(OutgoingMessage(world.c1, "hello")))
        await world.clock.advance(20)
        await world.storage.rate_limiter.lift(["C1"])
        await world.clock.advance(20)

    assert [line["seconds"] for line in of("throttled", lines)] == [600, 300]


async def test_posts_that_wait_for_the_pace_of_their_channel_are_told_once_until_none_waits(
    world: World, lines: list[EventDict]
) -> None:
    async with world.pack():
        for _ in range(2):
            for number in range(14):
                world.engine.enqueue(SendMessage(OutgoingMessage(world.c1, f"hello {number}")))
            await world.clock.advance(60)

    assert [(line["channel"], line["log_level"]) for line in of("paced", lines)] == [("C1", "info")] * 2


# A refused token


async def test_one_line_tells_how_many_actions_a_refused_token_made_fail(world: World, lines: list[EventDict]) -> None:
    async with world.pack():
        await world.clock.advance(1)
        for method in ("post", "identify"):
            world.faults.fail_before(method, REVOKED)
        for number in range(12):
            world.engine.enqueue(SendMessage(OutgoingMessage(world.c1, f"hello {number}")))
        await world.clock.advance(600)

    (line,) = of("actions_refused", lines)
    assert (line["log_level"], line["count"], line["code"]) == ("error", 12, "token_revoked")
    assert "token_revoked" in line["find"]
    assert [each["code"] for each in of("action_concluded", lines)] == ["token_revoked"] * 12


async def test_actions_that_keep_failing_for_a_refused_token_are_counted_once_a_minute(
    world: World, lines: list[EventDict]
) -> None:
    async with world.pack():
        await world.clock.advance(1)
        for method in ("post", "identify"):
            world.faults.fail_before(method, REVOKED)
        for number in range(150):
            world.engine.enqueue(SendMessage(OutgoingMessage(world.c1, f"hello {number}")))
            await world.clock.advance(1)

    counts = [line["count"] for line in of("actions_refused", lines)]
    assert len(counts) == 3
    assert counts == sorted(counts)
    assert counts[-1] == 150


async def test_that_the_token_is_still_refused_is_told_once(world: World, lines: list[EventDict]) -> None:
    async with world.pack():
        await world.clock.advance(1)
        for method in ("post", "identify"):
            world.faults.fail_before(method, REVOKED)
        world.engine.enqueue(SendMessage(OutgoingMessage(world.c1, "hello")))
        await world.clock.advance(600)

    assert of("token_still_refused", lines) == [{"log_level": "warning", "reason": str(REVOKED)}]


async def test_actions_that_fail_for_other_reasons_are_not_put_down_to_the_token(
    world: World, lines: list[EventDict]
) -> None:
    async with world.pack():
        world.engine.enqueue(UnknownCommand("SendFax"))
        await world.clock.advance(60)

    assert of("actions_refused", lines) == []
