"""The gauges of what waits, and the metrics of the pack's surroundings."""

import math

import pytest

from application.ports.receiver import Connected, Disconnected
from domain.commands import SendMessage
from domain.errors import RejectedByWorkflow, StorageUnavailable, WorkflowUnreachable
from domain.messages import OutgoingMessage
from tests.support.metrics import MeasuredWorld

DOWN = WorkflowUnreachable("connection refused")
BROKEN = StorageUnavailable("disk full")


@pytest.fixture
async def world() -> MeasuredWorld:
    world = MeasuredWorld()
    await world.join(world.c1)
    return world


def hello(world: MeasuredWorld) -> SendMessage:
    return SendMessage(OutgoingMessage(world.c1, "hello"))


# What waits


async def test_the_gauges_show_what_waits_at_any_moment(world: MeasuredWorld) -> None:
    async with world.pack():
        world.faults.fail_before("publish", DOWN)
        world.faults.fail_before("complete", DOWN)
        world.chat.say("C1", "one")
        world.chat.say("C1", "two")
        world.engine.enqueue(hello(world))
        await world.clock.advance(1)
        first = world.metrics
        await world.clock.advance(60)
        later = world.metrics
        world.faults.lift_all()
        await world.clock.advance(60)

    assert first.value("outbox_entries", state="waiting") == 2
    assert first.value("journal_entries", state="waiting") == 1
    assert later.value("outbox_oldest_seconds") == pytest.approx(61, abs=0.5)
    assert later.value("journal_oldest_seconds") == pytest.approx(61, abs=0.5)
    for name in ("outbox_entries", "journal_entries", "outbox_oldest_seconds", "journal_oldest_seconds"):
        assert world.metrics.sum(name) == 0


async def test_the_gauges_show_what_is_set_aside(world: MeasuredWorld) -> None:
    world.faults.fail_before("publish", RejectedByWorkflow("400"))
    world.faults.fail_before("complete", RejectedByWorkflow("400"))

    async with world.pack():
        world.chat.say("C1", "one")
        world.engine.enqueue(hello(world))
        await world.clock.advance(1)

    assert world.metrics.above_zero("outbox_entries") == {("set_aside",): 1}
    assert world.metrics.above_zero("journal_entries") == {("set_aside",): 1}


async def test_the_gauges_show_what_an_earlier_run_left(world: MeasuredWorld) -> None:
    world.faults.fail_before("publish", DOWN)
    async with world.killed_pack():
        world.chat.say("C1", "one")
        await world.clock.advance(1)

    async with world.pack():
        assert world.metrics.value("outbox_entries", state="waiting") == 1


async def test_what_waits_is_no_number_before_the_storage_has_counted_it(world: MeasuredWorld) -> None:
    world.faults.fail_before("publish", DOWN)
    async with world.killed_pack():
        world.chat.say("C1", "one")
        await world.clock.advance(1)
    world.faults.fail_before("outbox.backlog", BROKEN)

    async with world.pack():
        gauges = ("outbox_entries", "outbox_oldest_seconds", "journal_entries", "journal_oldest_seconds")
        assert all(math.isnan(value) for name in gauges for _, value in world.metrics.series(name))
        world.faults.lift("outbox.backlog")
        await world.clock.advance(10)
        assert world.metrics.value("outbox_entries", state="waiting") == 1
        assert world.metrics.value("journal_entries", state="waiting") == 0


async def test_the_gauges_follow_what_an_operator_changes_within_some_seconds(world: MeasuredWorld) -> None:
    world.faults.fail_before("publish", RejectedByWorkflow("400"))

    async with world.pack():
        message = world.chat.say("C1", "one")
        await world.clock.advance(1)
        await world.storage.outbox.discard(message.key)
        await world.clock.advance(6)

        assert world.metrics.above_zero("outbox_entries") == {}


async def test_channels_whose_history_is_to_be_read_are_counted(world: MeasuredWorld) -> None:
    world.faults.block("history")

    async with world.pack():
        await world.clock.advance(1)
        assert world.metrics.value("backfill_channels") == 1
        world.faults.lift("history")
        await world.clock.advance(10)
        assert world.metrics.value("backfill_channels") == 0


# The pack and its surroundings


async def test_the_receivers_connection_is_shown_and_timed(world: MeasuredWorld) -> None:
    application = world.new_application()
    assert application
    assert world.metrics.value("receiver_connected") == 0

    async with world.pack():
        connected = world.metrics
        world.receiver.deliver(Disconnected("gone"))
        await world.clock.advance(30)
        disconnected = world.metrics
        world.receiver.deliver(Connected(40))
        await world.clock.advance(40)

    assert connected.value("receiver_connected") == 1
    assert disconnected.value("receiver_connected") == 0
    assert disconnected.value("receiver_disconnected_seconds_total") == pytest.approx(30, abs=0.1)
    assert world.metrics.value("receiver_connected") == 1
    assert world.metrics.value("receiver_disconnected_seconds_total") == pytest.approx(30, abs=0.1)


async def test_failing_calls_of_the_storage_and_slow_writes_are_counted(world: MeasuredWorld) -> None:
    async with world.pack():
        world.faults.fail_before("outbox.append", BROKEN, times=2)
        world.faults.delay("outbox.ack", 0.3)
        world.chat.say("C1", "hello")
        await world.clock.advance(10)

    assert world.metrics.value("storage_errors_total") == 2
    writes = world.metrics.value("storage_commit_seconds_count")
    assert writes - world.metrics.value("storage_commit_seconds_bucket", le="0.25") == 1


async def test_the_skew_of_the_clock_is_positive_if_it_is_ahead(world: MeasuredWorld) -> None:
    async with world.pack():
        world.pack_clock.step(90)
        assert world.metrics.value("clock_skew_seconds", peer="flyte") == pytest.approx(90)


async def test_metrics_come_in_the_format_of_openmetrics_if_it_is_preferred() -> None:
    these = MeasuredWorld().new_instruments()
    assert these.render
    plain, openmetrics = these.render("*/*"), these.render("application/openmetrics-text;version=1.0.0,*/*;q=0.1")

    assert plain[1] == "text/plain; version=0.0.4; charset=utf-8"
    assert openmetrics[1].startswith("application/openmetrics-text; version=1.0.0; charset=utf-8")
    assert openmetrics[0].endswith(b"# EOF\n")
