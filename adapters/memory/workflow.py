"""A workflow engine within the process, which forgets everything at exit: for tests and offline simulation."""

import asyncio
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime, timedelta
from itertools import count

from adapters.system_clock import SYSTEM_CLOCK
from application.ports.clock import Clock
from application.ports.workflow import Completion, OpenActions, PackDefinition
from domain.actions import Action, ActionId
from domain.commands import Command
from domain.errors import PackNotRegistered, WorkflowServerError
from domain.events import Event, Outcome, PackEvent, ReceivedMessage
from domain.messages import IncomingMessage
from domain.outbox import OutboxEntry


class MemoryWorkflow:
    """Implements Workflow, with the engine's other side: `on_event` stands for the flows.

    It is called with every event and every outcome, and returns the commands that follow.
    """

    def __init__(
        self, on_event: Callable[[Event], Iterable[Command]] = lambda _event: (), clock: Clock = SYSTEM_CLOCK
    ) -> None:
        self._on_event = on_event
        self._clock = clock
        self._ids = count(1)
        self._waiting: deque[Action] = deque()
        self._taken: dict[ActionId, Action] = {}
        self._taken_at: dict[ActionId, datetime] = {}
        self._recorded_as_waiting: list[ActionId] = []
        self._recorded_as_old: list[ActionId] = []
        self._changed = asyncio.Event()
        self.pack: PackDefinition | None = None
        """The registered pack; None before the registration, and after `forget_pack`."""
        self.outcomes: dict[ActionId, tuple[Outcome, datetime]] = {}
        """The outcome of each completed action with its `at`, in the order of completion."""
        self.published: list[tuple[PackEvent, datetime]] = []
        """The events with their `at`, in order."""
        self.clock_offset_seconds = 0.0
        """How far the engine's clock is ahead of the pack's."""

    @property
    def published_messages(self) -> list[IncomingMessage]:
        """The messages among the events, in order."""
        return [event.message for event, _ in self.published if isinstance(event, ReceivedMessage)]

    def enqueue(self, command: Command) -> ActionId:
        """Adds an action for the pack to take."""
        action = Action(ActionId(f"action-{next(self._ids)}"), command)
        self._waiting.append(action)
        self._changed.set()
        return action.id

    def give_out_again(self, action_id: ActionId) -> None:
        """Lets a taken action be taken once more."""
        self._waiting.append(self._taken[action_id])

    def record_as_waiting(self, action_id: ActionId) -> None:
        """Leaves the record of a taken action out of date permanently, as if it had not been taken."""
        self._recorded_as_waiting.append(action_id)

    def record_as_old(self, action_id: ActionId) -> None:
        """Lets the record of an action be so old that only a search since it was taken finds it."""
        self._recorded_as_old.append(action_id)

    def forget_pack(self) -> None:
        """Forgets the pack until it registers again."""
        self.pack = None

    async def until(self, condition: Callable[[], bool], seconds: float = 5.0) -> None:
        """Returns when the condition holds, which is checked after every change. Raises TimeoutError."""
        async with asyncio.timeout(seconds):
            while not condition():
                self._changed.clear()
                await self._changed.wait()

    def now(self) -> datetime:
        return self._clock.now() + timedelta(seconds=self.clock_offset_seconds)

    async def register(self, definition: PackDefinition) -> None:
        self.pack = definition
        self._changed.set()

    async def take(self) -> Action | None:
        self._require_pack()
        if not self._waiting:
            return None
        action = self._waiting.popleft()
        self._taken[action.id], self._taken_at[action.id] = action, self.now()
        self._changed.set()
        return action

    async def complete(
        self, action_id: ActionId, outcome: Outcome, at: datetime, *, trace_parent: str | None = None
    ) -> None:
        del trace_parent
        self._require_pack()
        if action_id not in self._taken:
            raise PackNotRegistered(f"there is no action {action_id}")
        if action_id in self.outcomes:
            raise WorkflowServerError(f"the action {action_id} is complete already")
        self.outcomes[action_id] = (outcome, at)
        self._run_flows(outcome)

    async def publish(self, event: PackEvent, at: datetime, *, trace_parent: str | None = None) -> None:
        del trace_parent
        self._require_pack()
        self.published.append((event, at))
        self._run_flows(event)

    async def completion_of(self, action_id: ActionId, since: datetime | None = None) -> Completion:
        self._require_pack()
        if action_id not in self._taken or (action_id in self._recorded_as_old and since is None):
            return Completion.UNKNOWN
        if action_id in self._recorded_as_waiting:
            return Completion.CONTRADICTORY
        return Completion.RECEIVED if action_id in self.outcomes else Completion.MISSING

    async def were_published(self, entries: Sequence[OutboxEntry]) -> list[bool]:
        self._require_pack()
        known = {(event.event.key, at) for event, at in self.published}
        return [(entry.key, entry.received_at) in known for entry in entries]

    async def open_actions(self, since: datetime) -> OpenActions:
        self._require_pack()
        stale = self._recorded_as_waiting
        recorded = [action for action in self._taken.values() if action.id not in stale]
        taken = [one for one in recorded if one.id not in self.outcomes and self._taken_at[one.id] >= since]
        return OpenActions(taken, [*self._waiting, *(self._taken[action_id] for action_id in stale)])

    def _require_pack(self) -> None:
        if self.pack is None:
            raise PackNotRegistered("the pack is not registered")

    def _run_flows(self, event: Event) -> None:
        for command in self._on_event(event):
            self.enqueue(command)
        self._changed.set()
