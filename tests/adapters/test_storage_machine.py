"""Outbox and journal of every storage compared with a simple model, over random operations and restarts."""

import asyncio
import shutil
import tempfile
from collections.abc import Callable, Coroutine
from contextlib import AbstractAsyncContextManager
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import product
from pathlib import Path
from typing import Any, TypeVar
from unittest import TestCase

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from adapters.filesystem.storage import FileStorage
from adapters.memory.storage import MemoryStorage
from adapters.postgresql.storage import PostgresStorage
from application.ports.storage import Storage
from domain.actions import ActionId, JournalEntry, StepName
from domain.channels import ChannelId
from domain.commands import Broadcast
from domain.errors import LeaseLost
from domain.events import BroadcastSent, Outcome
from domain.message_keys import KeyedMessage
from domain.outbox import Claim, OutboxEntry
from entrypoints.testing.storage_values import (
    CLOCK,
    LANE_A,
    STEP_A,
    STEP_B,
    STEP_C,
    A,
    B,
    C,
    action,
    after,
    held,
    new_click,
    new_entry,
)
from tests.support.manual_uptime import empty_tables, manual_uptime
from tests.support.storage_model import JournalModel, OutboxModel

T = TypeVar("T")

NewEntry = Callable[[ChannelId, int, float | None], OutboxEntry]


def new_click_in(channel_id: ChannelId, number: int, received_after: float = 0) -> OutboxEntry:
    """Returns a click in the channel, by a user for each channel."""
    entry = new_click(number, f"U{channel_id}", channel_id)
    return replace(entry, received_at=after(received_after))


channels = st.sampled_from([A, B, C])
steps = st.sampled_from([STEP_A, STEP_B, STEP_C])
numbers = st.integers(0, 5)
kinds = st.sampled_from([new_entry, new_click_in])
keys = st.builds(lambda kind, channel_id, number: kind(channel_id, number).key, kinds, channels, numbers)
texts = st.sampled_from(["one", "two"])
timestamps = st.sampled_from(["1.0", "2.0"])
action_ids = st.sampled_from([ActionId("x"), ActionId("y"), ActionId("z")])
spans = st.sampled_from([0.0, 1.0, 10.0, 100.0])
picks = st.integers(0, 99)


class _Machine(RuleBasedStateMachine):
    """A storage under test. Time is in seconds and only moves forward; the time of day moves in both directions."""

    storage: Storage

    def __init__(self) -> None:
        super().__init__()
        self.runner = asyncio.Runner()
        self.now = 0.0
        CLOCK.time, CLOCK.error = after(0), timedelta()
        self.opened: AbstractAsyncContextManager[None] | None = None
        self.directory = Path(tempfile.mkdtemp(prefix="machine-"))

    def reopened_storage(self) -> Storage:
        """Returns the storage as a newly started process finds it."""
        raise NotImplementedError

    def do(self, request: Coroutine[Any, Any, T]) -> T:
        return self.runner.run(request)

    def time_of_day(self) -> datetime:
        return CLOCK.now()

    @initialize()
    def start(self) -> None:
        self.storage = self.reopened_storage()
        self.opened = self.storage.open()
        self.do(_enter(self.opened))

    @rule(seconds=spans)
    def time_passes(self, seconds: float) -> None:
        self.now += seconds
        CLOCK.time = after(self.now)

    @rule(seconds=st.sampled_from([-3600.0, 120.0, 86400.0]))
    def set_clock(self, seconds: float) -> None:
        CLOCK.step(seconds)

    def close(self) -> None:
        if self.opened is not None:
            self.do(_leave(self.opened))
            self.opened = None

    def teardown(self) -> None:
        self.close()
        self.runner.close()
        shutil.rmtree(self.directory)


class _OutboxMachine(_Machine):
    def __init__(self) -> None:
        super().__init__()
        self.model = OutboxModel()
        self.claims: list[tuple[Claim, int]] = []
        """Every claim since the last start, including lost ones, with its number in the model."""

    @rule(kind=kinds, channel_id=channels, new=st.lists(numbers, max_size=4), age=spans)
    def append(self, kind: NewEntry, channel_id: ChannelId, new: list[int], age: float) -> None:
        entries = [kind(channel_id, number, self.now - age) for number in new]
        expected = [self.model.append(entry, self.now) for entry in entries]
        assert self.do(self.storage.outbox.append(entries)) == expected

    @rule(limit=st.integers(1, 3), entries=st.integers(1, 3), lease=st.sampled_from([5.0, 50.0]))
    def claim(self, limit: int, entries: int, lease: float) -> None:
        claims = self.do(self.storage.outbox.claim(limit, entries, lease))
        expected = self.model.claim(limit, entries, self.now, lease)
        assert [(c.lane, [e.key for e in c.entries], c.previous_lease_expired) for c in claims] == expected
        self.claims += [(claim, self.model.leases[claim.lane][0]) for claim in claims]

    @precondition(lambda self: self.claims)
    @rule(pick=picks, position=picks, releases=st.booleans())
    def ack(self, pick: int, position: int, releases: bool) -> None:
        claim, entry, is_latest = self.pick_entry(pick, position)
        assert self.is_current(self.storage.outbox.ack(claim, entry, releases=releases)) == is_latest
        if is_latest and (waiting := self.model.find(entry.key)):
            self.model.ack(waiting, self.now)
        if is_latest and releases and claim.lane in self.model.leases:
            self.model.release(claim.lane, None, None)

    @precondition(lambda self: self.claims)
    @rule(pick=picks, position=picks)
    def dead_letter(self, pick: int, position: int) -> None:
        claim, entry, is_latest = self.pick_entry(pick, position)
        assert self.is_current(self.storage.outbox.dead_letter(claim, entry, "no")) == is_latest
        waiting = self.model.find(entry.key)
        if is_latest and waiting and not waiting.is_dead_lettered:
            self.model.dead_letter(waiting, "no")

    @precondition(lambda self: self.claims)
    @rule(pick=picks, pause=spans, rejected=st.booleans())
    def release(self, pick: int, pause: float, rejected: bool) -> None:
        claim, number = self.claims[pick % len(self.claims)]
        request = self.storage.outbox.release(claim, retry_after_seconds=pause, rejected=rejected)
        assert self.is_current(request) == self.model.holds(claim.lane, number)
        if self.model.holds(claim.lane, number):
            until = self.now + pause if pause else None
            self.model.release(claim.lane, until, self.time_of_day() if rejected else None)

    @precondition(lambda self: self.claims)
    @rule(pick=picks, lease=spans)
    def renew_lease(self, pick: int, lease: float) -> None:
        claim, number = self.claims[pick % len(self.claims)]
        request = self.storage.outbox.renew_lease(claim, lease)
        assert self.is_current(request) == self.model.holds(claim.lane, number)
        if self.model.holds(claim.lane, number):
            self.model.leases[claim.lane] = (number, self.now + lease)

    @rule(key=keys)
    def requeue(self, key: str) -> None:
        assert self.do(self.storage.outbox.requeue(key)) == self.model.requeue(key, self.now)

    @rule(key=keys)
    def discard(self, key: str) -> None:
        waiting = self.model.find(key)
        is_free = waiting is not None and not waiting.claim_number
        assert self.do(self.storage.outbox.discard(key)) == is_free
        if waiting and is_free:
            self.model.ack(waiting, self.now)

    @rule(age=spans)
    def purge(self, age: float) -> None:
        old = [key for key, acked_at in self.model.acked.items() if acked_at < self.now - age]
        assert self.do(self.storage.outbox.purge(timedelta(seconds=age))) == len(old)
        for key in old:
            del self.model.acked[key]

    @rule()
    def restart(self) -> None:
        self.close()
        self.start()
        self.model.restart()
        self.claims.clear()

    @invariant()
    def storage_equals_model(self) -> None:
        waiting = [w.entry for w in self.model.entries if not w.is_dead_lettered]
        assert self.do(_list(self.storage.outbox.entries)) == waiting
        assert self.do(self.storage.outbox.backlog()) == self.model.backlog(self.now)
        due = min(self.model.pauses.values(), default=None)
        assert self.do(self.storage.outbox.next_due_seconds()) == (None if due is None else due - self.now)

    def is_current(self, request: Coroutine[Any, Any, None]) -> bool:
        """Returns False if the storage raised LeaseLost."""
        try:
            self.do(request)
        except LeaseLost:
            return False
        return True

    def pick_entry(self, pick: int, position: int) -> tuple[Claim, OutboxEntry, bool]:
        """Returns a claim, one of its entries, and whether its lane has not been claimed since."""
        claim, number = self.claims[pick % len(self.claims)]
        return claim, claim.entries[position % len(claim.entries)], self.model.latest[claim.lane] == number


class _JournalMachine(_Machine):
    def __init__(self) -> None:
        super().__init__()
        self.model = JournalModel()

    def succeeds(self, request: Coroutine[Any, Any, object]) -> bool:
        """Returns False if the storage refused; what an earlier process has ended may count as that one's."""
        try:
            self.do(request)
        except (ValueError, LeaseLost):
            return False
        return True

    @rule(action_id=action_ids, text=st.sampled_from(["one", "two"]))
    def record(self, action_id: ActionId, text: str) -> None:
        taken = action(action_id, Broadcast(text))
        known = self.do(self.storage.journal.record(taken, lane=LANE_A))
        assert known == self.model.record(taken, self.time_of_day(), self.now)

    @rule(action_id=action_ids, planned=st.lists(steps, unique=True, max_size=3))
    def plan_steps(self, action_id: ActionId, planned: list[StepName]) -> None:
        succeeded = self.succeeds(self.storage.journal.plan_steps(action_id, planned))
        assert succeeded == self.model.plan_steps(action_id, planned)

    @rule(action_id=action_ids, name=steps)
    def begin_step(self, action_id: ActionId, name: StepName) -> None:
        succeeded = self.succeeds(self.storage.journal.begin_step(action_id, name, self.do(held(self.storage))))
        assert succeeded == self.model.begin_step(action_id, name, self.time_of_day())

    @rule(action_id=action_ids, name=steps, error=st.sampled_from(["no", "never"]))
    def complete_step(self, action_id: ActionId, name: StepName, error: str) -> None:
        lease = self.do(held(self.storage))
        succeeded = self.succeeds(self.storage.journal.complete_step(action_id, name, lease, error=error))
        assert succeeded == self.model.complete_step(action_id, name, error)

    @rule(action_id=action_ids)
    def set_outcome(self, action_id: ActionId) -> None:
        outcome: Outcome = BroadcastSent("one", (A,))
        succeeded = self.succeeds(self.storage.journal.set_outcome(action_id, outcome))
        assert succeeded == self.model.set_outcome(action_id, outcome, self.time_of_day())

    @rule(action_id=action_ids)
    def mark_reported(self, action_id: ActionId) -> None:
        succeeded = self.succeeds(self.storage.journal.mark_reported(action_id))
        assert succeeded == self.model.mark_reported(action_id, self.now)

    @rule(action_id=action_ids)
    def dead_letter(self, action_id: ActionId) -> None:
        succeeded = self.succeeds(self.storage.journal.dead_letter(action_id, "no"))
        assert succeeded == self.model.dead_letter(action_id, "no")

    @rule(action_id=action_ids)
    def requeue(self, action_id: ActionId) -> None:
        assert self.do(self.storage.journal.requeue(action_id)) == self.model.requeue(action_id, self.now)

    @rule(action_id=action_ids)
    def discard(self, action_id: ActionId) -> None:
        assert self.do(self.storage.journal.discard(action_id)) == self.model.discard(action_id, self.now)

    @rule(limit=st.integers(1, 3))
    def claim_orphans(self, limit: int) -> None:
        assert self.do(self.storage.journal.claim_orphans(limit)) == self.model.claim_orphans(limit)

    @rule(age=spans)
    def purge(self, age: float) -> None:
        assert self.do(self.storage.journal.purge(timedelta(seconds=age))) == self.model.purge(self.now - age)

    @rule()
    def restart(self) -> None:
        self.close()
        self.start()
        self.model.held.clear()

    @invariant()
    def storage_equals_model(self) -> None:
        assert self.do(_list(self.storage.journal.entries)) == self.model.unfinished()
        assert self.do(self.storage.journal.backlog()) == self.model.backlog(self.now)
        for action_id, entry in self.model.entries.items():
            found = self.do(self.storage.journal.load(action_id))
            assert found == entry
            assert found is not None
            assert list(found.steps) == list(entry.steps)


class _MessageKeysMachine(_Machine):
    """The model: for each key, its message and when it was used, the latest use last."""

    def __init__(self) -> None:
        super().__init__()
        self.model: dict[tuple[ChannelId, str], tuple[KeyedMessage, float]] = {}

    def use(self, message: KeyedMessage) -> None:
        self.model.pop((message.channel_id, message.key), None)
        self.model[message.channel_id, message.key] = message, self.now

    def forget(self, is_over: Callable[[KeyedMessage, float], bool]) -> int:
        over = [place for place, known in self.model.items() if is_over(*known)]
        for place in over:
            del self.model[place]
        return len(over)

    @rule(channel_id=channels, key=texts, since=spans)
    def reserve(self, channel_id: ChannelId, key: str, since: float) -> None:
        known, _ = self.model.get((channel_id, key)) or (KeyedMessage(channel_id, key, "", after(since)), 0)
        if known.reserved_since is not None:
            known = replace(known, reserved_since=min(known.reserved_since, after(since)))
        self.use(known)
        assert self.do(self.storage.message_keys.reserve(channel_id, key, after(since))) == known

    @rule(channel_id=channels, key=texts, timestamp=timestamps)
    def bind(self, channel_id: ChannelId, key: str, timestamp: str) -> None:
        self.do(self.storage.message_keys.bind(channel_id, key, timestamp))
        self.use(KeyedMessage(channel_id, key, timestamp))

    @rule(channel_id=channels, key=texts)
    def touch(self, channel_id: ChannelId, key: str) -> None:
        self.do(self.storage.message_keys.touch(channel_id, key))
        if (channel_id, key) in self.model:
            self.use(self.model[channel_id, key][0])

    @rule(channel_id=channels, key=texts)
    def release(self, channel_id: ChannelId, key: str) -> None:
        self.do(self.storage.message_keys.release(channel_id, key))
        self.forget(lambda known, _: (known.channel_id, known.key, known.timestamp) == (channel_id, key, ""))

    @rule(channel_id=channels, timestamp=timestamps)
    def free(self, channel_id: ChannelId, timestamp: str) -> None:
        self.do(self.storage.message_keys.free(channel_id, timestamp))
        self.forget(lambda known, _: (known.channel_id, known.timestamp) == (channel_id, timestamp))

    @rule(age=spans)
    def purge(self, age: float) -> None:
        forgotten = self.forget(lambda _, used_at: used_at < self.now - age)
        assert self.do(self.storage.message_keys.purge(timedelta(seconds=age))) == forgotten

    @rule()
    def restart(self) -> None:
        self.close()
        self.start()

    @invariant()
    def storage_equals_model(self) -> None:
        for channel_id, key in product((A, B, C), ("one", "two")):
            known, _ = self.model.get((channel_id, key)) or (None, 0)
            assert self.do(self.storage.message_keys.find(channel_id, key)) == known
        messages = list(product((A, B, C), ("1.0", "2.0")))
        owners = [
            {known.key for known, _ in self.model.values() if (known.channel_id, known.timestamp) == message}
            for message in messages
        ]
        found = self.do(self.storage.message_keys.keys_of(messages))
        assert all(key in (keys or {""}) for key, keys in zip(found, owners, strict=True))


class _InMemory(_Machine):
    """A restart reuses the same object."""

    def reopened_storage(self) -> Storage:
        return self.__dict__.setdefault("only", MemoryStorage(CLOCK))  # type: ignore[no-any-return]


class _InDirectory(_Machine):
    def reopened_storage(self) -> Storage:
        return FileStorage(self.directory, CLOCK)


class _InPostgres(_Machine):
    url: str
    """Of a database whose uptime follows CLOCK."""

    def __init__(self) -> None:
        super().__init__()
        empty_tables(self.url)

    def reopened_storage(self) -> Storage:
        return PostgresStorage(self.url, CLOCK, lease_seconds=60)


class _MemoryOutbox(_InMemory, _OutboxMachine):
    pass


class _MemoryJournal(_InMemory, _JournalMachine):
    pass


class _FileOutbox(_InDirectory, _OutboxMachine):
    pass


class _FileJournal(_InDirectory, _JournalMachine):
    pass


class _MemoryMessageKeys(_InMemory, _MessageKeysMachine):
    pass


class _FileMessageKeys(_InDirectory, _MessageKeysMachine):
    pass


class _PostgresOutbox(_InPostgres, _OutboxMachine):
    pass


class _PostgresJournal(_InPostgres, _JournalMachine):
    pass


class _PostgresMessageKeys(_InPostgres, _MessageKeysMachine):
    pass


def _case(machine: type[_Machine], max_examples: int, stateful_step_count: int) -> type[TestCase]:
    case: type[TestCase] = machine.TestCase
    case.settings = settings(  # type: ignore[attr-defined] # Hypothesis adds it
        max_examples=max_examples, stateful_step_count=stateful_step_count, deadline=None
    )
    return case


TestMemoryOutbox = _case(_MemoryOutbox, 40, 30)
TestMemoryJournal = _case(_MemoryJournal, 40, 30)
TestMemoryMessageKeys = _case(_MemoryMessageKeys, 40, 30)
TestFileOutbox = _case(_FileOutbox, 15, 25)
TestFileJournal = _case(_FileJournal, 15, 25)
TestFileMessageKeys = _case(_FileMessageKeys, 15, 25)


@pytest.mark.timeout(120)
@pytest.mark.parametrize("machine", [_PostgresOutbox, _PostgresJournal, _PostgresMessageKeys])
def test_a_postgresql_storage_equals_its_model(tables_url: str, machine: type[_InPostgres]) -> None:
    with manual_uptime(tables_url, CLOCK):
        machine.url = tables_url
        run_state_machine_as_test(machine, settings=settings(max_examples=10, stateful_step_count=25, deadline=None))


async def _enter(opened: AbstractAsyncContextManager[None]) -> None:
    await opened.__aenter__()


async def _leave(opened: AbstractAsyncContextManager[None]) -> None:
    await opened.__aexit__(None, None, None)


async def _list(entries: Callable[[], Any]) -> list[OutboxEntry | JournalEntry]:
    return [entry async for entry in entries()]
