"""What a trace tells of an event and of an action, whatever happens to them."""

from collections.abc import Callable, Iterable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from adapters.opentelemetry.tracing import Tracing
from application.resilience.interception import InterceptedStorage, intercepted
from domain.commands import Command, JoinChannel, SendMessage
from domain.errors import (
    ChatRejected,
    RateLimited,
    StorageUnavailable,
    TooLate,
    Unreachable,
    WorkflowServerError,
    WorkflowUnreachable,
)
from domain.events import Event, ReceivedMessage
from domain.messages import OutgoingMessage
from entrypoints.config.settings import Settings
from entrypoints.container.adapters import FixedAdapters
from entrypoints.container.application import Application
from tests.support.environment import DEFAULTS, World, no_flows, pack_settings
from tests.support.traces import SpanFile, tree, unexplained

SHORT = timedelta(milliseconds=50)


class TracedWorld(World):
    """A world whose packs export spans to a file."""

    def __init__(self, spans: SpanFile, flows: Callable[[Event], Iterable[Command]] = no_flows) -> None:
        super().__init__(flows)
        self.spans = spans

    def new_application(self, settings: Settings | None = None) -> Any:
        """Returns the application of a new process, with its own tracing."""
        tracing = Tracing([self.spans.processor], self.pack_clock, "1.0")
        adapters = FixedAdapters(
            clock=self.pack_clock,
            storage=InterceptedStorage(self.storage, self.faults),
            chat=tracing.slack_client(intercepted(self.chat, self.faults)),
            receiver=self.receiver,
            workflow=tracing.workflow(intercepted(self.engine, self.faults)),
            tracing=tracing,
        )
        return Application(settings=settings or DEFAULTS, adapters=adapters)

    async def post(self, text: str, channel_id: str = "C1") -> None:
        """Lets the running pack post a message."""
        await self.outcome(SendMessage(OutgoingMessage(self.c1 if channel_id == "C1" else self.c2, text)), 30)
        await self.clock.advance(1)


def reply_in_thread(event: Event) -> list[Command]:
    """Flows that answer each message in its thread."""
    if isinstance(event, ReceivedMessage):
        return [SendMessage(OutgoingMessage(event.message.channel_id, "answer", event.message.timestamp))]
    return []


@pytest.fixture
def spans(tmp_path: Path) -> Iterator[SpanFile]:
    with SpanFile(tmp_path / "spans.jsonl") as file:
        yield file


@pytest.fixture
async def world(spans: SpanFile) -> TracedWorld:
    """With a pack's storage that has joined C1 and C2."""
    world = TracedWorld(spans)
    await world.join(world.c1, world.c2)
    return world


async def test_an_event_is_received_and_sent(world: TracedWorld, spans: SpanFile) -> None:
    async with world.pack():
        timestamp = world.chat.say("C1", "hello").timestamp
        await world.clock.advance(1)

    assert tree(spans.spans()) == ["receive message", "  send ReceivedMessage", "    look_up"]
    [received], [sent] = spans.named("receive message"), spans.named("send ReceivedMessage")
    conventional = {"messaging.system": "slack", "messaging.destination.name": "C1"}
    identified = {**conventional, "messaging.message.id": f"C1:{timestamp}"}
    assert received.attributes == {**identified, "messaging.operation.type": "receive"}
    assert sent.attributes == {**identified, "messaging.operation.type": "send"}
    assert (received.kind, sent.kind) == ("CONSUMER", "PRODUCER")


async def test_an_action_is_processed(world: TracedWorld, spans: SpanFile) -> None:
    async with world.pack():
        await world.post("hello")

    assert tree(spans.spans()) == ["process SendMessage", "  post", "  send MessageSent"]
    [process], [sent] = spans.named("process SendMessage"), spans.named("send MessageSent")
    conventional = {"messaging.system": "slack", "messaging.destination.name": "C1"}
    identified = {**conventional, "messaging.message.id": "action-1"}
    assert process.attributes == {**identified, "messaging.operation.type": "process"}
    assert sent.attributes == {**identified, "messaging.operation.type": "send"}


async def test_no_span_tells_a_text_or_a_name(world: TracedWorld, spans: SpanFile) -> None:
    async with world.pack():
        world.chat.say("C1", "a question")
        await world.post("an answer")

    assert "a question" not in spans.text()
    assert "an answer" not in spans.text()
    assert "Ada" not in spans.text()


async def test_what_belongs_to_no_event_and_no_action_has_no_spans(world: TracedWorld, spans: SpanFile) -> None:
    async with world.pack():
        await world.clock.advance(600)

    assert spans.spans() == []


async def test_a_message_that_slack_delivers_twice_has_one_trace(world: TracedWorld, spans: SpanFile) -> None:
    async with world.pack():
        message = world.chat.say("C1", "hello")
        await world.clock.advance(1)
        world.receiver.deliver(message)
        await world.clock.advance(1)

    assert len(spans.named("receive message")) == 1


async def test_an_outage_of_the_engine_is_told(world: TracedWorld, spans: SpanFile) -> None:
    world.faults.fail_before("publish", WorkflowUnreachable("connection refused"), times=3)

    async with world.pack():
        world.chat.say("C1", "hello")
        await world.clock.advance(30)

    failed = spans.named("flyte.publish")
    assert {span.attributes["error.type"] for span in failed} == {"WorkflowUnreachable"}
    assert unexplained(spans.spans()) < SHORT
    assert spans.named("wait for another attempt")


async def test_each_attempt_to_send_a_rejected_event_is_told(world: TracedWorld, spans: SpanFile) -> None:
    world.faults.fail_before("publish", WorkflowServerError("500"), times=2)

    async with world.pack():
        world.chat.say("C1", "hello")
        await world.clock.advance(10)

    attempts = spans.named("send ReceivedMessage")
    assert [span.attributes.get("error.type") for span in attempts] == ["rejected", "rejected", None]
    assert unexplained(spans.spans()) < SHORT


async def test_a_storage_that_takes_long_is_told(world: TracedWorld, spans: SpanFile) -> None:
    for method in ("journal.record", "journal.begin_step", "journal.set_outcome", "journal.mark_reported"):
        world.faults.delay(method, 0.2)

    async with world.pack():
        await world.post("hello")

    names = [span.name for span in spans.spans() if span.name.startswith("storage.")]
    assert names == [
        "storage.journal.record",
        "storage.journal.begin_step",
        "storage.journal.set_outcome",
        "storage.journal.mark_reported",
    ]
    assert unexplained(spans.spans()) < SHORT


async def test_waiting_for_the_pace_and_for_earlier_posts_is_told(world: TracedWorld, spans: SpanFile) -> None:
    async with world.pack(pack_settings(messages_per_second=1, message_burst=1)):
        for number in range(3):
            world.engine.enqueue(SendMessage(OutgoingMessage(world.c1, str(number))))
        await world.clock.advance(10)

    assert [round(span.seconds) for span in spans.named("wait for pace")] == [1, 1]
    assert [round(span.seconds) for span in spans.named("wait for turn")] == [1]
    for process in spans.named("process SendMessage"):
        assert unexplained([span for span in spans.spans() if span.trace_id == process.trace_id]) < SHORT


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (RateLimited(3), "ratelimited"),
        (Unreachable("unreachable", "no route"), "unreachable"),
    ],
)
async def test_a_request_that_is_repeated_is_told_with_its_error(
    world: TracedWorld, spans: SpanFile, error: Exception, code: str
) -> None:
    world.faults.fail_before("post", error, times=2)

    async with world.pack():
        await world.post("hello")

    assert [span.attributes.get("error.type") for span in spans.named("post")] == [code, code, None]
    assert unexplained(spans.spans()) < SHORT


async def test_an_action_that_fails_has_the_code_of_its_error(world: TracedWorld, spans: SpanFile) -> None:
    world.faults.fail_before("join", ChatRejected("channel_not_found", "there is no such channel"))

    async with world.pack():
        await world.outcome(JoinChannel(world.c1))
        await world.clock.advance(1)

    [process] = spans.named("process JoinChannel")
    assert process.attributes["error.type"] == "channel_not_found"


async def test_an_event_that_waited_for_the_next_start_goes_on_with_its_trace(
    world: TracedWorld, spans: SpanFile
) -> None:
    world.faults.fail_before("publish", WorkflowUnreachable("connection refused"))
    async with world.pack():
        world.chat.say("C1", "hello")
        await world.clock.advance(1)
    await world.clock.advance(60)
    world.faults.lift("publish")
    async with world.pack():
        await world.clock.advance(5)

    assert len({span.trace_id for span in spans.spans()}) == 1
    [received] = spans.named("receive message")
    assert [span.parent_id for span in spans.named("send ReceivedMessage")] == [received.span_id] * 2
    assert unexplained(spans.spans()) < SHORT


async def test_an_action_goes_on_with_its_trace_after_the_next_start(world: TracedWorld, spans: SpanFile) -> None:
    world.faults.fail_before("complete", WorkflowUnreachable("connection refused"))
    async with world.pack():
        world.engine.enqueue(SendMessage(OutgoingMessage(world.c1, "hello")))
        await world.clock.advance(2)
    await world.clock.advance(60)
    world.faults.lift("complete")
    async with world.pack():
        await world.clock.advance(5)

    first, second = spans.named("process SendMessage")
    assert (second.trace_id, second.parent_id) == (first.trace_id, first.span_id)
    assert unexplained(spans.spans()) < SHORT


async def test_an_action_that_answers_in_a_thread_names_the_message(spans: SpanFile) -> None:
    world = TracedWorld(spans, reply_in_thread)
    await world.join(world.c1)

    async with world.pack():
        world.chat.say("C1", "hello")
        await world.clock.advance(3)

    [sent], [process] = spans.named("send ReceivedMessage"), spans.named("process SendMessage")
    assert process.links == (sent.span_id,)
    assert process.trace_id != sent.trace_id


async def test_a_sampler_that_takes_nothing_is_heeded(
    world: TracedWorld, spans: SpanFile, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OTEL_TRACES_SAMPLER", "always_off")

    async with world.pack():
        world.chat.say("C1", "hello")
        await world.post("hello")

    assert spans.spans() == []
    assert world.published_texts == ["hello"]


async def test_an_event_that_a_broken_storage_delays_is_told(world: TracedWorld, spans: SpanFile) -> None:
    world.faults.fail_before("outbox.append", StorageUnavailable("disk full"), times=3)

    async with world.pack():
        world.chat.say("C1", "hello")
        await world.clock.advance(20)

    assert spans.spans()[0].seconds > 0.5
    assert unexplained(spans.spans()) < SHORT


async def test_an_interaction_that_could_not_be_stored_in_time_is_told(world: TracedWorld, spans: SpanFile) -> None:
    world.faults.fail_before("outbox.append", TooLate(), times=1)

    async with world.pack():
        world.chat.click("C1", "go")
        await world.clock.advance(1)

    [received] = spans.spans()
    assert (received.name, received.attributes["error.type"]) == ("receive block action", "TooLate")


async def test_an_event_that_a_killed_pack_had_sent_is_not_sent_in_the_trace_again(
    world: TracedWorld, spans: SpanFile
) -> None:
    async with world.killed_pack():
        world.faults.block("outbox.ack")
        world.chat.say("C1", "hello")
        await world.clock.advance(1)
    world.faults.lift("outbox.ack")
    await world.clock.advance(60)

    async with world.pack():
        await world.clock.advance(60)

    assert world.published_texts == ["hello"]
    assert tree(spans.spans())[:2] == ["receive message", "  wait in outbox"]
    assert spans.named("wait in outbox")[0].seconds > 60
