"""Random faults, kills and restarts: every message is published once, and every action executed once."""

import asyncio
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from adapters.memory.clock import run_in_virtual_time
from domain.channels import ChannelId
from domain.commands import SendMessage
from domain.errors import (
    ActionTakenElsewhere,
    InDoubt,
    RateLimited,
    StorageUnavailable,
    Unreachable,
    WorkflowInDoubt,
    WorkflowServerError,
    WorkflowUnreachable,
)
from domain.events import MessageSent
from domain.messages import OutgoingMessage
from tests.support.environment import World

if TYPE_CHECKING:
    from domain.actions import ActionId

BROKEN = StorageUnavailable("disk full")
DOWN = WorkflowUnreachable("connection refused")
LOST = WorkflowInDoubt("connection reset")
NO_ANSWER = Unreachable("timeout", "no answer")
DOUBT = InDoubt("internal_error", "who knows")

_BEFORE: dict[str, tuple[Exception, ...]] = {
    "post": (NO_ANSWER, DOUBT, RateLimited(3)),
    "find_posted": (NO_ANSWER, RateLimited(3)),
    "history": (NO_ANSWER, RateLimited(3)),
    "look_up": (NO_ANSWER, RateLimited(3)),
    "take": (DOWN, LOST, ActionTakenElsewhere("lost"), WorkflowServerError("500")),
    "complete": (DOWN, LOST, WorkflowServerError("500")),
    "publish": (DOWN, LOST, WorkflowServerError("500")),
    "completion_of": (DOWN,),
    "were_published": (DOWN,),
    "open_actions": (DOWN,),
    "register": (DOWN,),
    "channels.joined": (BROKEN,),
    "outbox.append": (BROKEN,),
    "outbox.claim": (BROKEN,),
    "outbox.ack": (BROKEN,),
    "outbox.release": (BROKEN,),
    "journal.claim_orphans": (BROKEN,),
    "journal.record": (BROKEN,),
    "journal.begin_step": (BROKEN,),
    "journal.set_outcome": (BROKEN,),
    "journal.mark_reported": (BROKEN,),
    "rate_limiter.reserve": (BROKEN,),
}
_AFTER: dict[str, tuple[Exception, ...]] = {
    "post": (DOUBT,),
    "take": (LOST,),
    "complete": (LOST,),
    "publish": (LOST,),
}


@dataclass(frozen=True, slots=True)
class PlannedFault:
    """A fault in the next calls of a method."""

    method: str
    error: Exception
    times: int
    is_after: bool

    def plan(self, world: World) -> None:
        plan = world.faults.fail_after if self.is_after else world.faults.fail_before
        plan(self.method, self.error, self.times)


@dataclass(frozen=True, slots=True)
class Run:
    """One run of the pack."""

    faults: tuple[PlannedFault, ...]
    misses: tuple[str, ...]
    """The channels of messages posted before the run and never delivered."""
    says: tuple[str, ...]
    """The channels of messages."""
    actions: tuple[str, ...]
    """The channels of posts by a flow."""
    seconds: float
    turns: int
    """Turns of the event loop after the same messages and actions again, so that the run ends in the midst of them."""
    is_killed: bool
    killed_in: str
    """The method in whose first call the pack is killed, or ''."""


def _faults(faults: dict[str, tuple[Exception, ...]], *, is_after: bool) -> SearchStrategy[PlannedFault]:
    planned = [(method, error) for method, errors in faults.items() for error in errors]
    return st.builds(
        lambda fault, times: PlannedFault(fault[0], fault[1], times, is_after),
        st.sampled_from(planned),
        st.integers(1, 3),
    )


_channels = st.lists(st.sampled_from(["C1", "C2"]), max_size=4).map(tuple)
_runs = st.builds(
    Run,
    st.lists(_faults(_BEFORE, is_after=False) | _faults(_AFTER, is_after=True), max_size=4).map(tuple),
    _channels,
    _channels,
    _channels,
    st.sampled_from([0, 0.001, 0.1, 1, 20, 130]),
    st.integers(0, 120),
    st.booleans(),
    st.sampled_from(["", *_BEFORE]),
)


class Ledger:
    """The messages and actions so far, to be compared with what the engine and the chat have received."""

    def __init__(self, world: World) -> None:
        self._world = world
        self.messages: list[str] = []
        self.actions: dict[ActionId, str] = {}

    def post_messages(self, *channels: str) -> None:
        for channel in channels:
            text = f"message {len(self.messages)}"
            self._world.chat.say(channel, text)
            self.messages.append(text)

    def queue_actions(self, *channels: str) -> None:
        for channel in channels:
            text = f"post {len(self.actions)}"
            command = SendMessage(OutgoingMessage(ChannelId(channel), text))
            self.actions[self._world.engine.enqueue(command)] = text

    def check(self) -> None:
        world = self._world
        assert Counter(world.published_texts) == Counter(self.messages)
        assert Counter(world.texts) == Counter(self.actions.values())
        assert set(world.engine.outcomes) == set(self.actions)
        assert all(isinstance(outcome, MessageSent) for outcome, _ in world.engine.outcomes.values())


async def run_pack(world: World, ledger: Ledger, run: Run) -> None:
    """Runs the pack once, with faults, until a shutdown or a kill."""
    with world.undelivered():
        ledger.post_messages(*run.misses)
    for fault in run.faults:
        fault.plan(world)
    if run.is_killed and run.killed_in:
        world.faults.block(run.killed_in)
    async with world.killed_pack() if run.is_killed else world.pack():
        world.receiver.redeliver()
        if run.seconds:
            ledger.post_messages(*run.says)
            ledger.queue_actions(*run.actions)
            await world.clock.advance(run.seconds)
        ledger.post_messages(*run.says)
        ledger.queue_actions(*run.actions)
        for _ in range(run.turns):
            await asyncio.sleep(0)  # one turn of the event loop
    world.faults.release(run.killed_in)


async def catch_up(world: World, ledger: Ledger) -> None:
    """Runs the pack without faults until it has caught up."""
    world.faults.lift_all()
    async with world.pack():
        world.receiver.redeliver()
        ledger.post_messages("C1")
        ledger.queue_actions("C1")
        await world.clock.advance(150)


@given(st.lists(_runs, min_size=1, max_size=4))
@settings(max_examples=20, deadline=None)
def test_no_message_or_action_is_lost_or_doubled(runs: list[Run]) -> None:
    async def scenario() -> None:
        world = World()
        await world.join(world.c1, world.c2)
        await world.clock.advance(1)
        ledger = Ledger(world)
        for run in runs:
            await run_pack(world, ledger, run)
        await catch_up(world, ledger)
        ledger.check()

    run_in_virtual_time(scenario())
