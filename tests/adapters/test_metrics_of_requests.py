"""Requests to Slack and Flyte, and the sockets, as the metrics count them: by real servers over real sockets."""

import re
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime

import pytest

from adapters.flyte.workflow import FlyteWorkflow
from adapters.slack.chat import SlackChat
from adapters.slack.methods import METHODS
from adapters.slack.sockets.socket_mode import SlackSocketMode
from adapters.slack.web_client import SlackWebClient
from application.ports.workflow import Workflow
from domain.actions import ActionId
from domain.channels import ChannelId
from domain.errors import ChatError, WorkflowError
from domain.events import Fatal
from domain.messages import OutgoingMessage
from entrypoints.container.instruments import AnyInstruments
from entrypoints.simulation.faults import Fault, Hang, Reset
from entrypoints.simulation.flyte import faults as flyte_faults
from entrypoints.simulation.flyte.server import FlyteServer
from entrypoints.simulation.slack import faults as slack_faults
from entrypoints.simulation.slack.server import SlackServer
from tests.contracts.workflow_contract import DEFINITION, received_message
from tests.support.metrics import Shown, instruments, shown
from tests.support.pages import sources
from tests.support.virtual_time import TestTime

pytestmark = pytest.mark.virtual_time

POST = "chat.postMessage"


@dataclass
class MeasuredSlack:
    """A simulated Slack and the pack's side of it, watched."""

    slack: SlackServer
    chat: SlackChat
    web: SlackWebClient
    channel: ChannelId
    instruments: AnyInstruments
    clock: TestTime

    @property
    def metrics(self) -> Shown:
        return shown(self.instruments)

    async def post(self, fault: Fault | None = None) -> None:
        """Posts a message, whatever becomes of it."""
        if fault is not None:
            self.slack.faults.plan(POST, fault)
        with suppress(ChatError):
            await self.chat.post(OutgoingMessage(self.channel, "hello"), None)


@pytest.fixture
async def measured() -> AsyncIterator[MeasuredSlack]:
    clock = TestTime()
    async with SlackServer() as slack:
        these = instruments(clock)
        web = these.slack_client(SlackWebClient(slack.api_url, slack.bot_token, timeout_seconds=5, clock=clock))
        channel = ChannelId(slack.add_channel("ops", members=(slack.bot_user_id,)))
        async with web.open():
            yield MeasuredSlack(slack, SlackChat(web), web, channel, these, clock)


async def test_a_request_to_slack_is_counted_by_its_method_and_ok(measured: MeasuredSlack) -> None:
    await measured.post()
    await measured.chat.identify()

    assert measured.metrics.above_zero("slack_requests_total", "method", "code") == {
        (POST, "ok"): 1,
        ("auth.test", "ok"): 1,
    }
    assert measured.metrics.value("slack_request_seconds_count", method=POST) == 1


async def test_each_request_of_a_call_counts(measured: MeasuredSlack) -> None:
    measured.slack.faults.plan("conversations.join", slack_faults.error("method_not_supported_for_channel_type"))

    await measured.chat.join(measured.channel)

    assert measured.metrics.above_zero("slack_requests_total", "method", "code") == {
        ("conversations.join", "method_not_supported_for_channel_type"): 1,
        ("conversations.info", "ok"): 1,
    }


@pytest.mark.parametrize(
    ("fault", "code"),
    [
        (slack_faults.error("is_archived"), "is_archived"),
        (slack_faults.error("token_revoked"), "token_revoked"),
        (slack_faults.error("unheard_of_xoxb-1"), "other"),
        (slack_faults.error("internal_error"), "internal_error"),
        (slack_faults.http_status(502), "http_502"),
        (slack_faults.http_status(503), "service_unavailable"),
        (slack_faults.malformed_json(), "unreadable_answer"),
        (Reset(), "connection_lost"),
        (Hang(), "timeout"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
async def test_a_request_that_fails_is_counted_by_its_error_code(
    measured: MeasuredSlack, fault: Fault, code: str
) -> None:
    await measured.post(fault)

    assert measured.metrics.above_zero("slack_requests_total", "method", "code") == {(POST, code): 1}


async def test_a_method_that_a_flow_makes_up_counts_as_other(measured: MeasuredSlack) -> None:
    with suppress(ChatError):
        await measured.chat.call_method("secret.C024BE91L", {})

    assert measured.metrics.above_zero("slack_requests_total", "method", "code") == {("other", "unknown_method"): 1}


async def test_the_time_that_slack_asks_to_wait_is_counted_as_it_passes(measured: MeasuredSlack) -> None:
    await measured.post(slack_faults.rate_limited(60))
    await measured.clock.advance(20)
    await measured.post(slack_faults.rate_limited(10))
    after_20 = measured.metrics
    await measured.clock.advance(100)

    assert after_20.value("slack_throttled_seconds_total", method=POST) == pytest.approx(20, abs=0.1)
    assert measured.metrics.value("slack_throttled_seconds_total", method=POST) == pytest.approx(60, abs=0.1)
    assert measured.metrics.value("slack_requests_total", method=POST, code="ratelimited") == 2


def test_every_method_that_the_pack_calls_is_known() -> None:
    named = re.findall(r'"([a-z]+(?:\.[A-Za-z]+)+)"', sources("adapters/slack"))
    calls = {name for name in named if name.partition(".")[0] in {method.partition(".")[0] for method in METHODS}}
    assert calls == set(METHODS)


# Sockets


@asynccontextmanager
async def connected(measured: MeasuredSlack) -> AsyncIterator[None]:
    """A receiver in Socket Mode that has been connected for a while."""
    socket_mode = SlackSocketMode(
        measured.web,
        measured.slack.app_token,
        measured.chat.identify,
        measured.clock,
        telemetry=measured.instruments.telemetry,
    )
    async with socket_mode.events():
        await measured.slack.wait_for(lambda: bool(measured.slack.connections))
        await measured.clock.advance(11)
        yield


@pytest.mark.parametrize(
    ("end", "reason"),
    [
        (lambda slack: slack.disconnect("warning", close_after_seconds=30), "requested"),
        (lambda slack: slack.disconnect("link_disabled"), "refused"),
        (lambda slack: slack.drop_sockets(), "ended"),
    ],
)
async def test_a_replaced_socket_is_counted_by_its_reason(
    measured: MeasuredSlack, end: Callable[[SlackServer], object], reason: str
) -> None:
    async with connected(measured):
        end(measured.slack)
        await measured.clock.advance(100)

    assert measured.metrics.above_zero("receiver_reconnects_total") == {(reason,): 1}


# Flyte


async def calls(workflow: Workflow) -> None:
    """Makes one call of each kind, whatever becomes of it."""
    attempts: list[Callable[[], Awaitable[object]]] = [
        lambda: workflow.register(DEFINITION),
        workflow.take,
        lambda: workflow.publish(received_message("1"), datetime.now(UTC)),
        lambda: workflow.complete(ActionId("http://flyte.invalid/result"), Fatal("x"), datetime.now(UTC)),
    ]
    for attempt in attempts:
        with suppress(WorkflowError):
            await attempt()


async def counted(fault: Fault | None = None, target: str = "") -> dict[tuple[str, ...], float]:
    """Returns how the calls are counted with this fault."""
    clock = TestTime()
    these = instruments(clock)
    async with FlyteServer() as flyte:
        if fault is not None:
            flyte.faults.plan(target, fault)
        adapter = FlyteWorkflow(flyte.api_url, timeout_seconds=5, watch_client=these.flyte_client)
        async with adapter.open():
            await calls(these.workflow(adapter))
    return shown(these).above_zero("flyte_requests_total")


async def test_requests_to_flyte_are_counted_by_call_and_status() -> None:
    assert await counted() == {
        ("register", "200"): 1,
        ("register", "201"): 1,
        ("take", "204"): 1,
        ("publish", "202"): 1,
    }


@pytest.mark.parametrize(
    ("fault", "status"),
    [(flyte_faults.status(500), "500"), (flyte_faults.status(401), "401"), (Reset(), "in_doubt")],
    ids=lambda value: value if isinstance(value, str) else "",
)
async def test_a_failing_request_to_flyte_is_counted_by_its_status(fault: Fault, status: str) -> None:
    assert ("take", status) in await counted(fault, "take")
