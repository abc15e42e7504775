"""Which contents of Flyte's audit answer a question, and how far back it is read."""

import json
from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from email.utils import format_datetime
from typing import Any

import pytest

from adapters.flyte.workflow import FlyteWorkflow
from application.ports.workflow import Completion, OpenActions
from domain.actions import ActionId
from domain.commands import Broadcast
from domain.outbox import outbox_entry
from entrypoints.simulation.flyte.server import FlyteServer
from entrypoints.testing.manual_clock import ManualClock
from tests.contracts.workflow_contract import DEFINITION, LONG_AGO, NOON, received_message
from tests.support.flyte import ECHO
from tests.support.scripted_http import Request, flyte_registration, http_response, scripted_server

NONE_OPEN = OpenActions([], [])
ASKED = [outbox_entry(received_message("1.1").message, NOON)]


@pytest.fixture
async def flyte() -> AsyncIterator[FlyteServer]:
    async with FlyteServer(flows=[ECHO]) as flyte:
        yield flyte


def _audited(**fields: Any) -> dict[str, Any]:
    trigger = {
        "event": "ReceivedMessage",
        "pack": {"id": "Slack", "name": "Slack"},
        "payload": {"channelId": "C1", "timestamp": "1.1"},
        "createdAt": "2024-05-17T14:00:00.123+02:00",
    }
    action = {
        "id": "a1",
        "name": "Broadcast",
        "packName": "Slack",
        "packLabels": {"env": "test"},
        "input": {"message": "hello"},
        "state": {"value": "PENDING", "time": "2024-05-17T12:00:01.123456789Z"},
        "trigger": trigger,
    }
    return action | fields


async def _with_audit(audit: object, question: str) -> Any:
    def respond(request: Request) -> bytes:
        return flyte_registration(request) or http_response(200, json.dumps(audit))

    async with scripted_server(respond) as server:
        workflow = FlyteWorkflow(server.url, clock=ManualClock(NOON))
        async with workflow.open():
            await workflow.register(DEFINITION)
            if question == "open":
                return await workflow.open_actions(LONG_AGO)
            if question == "completion":
                return await workflow.completion_of(ActionId(f"{server.url}/v1/packs/Slack/actions/a1/result"))
            return (await workflow.were_published(ASKED))[0]


def _runs(*actions: object) -> object:
    return {"flows": [{"name": "f", "actions": {str(number): action for number, action in enumerate(actions)}}]}


@pytest.mark.parametrize(
    ("trigger", "is_published"),
    [
        ({}, True),
        ({"createdAt": None}, True),
        ({"createdAt": "0001-01-01T00:00:00Z"}, True),
        ({"createdAt": "2024-05-17T12:00:00.123Z"}, True),
        ({"createdAt": "2024-05-17T12:00:00.123000000Z"}, True),
        ({"createdAt": "2024-05-17T12:00:00.124Z"}, False),
        ({"createdAt": "yesterday"}, True),
        ({"event": "MessageSent"}, False),
        ({"event": None}, False),
        ({"pack": {"name": "Other"}}, False),
        ({"pack": None}, False),
        ({"payload": {"channelId": "C2", "timestamp": "1.1"}}, False),
        ({"payload": {"channelId": "C1", "timestamp": "1.2"}}, False),
        ({"payload": "C1:1.1"}, False),
        ({"payload": None}, False),
    ],
)
async def test_a_message_is_recognized_by_pack_channel_timestamp_and_time(
    trigger: dict[str, Any], is_published: bool
) -> None:
    action = _audited()
    assert await _with_audit(_runs(action | {"trigger": action["trigger"] | trigger}), "were_published") is is_published


@pytest.mark.parametrize(
    ("fields", "is_in_hand"),
    [
        ({}, True),
        ({"packLabels": None}, True),
        ({"packLabels": {"env": "test", "region": "eu"}}, True),
        ({"packLabels": {"env": "prod"}}, False),
        ({"packLabels": {"team": "x"}}, False),
        ({"packName": "Other"}, False),
        ({"state": {"value": "NEW"}}, False),
        ({"state": {"value": "SUCCESS"}}, False),
        ({"state": {"value": "PENDING", "time": 7}}, True),
        ({"state": {"value": "PENDING", "time": "2024-05-15T12:01:00Z"}}, True),
        ({"state": {"value": "PENDING", "time": "2024-05-15T12:00:00Z"}}, False),
        ({"state": {"value": "PENDING", "time": "2019-01-01T00:00:00Z"}}, False),
        ({"trigger": None}, True),
        ({"id": ""}, False),
        ({"id": "../../other"}, False),
        ({"id": ".."}, False),
        ({"id": 7}, False),
        ({"state": None}, False),
        ({"name": None}, False),
    ],
)
async def test_pending_actions_have_this_name_and_labels_and_are_of_the_last_two_days(
    fields: dict[str, Any], is_in_hand: bool
) -> None:
    commands = [action.command for action in (await _with_audit(_runs(_audited(**fields)), "open")).taken]
    assert commands == ([Broadcast("hello")] if is_in_hand else [])


@pytest.mark.parametrize(
    ("trigger", "cause"),
    [
        ({}, "C1:1.1"),
        ({"event": "MessageSent"}, ""),
        ({"pack": {"name": "Other"}}, ""),
    ],
)
async def test_a_pending_action_has_the_message_that_triggered_it_as_its_cause(
    trigger: dict[str, Any], cause: str
) -> None:
    action = _audited()
    [found] = (await _with_audit(_runs(action | {"trigger": action["trigger"] | trigger}), "open")).taken
    assert found.cause == cause


@pytest.mark.parametrize(
    ("state", "completion"),
    [
        ("NEW", Completion.CONTRADICTORY),
        ("PENDING", Completion.MISSING),
        ("SUCCESS", Completion.RECEIVED),
        ("FATAL", Completion.RECEIVED),
        ("LOST", Completion.UNKNOWN),
    ],
)
async def test_the_state_of_an_action_tells_whether_it_is_completed(state: str, completion: Completion) -> None:
    assert await _with_audit(_runs(_audited(state={"value": state})), "completion") is completion


@pytest.mark.parametrize("time", [None, "2024-05-17T12:00:01.123456789Z", "2024-05-16T03:00:01-09:00"])
async def test_a_new_action_of_the_last_two_days_may_wait_or_have_been_taken(time: str | None) -> None:
    found = await _with_audit(_runs(_audited(state={"value": "NEW", "time": time})), "open")
    assert ([], [Broadcast("hello")]) == (found.taken, [action.command for action in found.waiting])


async def test_a_new_action_of_last_week_is_not_considered() -> None:
    assert (
        await _with_audit(_runs(_audited(state={"value": "NEW", "time": "2024-05-10T12:00:01Z"})), "open") == NONE_OPEN
    )


@pytest.mark.parametrize(
    "audit",
    [
        None,
        [],
        {},
        {"flows": None},
        {"flows": {}},
        {"flows": [None, 1, [], {}, {"actions": None}, {"actions": []}, {"actions": {"1": None, "2": 7, "3": []}}]},
    ],
)
async def test_a_malformed_audit_leaves_everything_unknown(audit: object) -> None:
    assert await _with_audit(audit, "were_published") is False
    assert await _with_audit(audit, "completion") is Completion.UNKNOWN
    assert await _with_audit(audit, "open") == NONE_OPEN


async def test_malformed_actions_do_not_hide_others() -> None:
    assert len((await _with_audit(_runs(None, {"id": "x"}, _audited()), "open")).taken) == 1


async def test_runs_are_queried_page_by_page_until_they_are_too_old() -> None:
    def run(minutes: int) -> dict[str, Any]:
        time = (NOON - timedelta(minutes=minutes)).isoformat()
        return {"actions": {"1": _audited(trigger=None, state={"value": "SUCCESS", "time": time})}}

    pages = {"0": [run(1)] * 200, "200": [run(2)] * 199 + [run(61)], "400": [run(62)] * 200}

    def respond(request: Request) -> bytes:
        start = request.target.partition("start=")[2].partition("&")[0]
        return flyte_registration(request) or http_response(200, json.dumps({"flows": pages[start]}))

    async with scripted_server(respond) as server:
        workflow = FlyteWorkflow(server.url)
        async with workflow.open():
            await workflow.register(DEFINITION)
            message = received_message(f"{NOON.timestamp():.6f}").message
            assert await workflow.were_published([outbox_entry(message, NOON)]) == [False]
    asked = [request.target for request in server.requests if "/audit/" in request.target]
    assert asked == [
        "/v1/audit/flows?actionPackName=Slack&start=0&limit=200",
        "/v1/audit/flows?actionPackName=Slack&start=200&limit=200",
        "/v1/audit/flows?start=0&limit=200",
        "/v1/audit/flows?start=200&limit=200",
    ]


async def test_an_action_is_searched_for_page_by_page_until_runs_are_older_than_its_taking() -> None:
    def run(minutes: int) -> dict[str, Any]:
        time = (NOON - timedelta(minutes=minutes)).isoformat()
        return {"actions": {"1": _audited(id="other", trigger=None, state={"value": "SUCCESS", "time": time})}}

    pages = {"0": [run(-1)] * 200, "200": [run(59)] * 200, "400": [run(59)] * 199 + [run(61)]}

    def respond(request: Request) -> bytes:
        start = request.target.partition("start=")[2].partition("&")[0]
        return flyte_registration(request) or http_response(200, json.dumps({"flows": pages[start]}))

    async with scripted_server(respond) as server:
        workflow = FlyteWorkflow(server.url)
        async with workflow.open():
            await workflow.register(DEFINITION)
            action = ActionId(f"{server.url}/v1/packs/Slack/actions/a1/result")
            assert await workflow.completion_of(action, NOON) is Completion.UNKNOWN
    asked = [request.target for request in server.requests if "/audit/" in request.target]
    assert [target.partition("start=")[2] for target in asked] == ["0&limit=200", "200&limit=200", "400&limit=200"]


async def test_an_event_received_while_our_clock_was_ahead_is_found_after_it_was_set_right() -> None:
    timestamp, received_at = f"{NOON.timestamp():.6f}", NOON + timedelta(days=1)
    event = {
        "event": "ReceivedMessage",
        "pack": {"name": "Slack"},
        "payload": {"channelId": "C1", "timestamp": timestamp},
        "createdAt": received_at.isoformat(),
    }
    state = {"value": "SUCCESS", "time": (NOON + timedelta(seconds=1)).isoformat()}
    others = [{"actions": {"1": _audited(trigger=None, state=state)}}] * 200
    pages = {"0": others, "200": [{"actions": {"1": _audited(trigger=event, state=state)}}]}

    def respond(request: Request) -> bytes:
        start = request.target.partition("start=")[2].partition("&")[0]
        return flyte_registration(request) or http_response(200, json.dumps({"flows": pages.get(start, [])}))

    async with scripted_server(respond) as server:
        workflow = FlyteWorkflow(server.url)
        async with workflow.open():
            await workflow.register(DEFINITION)
            entry = outbox_entry(received_message(timestamp).message, received_at)
            assert await workflow.were_published([entry]) == [True]


async def test_pages_are_too_old_by_flyte_s_clock_and_not_by_ours() -> None:
    ours = NOON + timedelta(days=1)
    event = {
        "event": "ReceivedMessage",
        "pack": {"name": "Slack"},
        "payload": {"channelId": "C1", "timestamp": "1.1"},
        "createdAt": ours.isoformat(),
    }
    state = {"value": "SUCCESS", "time": (NOON - timedelta(minutes=1)).isoformat()}
    others = [{"actions": {"1": _audited(trigger=None, state=state)}}] * 200
    pages = {"0": others, "200": [{"actions": {"1": _audited(trigger=event, state=state)}}]}

    def respond(request: Request) -> bytes:
        start = request.target.partition("start=")[2].partition("&")[0]
        date = format_datetime(NOON, usegmt=True)
        audit = http_response(200, json.dumps({"flows": pages.get(start, [])}), Date=date)
        return flyte_registration(request) or audit

    async with scripted_server(respond) as server:
        workflow = FlyteWorkflow(server.url, clock=ManualClock(ours))
        async with workflow.open():
            await workflow.register(DEFINITION)
            await workflow.completion_of(ActionId(f"{server.url}/v1/packs/Slack/actions/a1/result"))  # tells the time
            assert await workflow.were_published([outbox_entry(received_message("1.1").message, ours)]) == [True]


@pytest.mark.parametrize(("since", "pages"), [(None, 3), (LONG_AGO, 50)])
async def test_the_number_of_pages_is_bounded(since: datetime | None, pages: int) -> None:
    page = json.dumps({"flows": [{"actions": {"1": _audited(id="other")}}] * 200})
    async with scripted_server(lambda request: flyte_registration(request) or http_response(200, page)) as server:
        workflow = FlyteWorkflow(server.url)
        async with workflow.open():
            await workflow.register(DEFINITION)
            action = ActionId(f"{server.url}/v1/packs/Slack/actions/a1/result")
            assert await workflow.completion_of(action, since) is Completion.UNKNOWN
    assert len([request for request in server.requests if "/audit/" in request.target]) == pages
