"""A workflow engine in the process itself, which forgets at exit: for tests, and for simulating without a network."""

import asyncio
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from itertools import count

from application.ports.workflow import PackDefinition
from domain.actions import Action, ActionId
from domain.commands import Command
from domain.errors import PackNotRegistered, WorkflowServerError
from domain.events import Event, Outcome, ReceivedMessage
from domain.messages import IncomingMessage


def _no_flows(_event: Event) -> Iterable[Command]:
    return ()


class MemoryWorkflow:
    """The engine, with the other side of it: what flows and people would do.

    `on_event` stands for the flows: it is told of every event and every outcome, and says which commands follow.
    """

    def __init__(self, on_event: Callable[[Event], Iterable[Command]] = _no_flows) -> None:
        self._on_event = on_event
        self._ids = count(1)
        self._waiting: deque[Action] = deque()
        self._given_out: dict[ActionId, Action] = {}
        self._changed = asyncio.Event()
        self.pack: PackDefinition | None = None
        """The pack as it registered; None when it did not, or was forgotten."""
        self.answers: dict[ActionId, tuple[Outcome, datetime]] = {}
        """The outcome of each action that was answered, with its `at`, in the order of the answers."""
        self.published: list[tuple[ReceivedMessage, datetime]] = []
        """The events, each with its `at`, in the order in which they came."""

    def enqueue(self, command: Command) -> ActionId:
        """Let an action wait for the pack."""
        action = Action(ActionId(f"action-{next(self._ids)}"), command)
        self._waiting.append(action)
        self._changed.set()
        return action.id

    def forget_pack(self) -> None:
        """Know the pack no more, until it registers again."""
        self.pack = None

    async def until(self, condition: Callable[[], bool], seconds: float = 5.0) -> None:
        """Return when the condition holds; it is asked after every change. TimeoutError after so many seconds."""
        async with asyncio.timeout(seconds):
            while not condition():
                self._changed.clear()
                await self._changed.wait()

    async def register(self, offer: PackDefinition) -> None:
        """See the port."""
        self.pack = offer
        self._changed.set()

    async def take(self) -> Action | None:
        """See the port."""
        self._need_pack()
        if not self._waiting:
            return None
        action = self._waiting.popleft()
        self._given_out[action.id] = action
        self._changed.set()
        return action

    async def complete(self, action_id: ActionId, outcome: Outcome, at: datetime) -> None:
        """See the port."""
        self._need_pack()
        if action_id not in self._given_out:
            raise PackNotRegistered(f"there is no action {action_id}")
        if action_id in self.answers:
            raise WorkflowServerError(f"the action {action_id} has an answer already")
        self.answers[action_id] = (outcome, at)
        self._run_flows(outcome)

    async def publish(self, event: ReceivedMessage, at: datetime) -> None:
        """See the port."""
        self._need_pack()
        self.published.append((event, at))
        self._run_flows(event)

    async def is_completed(self, action_id: ActionId) -> bool | None:
        """See the port."""
        self._need_pack()
        return action_id in self.answers if action_id in self._given_out else None

    async def were_published(self, messages: Sequence[tuple[IncomingMessage, datetime]]) -> list[bool]:
        """See the port."""
        self._need_pack()
        known = {(event.said.key, at) for event, at in self.published}
        return [(said.key, at) in known for said, at in messages]

    async def pending_actions(self, since: datetime) -> list[Action]:  # noqa: ARG002 - it keeps no times
        """See the port."""
        self._need_pack()
        return [action for action in self._given_out.values() if action.id not in self.answers]

    def _need_pack(self) -> None:
        if self.pack is None:
            raise PackNotRegistered("the pack is not registered")

    def _run_flows(self, event: Event) -> None:
        for command in self._on_event(event):
            self.enqueue(command)
        self._changed.set()
