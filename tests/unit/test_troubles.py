"""A trouble that goes on is a warning once; its repeats are details."""

import pytest
from structlog.typing import EventDict

from domain.commands import ChatCommand, SendMessage
from domain.errors import (
    InDoubt,
    PathRefused,
    StorageUnavailable,
    Unreachable,
    WorkflowServerError,
    WorkflowUnauthorized,
    WorkflowUnreachable,
)
from domain.messages import OutgoingMessage
from tests.support.environment import World

DOWN = WorkflowUnreachable("connection refused")
TROUBLES = [
    ("publish", DOWN, "workflow_engine_out_of_reach"),
    ("complete", DOWN, "workflow_engine_out_of_reach"),
    ("publish", PathRefused("404"), "workflow_engine_refuses"),
    ("take", WorkflowServerError("500"), "take_failed"),
    ("complete", WorkflowServerError("500"), "answer_not_taken"),
    ("post", Unreachable("unreachable", "connection refused"), "chat_out_of_reach"),
    ("add_reaction", InDoubt("in_doubt", "no answer"), "command_in_doubt"),
    ("outbox.append", StorageUnavailable("disk full"), "storage_unavailable"),
]


@pytest.fixture
async def world() -> World:
    world = World()
    await world.join(world.c1)
    return world


def levels_of(event: str, lines: list[EventDict]) -> list[str]:
    return [line["log_level"] for line in lines if line["event"] == event]


def work(world: World) -> None:
    """Something for each part of the pack to do."""
    message = world.chat.say("C1", "hello")
    world.engine.enqueue(SendMessage(OutgoingMessage(world.c1, "hello")))
    world.engine.enqueue(
        ChatCommand("AddReaction", {"channelId": "C1", "timestamp": message.timestamp, "reaction": "eyes"})
    )


@pytest.mark.parametrize(("call", "error", "event"), TROUBLES)
async def test_a_trouble_is_told_once_however_many_attempts_it_costs(
    world: World, lines: list[EventDict], call: str, error: Exception, event: str
) -> None:
    world.faults.fail_before(call, error)
    async with world.pack():
        work(world)
        await world.clock.advance(60)

    assert levels_of(event, lines)
    for ref in {line.get("ref") for line in lines if line["event"] == event}:
        first, *repeats = levels_of(event, [line for line in lines if line.get("ref") == ref])
        assert first in ("warning", "error")
        assert set(repeats) == {"debug"}


@pytest.mark.parametrize(("call", "error", "event"), [TROUBLES[0], TROUBLES[-1]])
async def test_a_trouble_that_comes_back_is_told_again(
    world: World, lines: list[EventDict], call: str, error: Exception, event: str
) -> None:
    async with world.pack():
        for _ in range(2):
            world.faults.fail_before(call, error)
            work(world)
            await world.clock.advance(30)
            world.faults.lift(call)
            await world.clock.advance(30)

    assert len([level for level in levels_of(event, lines) if level != "debug"]) == 2


async def test_another_reason_is_told_as_well(world: World, lines: list[EventDict]) -> None:
    async with world.pack():
        for error in (DOWN, WorkflowUnauthorized("401"), DOWN):
            world.faults.fail_before("take", error, times=3)
        await world.clock.advance(60)

    assert levels_of("workflow_engine_out_of_reach", lines).count("warning") == 2
