"""The trace and the logs of the simulated Flyte."""

import asyncio

import pytest

from entrypoints.simulation.event_feed import Subscription
from entrypoints.simulation.flyte import faults
from entrypoints.simulation.flyte.flow_loader import BUILT_IN, flow_from_file, flow_from_values
from entrypoints.simulation.flyte.trace import (
    ActionCreated,
    ActionFinished,
    ActionTaken,
    EventAccepted,
    RequestServed,
    StepMatched,
    StepUnmatched,
    TraceEvent,
)
from tests.simulation.flyte_pack import server_and_pack

ECHO = flow_from_file(BUILT_IN / "echo.yaml")


async def test_a_message_can_be_traced_from_event_to_result() -> None:
    async with server_and_pack(flows=[ECHO]) as (flyte, pack):
        subscription = flyte.subscribe()
        await pack.send_event("ReceivedMessage", {"message": "echo hi", "channelId": "C1", "user": {"id": "U1"}})
        taken = await pack.take()
        assert taken is not None
        await pack.complete(taken, "MessageSent", {"timestamp": "1"})
        events = [one for one in subscription.drain() if not isinstance(one, RequestServed)]

    assert [type(one) for one in events] == [EventAccepted, StepMatched, ActionCreated, ActionTaken, ActionFinished]
    matched = events[1]
    assert isinstance(matched, StepMatched)
    assert (matched.flow, matched.step, matched.rendered) == ("echo", "get_message", "True")
    assert matched.context == {"Msg": "hi", "Channel": "C1", "RequestorId": "U1"}
    assert sorted(one.at for one in events) == [one.at for one in events]


async def test_a_subscription_can_be_iterated() -> None:
    async with server_and_pack() as (flyte, pack):

        async def first(subscription: Subscription[TraceEvent]) -> TraceEvent:
            async for event in subscription:
                if isinstance(event, EventAccepted):
                    return event
            raise AssertionError

        subscription = flyte.subscribe()
        async with asyncio.timeout(5), asyncio.TaskGroup() as group:
            waiting = group.create_task(first(subscription), name="watcher")
            await pack.send_event("X", {"n": 1})

    event = waiting.result()
    assert isinstance(event, EventAccepted)
    assert (event.event, event.payload) == ("X", {"n": 1})


async def test_requests_and_takes_are_logged_and_counted() -> None:
    async with server_and_pack() as (flyte, pack):
        action_id = flyte.queue_action("Slack", "SendMessage")
        await pack.take()
        await pack.take()
        flyte.faults.plan("take", faults.status(500))
        async with pack.session.post(pack.take_url):
            pass

        assert [(take.status, take.action_id) for take in flyte.takes] == [(200, action_id), (204, None), (500, None)]
        assert flyte.counts["take", 200] == flyte.counts["take", 204] == flyte.counts["take", 500] == 1
        last = flyte.requests[-1]
        assert (last.route, last.method, last.status, last.fault) == ("take", "POST", 500, "status 500")


async def test_a_request_for_an_unknown_path_is_logged() -> None:
    async with server_and_pack() as (flyte, pack):
        async with pack.session.get(f"{flyte.api_url}/v1/"):
            pass

        assert (flyte.requests[-1].route, flyte.requests[-1].status) == ("unknown", 404)


async def test_a_wait_ends_with_the_change_or_the_timeout() -> None:
    async with server_and_pack() as (flyte, pack):
        assert await flyte.wait_for(lambda: flyte.packs) == flyte.packs
        with pytest.raises(TimeoutError):
            await flyte.wait_for(lambda: flyte.events, timeout=0.05)
        async with asyncio.TaskGroup() as group:
            waiting = group.create_task(flyte.wait_for(lambda: len(flyte.events) == 2), name="waiter")
            await pack.send_event("X")
            assert not waiting.done()
            await pack.send_event("X")


async def test_an_event_can_be_raised_for_an_unregistered_pack() -> None:
    async with server_and_pack() as (flyte, _):
        flyte.raise_event("Rota", "RotaRetrieved", {"name": "Zoë"}, labels={"env": "dev"})

        (event,) = flyte.events
        assert (event.pack.name, event.pack.labels, event.name) == ("Rota", {"env": "dev"}, "RotaRetrieved")


async def test_an_unmatched_step_has_its_reason() -> None:
    command = {"packName": "Slack", "name": "X"}
    steps = [
        {"id": "a", "event": {"packName": "Slack", "name": "E"}, "command": command},
        {"id": "b", "event": {"packName": "Slack", "name": "E"}, "command": command, "dependsOn": ["a"]},
    ]
    flow = flow_from_values({"name": "test", "steps": steps}, "test")
    async with server_and_pack(flows=[flow]) as (flyte, pack):
        subscription = flyte.subscribe()
        await pack.send_event("E")
        taken = await pack.take()
        assert taken is not None
        await pack.complete(taken, "E")
        assert await pack.take() is not None
        await flyte.wait_for(lambda: flyte.waiting() == 1)
        reasons = [(one.step, one.reason) for one in subscription.drain() if isinstance(one, StepUnmatched)]

    waits = ("b", "none of the steps it depends on has finished in the run that this event starts: a")
    assert reasons == [waits, waits, ("a", "the step has already run in this run")]


async def test_a_timed_out_wait_tells_the_progress() -> None:
    async with server_and_pack() as (flyte, _):
        with pytest.raises(TimeoutError, match=r"did not hold within 0\.01 s; requests so far: .*'register 201': 1"):
            await flyte.wait_for(lambda: flyte.events, timeout=0.01)
