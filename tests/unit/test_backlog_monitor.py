"""The backlog in health and the log."""

import pytest
from structlog.testing import capture_logs

from domain.commands import UnknownCommand
from domain.errors import WorkflowUnreachable
from entrypoints.testing.storage_values import STEPS
from tests.support.environment import World

DOWN = WorkflowUnreachable("connection refused")


@pytest.fixture
async def world() -> World:
    world = World()
    await world.join(world.c1)
    return world


async def test_an_empty_outbox_is_healthy(world: World) -> None:
    async with world.pack():
        await world.clock.advance(6)
        check = world.check("outbox")

    assert check.healthy
    assert check.status == "messages waiting: 0, set aside: 0; actions in hand: 0, set aside: 0"


async def test_a_message_waiting_for_more_than_five_minutes_is_unhealthy(world: World) -> None:
    async with world.pack():
        await world.clock.advance(1)
        for method in ("publish", "register", "take"):
            world.faults.fail_before(method, DOWN)
        world.chat.say("C1", "hello")
        await world.clock.advance(290)
        assert world.check("outbox").healthy
        assert "messages waiting: 1" in world.check("outbox").status
        await world.clock.advance(20)
        assert not world.check("outbox").healthy

        for method in ("publish", "register", "take"):
            world.faults.lift(method)
        await world.clock.advance(20)
        assert world.check("outbox").healthy


@pytest.mark.parametrize("step", STEPS)
async def test_setting_the_clock_neither_hides_nor_invents_a_message_that_has_waited(world: World, step: float) -> None:
    async with world.pack():
        await world.clock.advance(1)
        for method in ("publish", "register", "take"):
            world.faults.fail_before(method, DOWN)
        world.chat.say("C1", "hello")
        world.pack_clock.step(step)
        await world.clock.advance(290)
        world.chat.say("C1", "said after the clock was set")
        await world.clock.advance(1)
        assert world.check("outbox").healthy
        await world.clock.advance(20)
        assert not world.check("outbox").healthy


async def test_an_action_not_reported_for_more_than_five_minutes_is_unhealthy(world: World) -> None:
    async with world.pack():
        world.faults.fail_before("complete", DOWN)
        world.engine.enqueue(UnknownCommand("SendFax"))
        await world.clock.advance(310)

        assert not world.check("outbox").healthy
        assert "actions in hand: 1" in world.check("outbox").status


async def test_the_backlog_is_logged_when_it_changes_and_not_every_time(world: World) -> None:
    for method in ("publish", "register"):
        world.faults.fail_before(method, DOWN)

    with capture_logs() as logs:
        async with world.pack():
            for _ in range(3):
                world.chat.say("C1", "hello")
                await world.clock.advance(30)

    assert [line["outbox"]["waiting"] for line in logs if line["event"] == "waiting"] == [1, 2, 3]


async def test_health_shows_no_channel_user_or_text(world: World) -> None:
    for method in ("publish", "register"):
        world.faults.fail_before(method, DOWN)

    async with world.pack() as process:
        world.chat.say("C1", "a secret of Ada")
        await world.clock.advance(400)
        shown = " ".join(check.status for check in process.health().checks().values())

    assert not [word for word in ("C1", "U1", "secret", "Ada", "http") if word in shown]
