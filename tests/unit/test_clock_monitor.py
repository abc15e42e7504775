"""The pack's clock beside those of Slack and Flyte, in health and log."""

from collections.abc import Callable

import pytest
from structlog.testing import capture_logs

from tests.support.environment import World


def _by_chat(world: World, ahead: float) -> None:
    world.chat.clock_offset_seconds = -ahead


def _by_engine(world: World, ahead: float) -> None:
    world.engine.clock_offset_seconds = -ahead


@pytest.mark.parametrize(
    ("differ", "check", "service"),
    [(_by_chat, "slack", "chat service"), (_by_engine, "flyte", "workflow engine")],
)
class TestDifference:
    @pytest.mark.parametrize("seconds", [-90, -6, 6, 90])
    async def test_of_more_than_five_seconds_is_shown_and_unhealthy_is_nothing(
        self, world: World, differ: Callable[[World, float], None], check: str, service: str, seconds: int
    ) -> None:
        differ(world, seconds)
        with capture_logs() as logs:
            async with world.pack():
                await world.clock.advance(60)
                status = world.check(check)

        assert status.healthy
        direction = "ahead" if seconds > 0 else "behind"
        assert status.status.endswith(f"; this machine's clock is {abs(seconds)} s {direction}")
        [line] = [line for line in logs if line["event"] == "clock_differs"]
        assert line == {
            "event": "clock_differs",
            "log_level": "warning",
            "service": service,
            "ahead_seconds": seconds,
        }

    async def test_of_less_is_not_shown(
        self, world: World, differ: Callable[[World, float], None], check: str, service: str
    ) -> None:
        differ(world, 4.9)
        with capture_logs() as logs:
            async with world.pack():
                await world.clock.advance(60)
                assert "clock" not in world.check(check).status

        assert not [line for line in logs if line.get("service") == service]

    async def test_that_is_over_is_logged_once_and_no_longer_shown(
        self, world: World, differ: Callable[[World, float], None], check: str, service: str
    ) -> None:
        differ(world, 90)
        async with world.pack():
            await world.clock.advance(20)
            with capture_logs() as logs:
                differ(world, 4.5)
                await world.clock.advance(20)
                assert "clock" in world.check(check).status
                differ(world, 3.5)
                await world.clock.advance(20)
                assert "clock" not in world.check(check).status

        assert [line["service"] for line in logs if line["event"] == "clock_agrees"] == [service]


async def test_a_step_of_our_clock_during_the_run_is_noticed(world: World) -> None:
    async with world.pack():
        await world.clock.advance(20)
        world.pack_clock.step(-3600)
        await world.clock.advance(6)
        for check in ("slack", "flyte"):
            assert world.check(check).status.endswith("; this machine's clock is 3600 s behind")


async def test_after_a_sudden_change_the_chat_service_is_asked_for_its_time(world: World) -> None:
    async with world.pack():
        await world.clock.advance(20)
        calls = world.faults.count("identify")
        world.pack_clock.step(3600)
        await world.clock.advance(60)
        assert world.faults.count("identify") == calls + 2
