"""The contract of every Workflow."""

from abc import ABC, abstractmethod
from datetime import UTC, datetime, timedelta
from typing import Protocol

import pytest

from adapters.serialization.event_payloads import event_name, event_payload
from application.catalog.events import event_spec
from application.ports.workflow import CommandDefinition, Completion, OpenActions, PackDefinition, Workflow
from domain.actions import Action, ActionId
from domain.channels import ChannelId
from domain.commands import Broadcast, Command, JoinChannel, LeaveChannel, SendMessage, SendRichMessage, UnknownCommand
from domain.errors import PackNotRegistered, WorkflowServerError
from domain.events import (
    BroadcastFailed,
    BroadcastSent,
    ChannelFailure,
    ChannelJoined,
    ChannelLeft,
    Fatal,
    JoinChannelFailed,
    LeaveChannelFailed,
    MessageSent,
    Outcome,
    ReceivedEvent,
    ReceivedMessage,
    RichMessageSent,
    SendMessageFailed,
    SendRichMessageFailed,
)
from domain.interactions import Activity
from domain.json_values import Json
from domain.messages import IncomingMessage, OutgoingMessage, Receipt, RichMessage
from domain.outbox import outbox_entry
from domain.users import User
from tests.support.activities import activities

DEFINITION = PackDefinition(
    "Slack",
    {"env": "test", "region": "eu"},
    (
        CommandDefinition("SendMessage", ("MessageSent", "SendMessageFailed")),
        CommandDefinition("Broadcast", ("BroadcastSent",)),
    ),
    ("MessageSent", "SendMessageFailed", "BroadcastSent", "ReceivedMessage"),
)
LONG_AGO = datetime(2000, 1, 1, tzinfo=UTC)
NOON = datetime(2024, 5, 17, 12, 0, 0, 123_000, tzinfo=UTC)
C1 = ChannelId("C1")
HELLO = OutgoingMessage(C1, "hello", "1.1")
RICH: dict[str, Json] = {"channel": "C1", "blocks": [{"type": "divider"}], "new": None}

COMMANDS: list[Command] = [
    SendMessage(HELLO),
    SendMessage(OutgoingMessage(ChannelId(""), "")),
    SendRichMessage(RichMessage(RICH)),
    Broadcast("hello, wörld 😀\n"),
    JoinChannel(C1),
    LeaveChannel(C1),
    UnknownCommand("Shout"),
]
OUTCOMES: list[Outcome] = [
    MessageSent(HELLO, Receipt(C1, "2.2")),
    SendMessageFailed(HELLO, "not_in_channel: join it"),
    RichMessageSent(RICH, Receipt(C1, "2.2", in_doubt=True)),
    SendRichMessageFailed(RICH, "no_text: add text"),
    BroadcastSent("hello, wörld 😀\n", (C1,)),
    BroadcastFailed("hello", "C1: is_archived", (), (ChannelFailure(C1, "is_archived: it is"),)),
    ChannelJoined(C1),
    JoinChannelFailed(C1, "e"),
    ChannelLeft(C1),
    LeaveChannelFailed(C1, "e"),
    Fatal("internal error (1)"),
]


def received_message(timestamp: str, text: str = "hello") -> ReceivedMessage:
    """Returns the event of a message with this timestamp."""
    return ReceivedMessage(IncomingMessage(C1, timestamp, text, user_id="U1"), User("U1", "ann"))


EngineEvent = tuple[str, Json, datetime]
"""The name, the payload and the time of an event that the engine received."""


class Engine(Protocol):
    """The engine as flows see it."""

    def enqueue(self, command: Command) -> None:
        """Queues an action for the pack `DEFINITION`."""

    def forget_pack(self) -> None:
        """Drops the registration of every pack."""

    def unknown_action_id(self, like: ActionId) -> ActionId:
        """Returns the id of an action that does not exist, in the format of an existing one."""

    def results(self) -> list[EngineEvent]:
        """Returns the results of actions in the order they were reported."""

    def events(self) -> list[EngineEvent]:
        """Returns the published events in order. Each causes an action of another pack."""

    def shift_clock(self, seconds: float) -> None:
        """Sets the engine's clock ahead of the pack's."""

    async def wait_until_processed(self) -> None:
        """Waits until all events are processed."""


class WorkflowContract(ABC):
    """Subclasses provide the fixtures `workflow`, open and not registered, and `engine`, the other side of it."""

    @abstractmethod
    @pytest.fixture
    def workflow(self) -> Workflow:
        """The implementation under test."""

    @abstractmethod
    @pytest.fixture
    def engine(self) -> Engine:
        """The same engine as flows see it."""

    async def test_every_request_of_an_unregistered_pack_is_refused(self, workflow: Workflow) -> None:
        with pytest.raises(PackNotRegistered):
            await workflow.take()
        with pytest.raises(PackNotRegistered):
            await workflow.publish(received_message("1.1"), NOON)
        with pytest.raises(PackNotRegistered):
            await workflow.complete(ActionId("http://localhost/actions/1/result"), Fatal("x"), NOON)
        with pytest.raises(PackNotRegistered):
            await workflow.open_actions(LONG_AGO)

    async def test_registering_twice_is_allowed(self, workflow: Workflow, engine: Engine) -> None:
        await workflow.register(DEFINITION)
        engine.enqueue(Broadcast("hello"))
        await workflow.register(DEFINITION)
        action = await workflow.take()
        assert action is not None
        assert action.command == Broadcast("hello")

    async def test_taking_returns_none_when_no_action_waits(self, workflow: Workflow) -> None:
        await workflow.register(DEFINITION)
        assert await workflow.take() is None

    async def test_a_forgotten_pack_is_refused_until_it_registers_again(
        self, workflow: Workflow, engine: Engine
    ) -> None:
        await workflow.register(DEFINITION)
        engine.forget_pack()
        with pytest.raises(PackNotRegistered):
            await workflow.take()
        with pytest.raises(PackNotRegistered):
            await workflow.publish(received_message("1.1"), NOON)
        await workflow.register(DEFINITION)
        assert await workflow.take() is None

    @pytest.mark.parametrize("command", COMMANDS)
    async def test_every_command_is_received_unchanged(
        self, workflow: Workflow, engine: Engine, command: Command
    ) -> None:
        await workflow.register(DEFINITION)
        engine.enqueue(command)
        assert (await self._taken(workflow)).command == command

    async def test_actions_are_taken_once_and_in_order(self, workflow: Workflow, engine: Engine) -> None:
        await workflow.register(DEFINITION)
        for number in range(3):
            engine.enqueue(Broadcast(str(number)))
        taken = [await self._taken(workflow) for _ in range(3)]
        assert [action.command for action in taken] == [Broadcast("0"), Broadcast("1"), Broadcast("2")]
        assert len({action.id for action in taken}) == 3
        assert await workflow.take() is None

    @pytest.mark.parametrize("outcome", OUTCOMES)
    async def test_every_outcome_reaches_the_engine(self, workflow: Workflow, engine: Engine, outcome: Outcome) -> None:
        await workflow.register(DEFINITION)
        engine.enqueue(Broadcast("hello"))
        await workflow.complete((await self._taken(workflow)).id, outcome, NOON)
        assert engine.results() == [(event_name(outcome), event_payload(outcome), NOON)]

    async def test_a_completed_action_cannot_be_completed_again(self, workflow: Workflow, engine: Engine) -> None:
        await workflow.register(DEFINITION)
        engine.enqueue(Broadcast("hello"))
        action = await self._taken(workflow)
        await workflow.complete(action.id, BroadcastSent("hello", (C1,)), NOON)
        with pytest.raises(WorkflowServerError):
            await workflow.complete(action.id, Fatal("again"), NOON)
        assert len(engine.results()) == 1

    async def test_a_taken_action_survives_a_new_registration(self, workflow: Workflow, engine: Engine) -> None:
        await workflow.register(DEFINITION)
        engine.enqueue(Broadcast("hello"))
        action = await self._taken(workflow)
        engine.forget_pack()
        await workflow.register(DEFINITION)
        await workflow.complete(action.id, BroadcastSent("hello", ()), NOON)
        assert len(engine.results()) == 1

    async def test_events_arrive_in_order_and_as_often_as_they_are_published(
        self, workflow: Workflow, engine: Engine
    ) -> None:
        await workflow.register(DEFINITION)
        sequence = [received_message("1.1", "wörld 😀"), received_message("1.2"), received_message("1.2")]
        for event in sequence:
            await workflow.publish(event, NOON)
        assert engine.events() == [("ReceivedMessage", event_payload(event), NOON) for event in sequence]

    async def test_the_engine_knows_which_actions_are_completed(self, workflow: Workflow, engine: Engine) -> None:
        await workflow.register(DEFINITION)
        for number in range(2):
            engine.enqueue(Broadcast(str(number)))
        first, second = await self._taken(workflow), await self._taken(workflow)
        await workflow.complete(first.id, Fatal("x"), NOON)
        assert await workflow.completion_of(first.id) is Completion.RECEIVED
        assert await workflow.completion_of(second.id) is Completion.MISSING

    async def test_a_search_since_an_action_was_taken_finds_whether_it_is_completed(
        self, workflow: Workflow, engine: Engine
    ) -> None:
        await workflow.register(DEFINITION)
        for number in range(2):
            engine.enqueue(Broadcast(str(number)))
        since = workflow.now()
        first, second = await self._taken(workflow), await self._taken(workflow)
        await workflow.complete(first.id, Fatal("x"), NOON)
        assert await workflow.completion_of(first.id, since) is Completion.RECEIVED
        assert await workflow.completion_of(second.id, since) is Completion.MISSING
        assert await workflow.completion_of(engine.unknown_action_id(like=first.id), since) is Completion.UNKNOWN

    async def test_the_completion_of_an_unknown_action_is_unknown(self, workflow: Workflow, engine: Engine) -> None:
        await workflow.register(DEFINITION)
        engine.enqueue(Broadcast("hello"))
        action = await self._taken(workflow)
        unknown = engine.unknown_action_id(like=action.id)
        assert await workflow.completion_of(unknown) is Completion.UNKNOWN
        with pytest.raises(PackNotRegistered):
            await workflow.complete(unknown, Fatal("x"), NOON)

    async def test_the_time_is_the_engine_s(self, workflow: Workflow, engine: Engine) -> None:
        engine.shift_clock(-90)
        await workflow.register(DEFINITION)
        assert abs(datetime.now(UTC) - workflow.now() - timedelta(seconds=90)) < timedelta(seconds=5)

    async def test_the_engine_knows_which_messages_were_published(self, workflow: Workflow, engine: Engine) -> None:
        await workflow.register(DEFINITION)
        for timestamp in ("1.1", "1.2"):
            await workflow.publish(received_message(timestamp), NOON)
        await engine.wait_until_processed()
        entries = [outbox_entry(received_message(timestamp).message, NOON) for timestamp in ("1.2", "1.3", "1.1")]
        assert await workflow.were_published(entries) == [True, False, True]

    @pytest.mark.parametrize("event", activities(), ids=lambda event: event_spec(event).name)
    async def test_the_engine_knows_which_events_of_any_kind_were_published(
        self, workflow: Workflow, engine: Engine, event: Activity
    ) -> None:
        await workflow.register(DEFINITION)
        await workflow.publish(ReceivedEvent(event, User(event.user_id, "ann")), NOON)
        await engine.wait_until_processed()
        others = [other for other in activities(2) if event_spec(other) is event_spec(event)]
        entries = [outbox_entry(each, NOON) for each in (*others, event)]
        assert await workflow.were_published(entries) == [*(False for _ in others), True]

    async def test_the_same_message_with_another_time_counts_as_another(
        self, workflow: Workflow, engine: Engine
    ) -> None:
        await workflow.register(DEFINITION)
        await workflow.publish(received_message("1.1"), NOON)
        await engine.wait_until_processed()
        later = NOON + timedelta(milliseconds=1)
        assert await workflow.were_published([outbox_entry(received_message("1.1").message, later)]) == [False]

    async def test_asking_about_no_messages_returns_no_results(self, workflow: Workflow) -> None:
        await workflow.register(DEFINITION)
        assert await workflow.were_published([]) == []

    async def test_the_engine_lists_the_actions_without_an_outcome(self, workflow: Workflow, engine: Engine) -> None:
        await workflow.register(DEFINITION)
        for number in range(3):
            engine.enqueue(Broadcast(str(number)))
        answered, open_one = await self._taken(workflow), await self._taken(workflow)
        await workflow.complete(answered.id, Fatal("x"), NOON)
        found = await workflow.open_actions(LONG_AGO)
        assert found.taken == [open_one]
        assert [action.command for action in found.waiting] == [Broadcast("2")]

    async def test_an_action_that_is_listed_as_taken_can_be_completed(self, workflow: Workflow, engine: Engine) -> None:
        await workflow.register(DEFINITION)
        engine.enqueue(Broadcast("hello"))
        await workflow.take()
        [action] = (await workflow.open_actions(LONG_AGO)).taken
        await workflow.complete(action.id, BroadcastSent("hello", ()), NOON)
        assert await workflow.open_actions(LONG_AGO) == OpenActions([], [])
        assert len(engine.results()) == 1

    async def _taken(self, workflow: Workflow) -> Action:
        action = await workflow.take()
        assert action is not None
        return action
