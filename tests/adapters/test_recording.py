"""The recording adapters: they record every call and otherwise behave like the adapters they wrap."""

import json
import os
import resource
import stat
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st
from structlog.testing import capture_logs

from adapters.memory.chat import MemoryChat
from adapters.memory.receiver import MemoryReceiver
from adapters.memory.workflow import MemoryWorkflow
from adapters.recording import entries
from adapters.recording.policy import RecordingPolicy
from adapters.recording.recorder import Recorder
from adapters.recording.schemas import dump_entry, load_entry
from application.ports.workflow import Workflow
from application.resilience.interception import ObservedReceiver, intercepted
from domain.channels import ChannelId
from domain.commands import ChatCommand, SendMessage
from domain.errors import ChatRejected, PackNotRegistered, StorageUnusable
from domain.events import CommandOutcome, MessageSent
from domain.interactions import Reaction, ViewEvent
from domain.messages import OutgoingMessage, Receipt, RichMessage
from domain.users import User
from entrypoints.testing.manual_clock import ManualClock
from entrypoints.testing.strategies import json_objects, json_values, texts
from tests.adapters.test_memory_chat import MemoryChatEnvironment
from tests.adapters.test_memory_receiver import MemoryReceiverEnvironment
from tests.adapters.test_memory_workflow import MemoryEngine
from tests.contracts.chat_contract import ChatContract
from tests.contracts.chat_environment import ChatEnvironment
from tests.contracts.receiver_contract import (
    AcknowledgementContract,
    AcknowledgingEnvironment,
    ReceiverContract,
    next_event,
)
from tests.contracts.workflow_contract import DEFINITION, NOON, Engine, WorkflowContract, received_message

if TYPE_CHECKING:
    from domain.json_values import JsonObject

NOW = datetime(2026, 1, 1, tzinfo=UTC)


P = TypeVar("P")


def unchanged(value: object) -> object:
    return value


def new_recorder(path: Path, redact: Callable[[object], object] = unchanged) -> Recorder:
    return Recorder(path, redact, ManualClock(NOW))


def recorded(port: P, recorder: Recorder) -> P:
    return intercepted(port, RecordingPolicy(recorder))


async def read_entries(path: Path, recorder: Recorder) -> list[entries.Entry]:
    """Returns the entries written so far."""
    async with recorder.open():
        pass
    return [load_entry(line) for line in path.read_bytes().splitlines()]


class TestRecordedChat(ChatContract):
    @pytest.fixture
    def environment(self, tmp_path: Path) -> ChatEnvironment:
        environment = MemoryChatEnvironment()
        environment.chat = recorded(environment.chat, new_recorder(tmp_path / "record.jsonl"))
        return environment


class _RecordedReceiver(ObservedReceiver):
    """Also passes on the methods that the test environment calls on behalf of users."""

    def __init__(self, receiver: MemoryReceiver, recorder: Recorder) -> None:
        super().__init__(receiver, RecordingPolicy(recorder).record_event)
        self._memory = receiver

    def __getattr__(self, name: str) -> Any:
        return getattr(self._memory, name)


class TestRecordedReceiver(ReceiverContract, AcknowledgementContract):
    @pytest.fixture
    def environment(self, tmp_path: Path) -> AcknowledgingEnvironment:
        environment = MemoryReceiverEnvironment()
        receiver = _RecordedReceiver(environment.receiver, new_recorder(tmp_path / "record.jsonl"))
        environment.receiver = cast("MemoryReceiver", receiver)
        return environment


class TestRecordedWorkflow(WorkflowContract):
    @pytest.fixture
    def inner(self) -> MemoryWorkflow:
        return MemoryWorkflow()

    @pytest.fixture
    def workflow(self, inner: MemoryWorkflow, tmp_path: Path) -> Workflow:
        return recorded(inner, new_recorder(tmp_path / "record.jsonl"))

    @pytest.fixture
    def engine(self, inner: MemoryWorkflow) -> Engine:
        return MemoryEngine(inner)


async def test_messages_and_membership_changes_are_read_entries(tmp_path: Path) -> None:
    environment, recorder = MemoryReceiverEnvironment(), new_recorder(tmp_path / "record.jsonl")

    async with _RecordedReceiver(environment.receiver, recorder).events() as arrivals:
        timestamp = environment.say("hello", thread="1.1")
        environment.invite(environment.open_other_channel())
        for _ in range(3):
            await next_event(arrivals)

    assert await read_entries(tmp_path / "record.jsonl", recorder) == [
        entries.MessageReceived(
            at=NOW, channel_id="C1", timestamp=timestamp, text="hello", user_id="U1", bot_id="",
            thread_timestamp="1.1", is_direct=False,
        ),
        entries.MembershipChanged(at=NOW, channel_id="C2", is_member=True),
    ]  # fmt: skip


async def test_other_events_are_recorded_without_capabilities(tmp_path: Path) -> None:
    environment, recorder = MemoryReceiverEnvironment(), new_recorder(tmp_path / "record.jsonl")
    submission = ViewEvent(
        user_id="U1",
        is_submitted=True,
        view_id="V1",
        state={"b": {"a": ["x", "y"]}},
        trigger_id="12.34.abc",
        response_urls=({"blockId": "b", "responseUrl": "https://hooks.slack.com/x"},),
    )
    reaction = Reaction(channel_id=ChannelId("C1"), user_id="U1", reaction="eyes", timestamp="1.2", event_timestamp="3")

    async with _RecordedReceiver(environment.receiver, recorder).events() as arrivals:
        environment.receiver.deliver(submission)
        environment.receiver.deliver(reaction)
        for _ in range(3):
            await next_event(arrivals)

    submitted, reacted = await read_entries(tmp_path / "record.jsonl", recorder)
    assert isinstance(submitted, entries.EventReceived)
    assert isinstance(reacted, entries.EventReceived)
    assert isinstance(submitted.content, dict)
    assert isinstance(reacted.content, dict)
    assert (submitted.event, reacted.event) == ("ReceivedViewSubmission", "ReactionAdded")
    assert submitted.content["state"] == {"b": {"a": ["x", "y"]}}
    assert submitted.content["trigger_id"] == "(hidden)"
    assert submitted.content["response_urls"] == [{"blockId": "b", "responseUrl": "(hidden)"}]
    assert (reacted.content["reaction"], reacted.content["is_added"]) == ("eyes", True)


async def test_calls_to_slack_are_recorded_with_their_results(tmp_path: Path) -> None:
    memory, recorder = MemoryChat(ManualClock(NOW)), new_recorder(tmp_path / "record.jsonl")
    chat, channel_id = recorded(memory, recorder), memory.add_channel("C1")
    memory.add_user(User("U1", "Ann", "ann@example.com", "boss", "Ann", "Lee"))

    await chat.identify()
    await chat.look_up("U1")
    await chat.join(channel_id)
    receipt = await chat.post(OutgoingMessage(channel_id, "hello", "1.1"), None)
    await chat.leave(channel_id)
    for failing in (
        chat.post(RichMessage({"channel": "C1", "text": "x", "token": "xoxb-1"}), None),
        chat.join(ChannelId("C9")),
        chat.leave(ChannelId("C9")),
    ):
        with suppress(ChatRejected):
            await failing

    fields: JsonObject = {"channel": "C1", "text": "hello", "thread_ts": "1.1"}
    no_member = "not_in_channel: the bot is not a member of C1; send JoinChannel first, or /invite the bot"
    no_channel = "channel_not_found: there is no channel C9; check the id"
    assert await read_entries(tmp_path / "record.jsonl", recorder) == [
        entries.Identified(at=NOW, user_id="UFLYTE", bot_id="BFLYTE"),
        entries.UserLookedUp(at=NOW, user_id="U1", name="Ann", title="boss", first_name="Ann", last_name="Lee"),
        entries.JoinRequested(at=NOW, channel_id="C1", error=""),
        entries.MessagePosted(at=NOW, channel_id="C1", fields=fields, timestamp=receipt.timestamp, error=""),
        entries.LeaveRequested(at=NOW, channel_id="C1", error=""),
        entries.MessagePosted(
            at=NOW, channel_id="C1", fields={"channel": "C1", "text": "x"}, timestamp="", error=no_member
        ),
        entries.JoinRequested(at=NOW, channel_id="C9", error=no_channel),
        entries.LeaveRequested(at=NOW, channel_id="C9", error=no_channel),
    ]


async def test_other_requests_to_slack_are_recorded_with_their_arguments(tmp_path: Path) -> None:
    memory, recorder = MemoryChat(ManualClock(NOW)), new_recorder(tmp_path / "record.jsonl")
    chat, channel_id = recorded(memory, recorder), memory.add_channel("C1", has_bot=True)
    timestamp = memory.say(channel_id, "deployed").timestamp

    await chat.add_reaction(channel_id, timestamp, "tada")
    await chat.permalink(channel_id, timestamp)
    for failing in (
        chat.schedule(channel_id, NOW, {"text": "x"}),
        chat.update_view({"type": "modal"}, view_id="V9", external_id="", view_hash=""),
    ):
        with suppress(ChatRejected):
            await failing

    reaction: JsonObject = {"channel_id": "C1", "timestamp": timestamp, "reaction": "tada"}
    message: JsonObject = {"channel_id": "C1", "post_at": "2026-01-01T00:00:00+00:00", "fields": {"text": "x"}}
    view: JsonObject = {"view": {"type": "modal"}, "view_id": "V9", "external_id": "", "view_hash": ""}
    past = "time_in_past: the time to post is over; give a later one"
    closed = "not_found: there is no such view any more; open a new one"
    assert await read_entries(tmp_path / "record.jsonl", recorder) == [
        entries.ChatRequested(at=NOW, request="add_reaction", fields=reaction, error=""),
        entries.ChatRequested(at=NOW, request="schedule", fields=message, error=past),
        entries.ChatRequested(at=NOW, request="update_view", fields=view, error=closed),
    ]


async def test_capabilities_are_not_recorded(tmp_path: Path) -> None:
    path = tmp_path / "record.jsonl"
    chat_side, flyte_side, recorder = MemoryChat(ManualClock(NOW)), MemoryWorkflow(), new_recorder(path)
    chat, workflow = recorded(chat_side, recorder), recorded(flyte_side, recorder)
    chat_side.add_channel("C1")
    trigger_id, response_url = chat_side.new_trigger(), chat_side.new_response_url("C1")
    command = ChatCommand("OpenModal", {"triggerId": trigger_id, "view": {}})

    await chat.open_view(trigger_id, {"type": "modal"})
    await chat.respond(response_url, {"text": "on it"})
    await workflow.register(DEFINITION)
    flyte_side.enqueue(command)
    action = await workflow.take()
    assert action is not None
    await workflow.complete(action.id, CommandOutcome("ModalOpened", command.input), NOON)

    assert len(await read_entries(path, recorder)) == 5
    assert not [secret for secret in (trigger_id, response_url) if secret in path.read_text()]


async def test_calls_to_flyte_are_recorded_with_their_results(tmp_path: Path) -> None:
    memory, recorder = MemoryWorkflow(), new_recorder(tmp_path / "record.jsonl")
    workflow = recorded(memory, recorder)
    hello = OutgoingMessage(ChannelId("C1"), "hello")

    with suppress(PackNotRegistered):
        await workflow.publish(received_message("1.1"), NOON)
    await workflow.register(DEFINITION)
    memory.enqueue(SendMessage(hello))
    action = await workflow.take()
    assert action is not None
    await workflow.complete(action.id, MessageSent(hello, Receipt(hello.channel_id, "2.2")), NOON)

    event, registered, taken, answered = await read_entries(tmp_path / "record.jsonl", recorder)
    assert isinstance(event, entries.EventPublished)
    assert (event.event, event.error) == ("ReceivedMessage", "the pack is not registered")
    assert registered == entries.Registered(at=NOW, pack="Slack", labels={"env": "test", "region": "eu"})
    command_input: JsonObject = {"message": "hello", "channelId": "C1", "threadTimestamp": ""}
    assert taken == entries.ActionTaken(at=NOW, action=action.id, command="SendMessage", input=command_input)
    assert answered == entries.ActionCompleted(
        at=NOW, action=action.id, event="MessageSent", payload={**command_input, "timestamp": "2.2"}, error=""
    )


async def test_a_line_is_json_with_its_time_direction_and_kind(tmp_path: Path) -> None:
    recorder = new_recorder(tmp_path / "record.jsonl")
    recorder.write(entries.JoinRequested(at=datetime(2026, 1, 5, 9, 0, 0, 5000, UTC), channel_id="C1", error=""))

    async with recorder.open():
        pass

    assert json.loads((tmp_path / "record.jsonl").read_text()) == {
        "at": "2026-01-05T09:00:00.005000+00:00",
        "way": "pack -> slack",
        "kind": "joined",
        "channel_id": "C1",
        "error": "",
    }


async def test_a_recording_is_private_and_appended_to(tmp_path: Path) -> None:
    path = tmp_path / "record.jsonl"
    path.write_text('{"at": "first"}\n')
    path.chmod(0o644)
    recorder = new_recorder(path)
    recorder.write(entries.JoinRequested(at=NOW, channel_id="C1", error=""))

    async with recorder.open():
        pass

    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert path.read_text().startswith('{"at": "first"}\n{')


async def test_redacted_text_is_not_in_the_file(tmp_path: Path) -> None:
    path = tmp_path / "record.jsonl"
    recorder = new_recorder(path, lambda value: {**cast("dict[str, object]", value), "channel_id": "***"})
    recorder.write(entries.JoinRequested(at=NOW, channel_id="C1", error=""))

    async with recorder.open():
        pass

    assert "C1" not in path.read_text()


@pytest.mark.parametrize("kind", ["link", "folder", "pipe", "folder that is not there"])
async def test_anything_but_a_regular_file_is_refused(kind: str, tmp_path: Path) -> None:
    path = tmp_path / "record.jsonl"
    if kind == "link":
        path.symlink_to(tmp_path / "elsewhere")
    elif kind == "folder":
        path.mkdir()
    elif kind == "pipe":
        os.mkfifo(path)
    else:
        path = tmp_path / "none" / "record.jsonl"

    with pytest.raises(StorageUnusable, match=r"^FLYTE_SLACK_RECORD: "):
        async with new_recorder(path).open():
            pass


async def test_nothing_is_appended_to_a_file_of_another_kind(tmp_path: Path) -> None:
    path = tmp_path / "flow.yaml"
    path.write_text("name: hello\n")
    path.chmod(0o644)

    with pytest.raises(StorageUnusable, match="not a recording, but a file of another kind"):
        async with new_recorder(path).open():
            pass

    assert path.read_text() == "name: hello\n"
    assert stat.S_IMODE(path.stat().st_mode) == 0o644


@pytest.mark.filterwarnings("error::pytest.PytestUnhandledThreadExceptionWarning")
async def test_a_write_error_ends_the_recording_and_nothing_else(tmp_path: Path) -> None:
    recorder = new_recorder(tmp_path / "record.jsonl")
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100, limits[1]))
    try:
        with capture_logs() as logged:
            async with recorder.open():
                for _ in range(3):
                    recorder.write(entries.JoinRequested(at=NOW, channel_id="C1", error=""))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)

    assert (tmp_path / "record.jsonl").stat().st_size == 100
    assert [(line["event"], line["reason"]) for line in logged] == [("record_incomplete", "File too large")]


_times = st.datetimes(timezones=st.just(UTC))
_every_entry = st.one_of(
    st.builds(entries.Registered, at=_times, pack=texts, labels=st.dictionaries(texts, texts, max_size=2)),
    st.builds(entries.Identified, at=_times, user_id=texts, bot_id=texts),
    st.builds(
        entries.MessageReceived, at=_times, channel_id=texts, timestamp=texts, text=texts, user_id=texts, bot_id=texts,
        thread_timestamp=texts, is_direct=st.booleans(),
    ),
    st.builds(entries.MembershipChanged, at=_times, channel_id=texts, is_member=st.booleans()),
    st.builds(
        entries.UserLookedUp, at=_times, user_id=texts, name=texts, title=texts, first_name=texts, last_name=texts
    ),
    st.builds(entries.EventPublished, at=_times, event=texts, payload=json_values, error=texts),
    st.builds(entries.ActionTaken, at=_times, action=texts, command=texts, input=json_values),
    st.builds(entries.ActionCompleted, at=_times, action=texts, event=texts, payload=json_values, error=texts),
    st.builds(entries.MessagePosted, at=_times, channel_id=texts, fields=json_objects, timestamp=texts, error=texts),
    st.builds(entries.JoinRequested, at=_times, channel_id=texts, error=texts),
    st.builds(entries.LeaveRequested, at=_times, channel_id=texts, error=texts),
    st.builds(entries.ChatRequested, at=_times, request=texts, fields=json_objects, error=texts),
)  # fmt: skip


@given(_every_entry)
def test_every_entry_is_read_back_unchanged(entry: entries.Entry) -> None:
    assert load_entry(json.dumps(dump_entry(entry))) == entry


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("[]", "this is not a line of a recording"),
        ("name: hello", "this is not a line of a recording"),
        ("{", "Expecting"),
        ('{"kind": "sung"}', "this is not a line of a recording"),
        ('{"kind": "joined", "at": "now", "channel_id": "C1", "error": ""}', "of the kind 'joined' is invalid in at"),
        ('{"kind": "left", "at": "2026-01-05T09:00:00Z", "channel_id": "C1"}', "'left' is invalid in error"),
    ],
)  # fmt: skip
def test_an_invalid_line_is_refused_with_a_reason(line: str, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        load_entry(line)
