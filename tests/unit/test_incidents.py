"""Unforeseen exceptions: none of them ends the pack, and each holds up nothing but its own work."""

from collections.abc import Iterator, MutableMapping
from typing import Any

import pytest
from structlog.testing import capture_logs

from application.resilience.incidents import retry_after_incidents
from application.resilience.shutdown import Shutdown, ShutdownRequested
from domain.actions import ActionState
from domain.commands import SendMessage
from domain.events import Fatal, MessageSent
from domain.messages import OutgoingMessage
from tests.support.environment import World

BUG = ZeroDivisionError("a bug")


@pytest.fixture(autouse=True)
def logs() -> Iterator[list[MutableMapping[str, Any]]]:
    """The log, of which tracebacks would take seconds to print."""
    with capture_logs() as logs:
        yield logs


@pytest.fixture
async def world() -> World:
    world = World()
    await world.join(world.c1, world.c2)
    return world


def _say_hello(world: World) -> SendMessage:
    return SendMessage(OutgoingMessage(world.c1, "hello"))


@pytest.mark.parametrize(
    "method",
    [
        "identify",
        "memberships",
        "is_member",
        "join",
        "look_up",
        "register",
        "take",
        "publish",
        "complete",
        "heartbeat",
        "outbox.purge",
        "outbox.claim",
        "outbox.ack",
        "outbox.append",
        "outbox.backlog",
        "outbox.next_due_seconds",
        "outbox.release",
        "outbox.renew_lease",
        "journal.open_poll_session",
        "journal.claim_orphans",
        "journal.record",
        "journal.set_outcome",
        "journal.mark_reported",
        "journal.purge",
        "journal.backlog",
        "channels.joined",
        "rate_limiter.reserve",
    ],
)
async def test_a_bug_anywhere_never_ends_the_pack(
    world: World, method: str, logs: list[MutableMapping[str, Any]]
) -> None:
    world.faults.fail_before(method, BUG, times=2)
    async with world.pack():
        await world.clock.advance(30)
        world.chat.say("C1", "before")
        outcome = await world.outcome(_say_hello(world), within=120)
        await world.clock.advance(120)
        world.chat.say("C2", "after")
        await world.clock.advance(120)

    assert isinstance(outcome, MessageSent | Fatal)
    assert world.published_texts[-1] == "after"
    if world.faults.count(method):
        assert any(line["event"] == "internal_error" and line["exc_info"] for line in logs)


async def test_a_message_that_a_bug_holds_up_is_set_aside_while_others_pass(
    world: World, logs: list[MutableMapping[str, Any]]
) -> None:
    async with world.pack():
        await world.clock.advance(1)
        world.faults.fail_before("publish", BUG, times=10)
        world.chat.say("C1", "poison")
        await world.clock.advance(300)
        world.chat.say("C1", "next")
        await world.clock.advance(5)

    assert await world.dead_lettered_texts() == ["poison"]
    assert world.published_texts == ["next"]
    incidents = [line["incident"] for line in logs if line["event"] == "internal_error"]
    [reason] = [line["reason"] for line in logs if line["event"] == "message_set_aside"]
    assert reason == f"internal error ({incidents[-1]})"


async def test_a_bug_while_reporting_is_retried_without_posting_again(world: World) -> None:
    world.faults.fail_before("complete", BUG, times=3)
    async with world.pack():
        assert isinstance(await world.outcome(_say_hello(world), within=60), MessageSent)
    assert world.texts == ["hello"]


async def test_an_action_that_a_bug_holds_up_is_set_aside(world: World) -> None:
    world.faults.fail_before("complete", BUG)
    async with world.pack():
        action = world.engine.enqueue(_say_hello(world))
        await world.clock.advance(60)
        world.faults.lift("complete")
        assert isinstance(await world.outcome(_say_hello(world), within=10), MessageSent)

    assert (await world.in_journal(action)).state is ActionState.DEAD_LETTERED
    assert world.texts == ["hello", "hello"]


async def test_an_event_that_can_not_be_stored_holds_up_no_other(world: World) -> None:
    async with world.pack():
        await world.clock.advance(1)
        world.faults.fail_before("outbox.append", BUG, times=2)  # the batch, and its first event
        for number in range(3):
            world.chat.say("C1", str(number))
        await world.clock.settle()
        assert world.published_texts == ["1", "2"]
        await world.clock.advance(5)

    assert world.published_texts == ["1", "2", "0"]


async def test_a_bug_in_a_backfill_holds_up_this_channel_alone(world: World) -> None:
    with world.undelivered():
        await world.clock.advance(1)
        world.chat.say("C1", "missed")
        world.chat.say("C2", "missed too")
    world.faults.fail_before("history", BUG, times=1)

    async with world.pack():
        await world.clock.advance(2)
        assert len(world.published_texts) == 1
        await world.clock.advance(60)

    assert sorted(world.published_texts) == ["missed", "missed too"]


async def test_a_bug_in_a_look_up_loses_no_message(world: World) -> None:
    world.faults.fail_before("look_up", BUG)
    async with world.pack():
        await world.clock.advance(1)
        world.chat.say("C1", "hello")
        await world.clock.advance(1)
    [(event, _)] = world.engine.published
    assert (event.user.id, event.user.name) == ("U1", "")


@pytest.mark.virtual_time
async def test_work_is_tried_so_many_times() -> None:
    attempts = 0

    async def work() -> None:
        nonlocal attempts
        attempts += 1
        raise BUG

    assert await retry_after_incidents(work, Shutdown(), max_attempts=3)
    assert attempts == 3


@pytest.mark.virtual_time
@pytest.mark.parametrize("error", [LookupError("expected"), ExceptionGroup("", [LookupError("expected")])])
async def test_expected_exceptions_pass(error: Exception) -> None:
    async def work() -> None:
        raise error

    with pytest.raises(type(error)):
        await retry_after_incidents(work, Shutdown(), expected=(LookupError,))


@pytest.mark.virtual_time
async def test_a_shutdown_ends_the_repeats() -> None:
    shutdown = Shutdown()

    async def work() -> None:
        shutdown.request()
        raise BUG

    with pytest.raises(ShutdownRequested):
        await retry_after_incidents(work, shutdown)
