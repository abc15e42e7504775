"""One message's way as a trace: over the outbox, Flyte and the journal to the post that answers it and its result."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import timedelta
from pathlib import Path

import pytest
from aiohttp import web
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from adapters.opentelemetry.tracing import Tracing
from adapters.system_clock import SYSTEM_CLOCK
from entrypoints.config.settings import load_settings
from entrypoints.container.daemon import Daemon, lifetimes
from entrypoints.simulation.faults import Slow
from entrypoints.simulation.flyte.faults import status
from entrypoints.simulation.flyte.flow_loader import flow_from_text
from entrypoints.simulation.flyte.server import FlyteServer
from entrypoints.simulation.slack.server import SlackServer
from tests.support.daemon_process import daemon, daemon_environ
from tests.support.logs import captured_lines
from tests.support.traces import SpanFile, tree, unexplained

SHORT = timedelta(milliseconds=50)
FLOW = """
name: echo
steps:
- event: {packName: Slack, name: ReceivedMessage}
  command:
    packName: Slack
    name: SendRichMessage
    input:
      channel: "{{ Event.Payload.channelId }}"
      text: "{{ Event.Payload.message }}"
      traceparent: "{{ Event.Payload.traceparent }}"
"""


@pytest.fixture
async def flyte() -> AsyncIterator[FlyteServer]:
    async with FlyteServer(flows=[flow_from_text(FLOW, "echo", is_json=False)]) as server:
        yield server


@pytest.fixture
def spans(tmp_path: Path) -> Iterator[SpanFile]:
    with SpanFile(tmp_path / "spans.jsonl") as file:
        yield file


@pytest.fixture
def variables(slack: SlackServer, flyte: FlyteServer, tmp_path: Path) -> dict[str, str]:
    more = {"FLYTE_SLACK_APP_TOKEN": slack.app_token, "FLYTE_SLACK_LISTEN": "member"}
    return daemon_environ(slack, flyte, tmp_path, **more, FLYTE_SLACK_TRACE_PAYLOAD="true")


@asynccontextmanager
async def traced_pack(variables: dict[str, str], slack: SlackServer, spans: SpanFile) -> AsyncIterator[None]:
    """Runs a pack in this process, whose spans go to the file."""
    settings = load_settings(variables)
    daemon = Daemon(settings=settings)
    tracing = Tracing([spans.processor], SYSTEM_CLOCK, "1.0", in_payload=settings.trace_payload)
    daemon.adapters.tracing.override(tracing)
    async with AsyncExitStack() as stack:
        for lifetime in lifetimes(daemon):
            await stack.enter_async_context(lifetime)
        running = asyncio.create_task(daemon.application.supervisor().run(), name="pack")
        await slack.wait_for(lambda: slack.has_receiver)
        yield
        daemon.application.shutdown().request()
        await running


async def echo(slack: SlackServer, flyte: FlyteServer) -> None:
    """Lets a person say something, and waits until the pack has reported the echo."""
    alice, channel = slack.add_user("alice"), slack.add_channel("ops", members=[slack.bot_user_id])
    slack.say(alice, channel, "hello")
    await flyte.wait_for(lambda: len(flyte.results) == 1, 15)


def trace_parent_in(payload: object) -> object:
    assert isinstance(payload, dict)
    return payload.get("traceparent")


async def test_the_way_of_a_message_is_one_connected_story_that_explains_all_its_time(
    slack: SlackServer, flyte: FlyteServer, spans: SpanFile, variables: dict[str, str]
) -> None:
    slack.faults.plan("users.info", Slow(0.2))
    slack.faults.plan("chat.postMessage", Slow(0.2))
    flyte.faults.plan("event", status(503))
    flyte.faults.plan("result", Slow(0.2))
    async with traced_pack(variables, slack, spans):
        await echo(slack, flyte)

    found = spans.spans()
    assert len({span.trace_id for span in found}) == 1
    milestones = [line for line in tree(found) if line.split()[0] in ("receive", "send", "process", "chat.postMessage")]
    assert milestones == [
        "receive message",
        "  send ReceivedMessage",
        "    process SendRichMessage",
        "      chat.postMessage",
        "      send RichMessageSent",
    ]
    assert unexplained(found) < SHORT


async def test_flows_get_the_place_in_the_trace_and_slack_does_not(
    slack: SlackServer, flyte: FlyteServer, spans: SpanFile, variables: dict[str, str]
) -> None:
    async with traced_pack(variables, slack, spans):
        await echo(slack, flyte)

    [sent], [reported] = spans.named("send ReceivedMessage"), spans.named("send RichMessageSent")
    trace_id = sent.trace_id.removeprefix("0x")
    [event], [result] = flyte.events, flyte.results.values()
    assert trace_parent_in(event.payload) == f"00-{trace_id}-{sent.span_id.removeprefix('0x')}-01"
    assert trace_parent_in(result.payload) == f"00-{trace_id}-{reported.span_id.removeprefix('0x')}-01"
    assert "traceparent" not in str(slack.posts[0])


async def test_the_place_in_the_trace_tells_the_log_which_message_led_to_an_action(
    slack: SlackServer, flyte: FlyteServer, spans: SpanFile, variables: dict[str, str]
) -> None:
    with captured_lines() as lines:
        async with traced_pack(variables, slack, spans):
            await echo(slack, flyte)

    [delivered] = [line for line in lines if line["event"] == "message_delivered"]
    [concluded] = [line for line in lines if line["event"] == "action_concluded"]
    assert concluded["cause"] == delivered["ref"]


async def test_without_the_setting_events_and_inputs_are_left_alone(
    slack: SlackServer, flyte: FlyteServer, spans: SpanFile, variables: dict[str, str]
) -> None:
    async with traced_pack({**variables, "FLYTE_SLACK_TRACE_PAYLOAD": "false"}, slack, spans):
        await echo(slack, flyte)

    [event], [result] = flyte.events, flyte.results.values()
    assert trace_parent_in(event.payload) is None
    assert trace_parent_in(result.payload) == "", "as the flow gave it"
    assert len({span.trace_id for span in spans.spans()}) == 2


async def test_a_daemon_exports_its_spans_to_a_collector_before_it_ends(
    slack: SlackServer, flyte: FlyteServer, variables: dict[str, str]
) -> None:
    async with collector() as (url, requests), daemon({**variables, "OTEL_EXPORTER_OTLP_ENDPOINT": url}) as pack:
        await pack.wait_for_event("hearing")
        await echo(slack, flyte)
        assert await pack.stop() == 0

    [resource] = [spans for request in requests for spans in request.resource_spans]
    attributes = {one.key: one.value.string_value for one in resource.resource.attributes}
    assert attributes["service.name"] == "flyte-slack"
    names = {span.name for scope in resource.scope_spans for span in scope.spans}
    assert {"receive message", "send ReceivedMessage", "process SendRichMessage", "send RichMessageSent"} <= names


@asynccontextmanager
async def collector() -> AsyncIterator[tuple[str, list[ExportTraceServiceRequest]]]:
    """Yields the URL of a collector, and what it has received."""
    requests: list[ExportTraceServiceRequest] = []

    async def take(request: web.Request) -> web.Response:
        requests.append(ExportTraceServiceRequest.FromString(await request.read()))
        return web.Response(content_type="application/x-protobuf")

    application = web.Application()
    application.router.add_post("/v1/traces", take)
    runner = web.AppRunner(application)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}", requests
    finally:
        await runner.cleanup()
