"""Whatever goes wrong, and whenever the pack is killed: every message once, in order, and every action once."""

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
    "find": (NO_ANSWER, RateLimited(3)),
    "history": (NO_ANSWER, RateLimited(3)),
    "look_up": (NO_ANSWER, RateLimited(3)),
    "take": (DOWN, LOST, ActionTakenElsewhere("lost"), WorkflowServerError("500")),
    "complete": (DOWN, LOST, WorkflowServerError("500")),
    "publish": (DOWN, LOST, WorkflowServerError("500")),
    "is_answered": (DOWN,),
    "were_published": (DOWN,),
    "in_hand": (DOWN,),
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
class Trouble:
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
    """One life of the pack."""

    troubles: tuple[Trouble, ...]
    misses: tuple[str, ...]
    """The channels in which something was said before, and never delivered."""
    says: tuple[str, ...]
    """The channels in which somebody says something."""
    actions: tuple[str, ...]
    """The channels into which a flow posts something."""
    seconds: float
    turns: int
    """Of the event loop, after as much was said and asked for again: so that the end comes in the middle of it."""
    is_killed: bool
    hangs: str
    """The method in whose first call the pack is killed; empty for none."""


def _troubles(faults: dict[str, tuple[Exception, ...]], *, is_after: bool) -> SearchStrategy[Trouble]:
    planned = [(method, error) for method, errors in faults.items() for error in errors]
    return st.builds(
        lambda fault, times: Trouble(fault[0], fault[1], times, is_after), st.sampled_from(planned), st.integers(1, 3)
    )


_channels = st.lists(st.sampled_from(["C1", "C2"]), max_size=4).map(tuple)
_runs = st.builds(
    Run,
    st.lists(_troubles(_BEFORE, is_after=False) | _troubles(_AFTER, is_after=True), max_size=4).map(tuple),
    _channels,
    _channels,
    _channels,
    st.sampled_from([0, 0.001, 0.1, 1, 20, 130]),
    st.integers(0, 120),
    st.booleans(),
    st.sampled_from(["", *_BEFORE]),
)


class Ledger:
    """What was said and asked for, to be compared with what became of it."""

    def __init__(self, world: World) -> None:
        self._world = world
        self.said: list[str] = []
        self.asked: dict[ActionId, str] = {}

    def say(self, *channels: str) -> None:
        for channel in channels:
            text = f"message {len(self.said)}"
            self._world.chat.say(channel, text)
            self.said.append(text)

    def ask(self, *channels: str) -> None:
        for channel in channels:
            text = f"post {len(self.asked)}"
            command = SendMessage(OutgoingMessage(ChannelId(channel), text))
            self.asked[self._world.engine.enqueue(command)] = text

    def check(self) -> None:
        world = self._world
        assert Counter(world.published_texts) == Counter(self.said)
        assert Counter(world.texts) == Counter(self.asked.values())
        assert set(world.engine.outcomes) == set(self.asked)
        assert all(isinstance(outcome, MessageSent) for outcome, _ in world.engine.outcomes.values())


async def live(world: World, ledger: Ledger, run: Run) -> None:
    """Let the pack run once, with its troubles, and end in one way or the other."""
    with world.undelivered():
        ledger.say(*run.misses)
    for trouble in run.troubles:
        trouble.plan(world)
    if run.is_killed and run.hangs:
        world.faults.block(run.hangs)
    async with world.killed_pack() if run.is_killed else world.pack():
        world.receiver.redeliver()
        if run.seconds:
            ledger.say(*run.says)
            ledger.ask(*run.actions)
            await world.clock.advance(run.seconds)
        ledger.say(*run.says)
        ledger.ask(*run.actions)
        for _ in range(run.turns):
            await asyncio.sleep(0)  # one turn of the event loop
    world.faults.release(run.hangs)


async def live_in_peace(world: World, ledger: Ledger) -> None:
    """Let the pack make up for everything."""
    world.faults.lift_all()
    async with world.pack():
        world.receiver.redeliver()
        ledger.say("C1")
        ledger.ask("C1")
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
            await live(world, ledger, run)
        await live_in_peace(world, ledger)
        ledger.check()

    run_in_virtual_time(scenario())
