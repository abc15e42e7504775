"""A visitor that opens the storage of a running or exited pack."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from adapters.filesystem.storage import FileStorage
from domain.actions import ActionState
from domain.channels import ChannelId
from domain.errors import StorageUnavailable, StorageUnusable
from domain.outbox import Backlog, Claim
from entrypoints.testing.action_states import SENT
from entrypoints.testing.storage_values import (
    CLOCK,
    LANE_A,
    LEASE,
    NOW,
    A,
    B,
    X,
    Y,
    action,
    after,
    at,
    new_click,
    new_entry,
)
from tests.support.storage_processes import storage_process


@pytest.fixture
async def pack(directory: Path) -> AsyncIterator[FileStorage]:
    storage = FileStorage(directory, CLOCK)
    async with storage.open():
        yield storage


@pytest.fixture
async def visitor(pack: FileStorage, directory: Path) -> AsyncIterator[FileStorage]:
    del pack
    storage = FileStorage(directory, CLOCK, exclusive=False)
    async with storage.open():
        yield storage


async def claim_one(storage: FileStorage) -> Claim:
    [claim] = await at(storage, NOW).outbox.claim(1, 10, LEASE)
    return claim


async def test_a_visitor_sees_the_packs_entries(pack: FileStorage, visitor: FileStorage) -> None:
    await pack.outbox.append([new_entry(A, 1), new_entry(B, 2)])
    await at(pack, NOW).journal.record(action(), lane=LANE_A)
    assert [entry async for entry in visitor.outbox.entries()] == [new_entry(A, 1), new_entry(B, 2)]
    assert [entry.action.id async for entry in visitor.journal.entries()] == [X]
    assert await visitor.outbox.backlog() == await pack.outbox.backlog()


async def test_what_one_forgets_the_other_does_not_miss_in_the_log(pack: FileStorage, visitor: FileStorage) -> None:
    with capture_logs() as logs:
        for number, forgetful in enumerate((visitor, pack)):
            at(pack, after(2 * number))
            await pack.outbox.append([new_click(number)])
            await visitor.outbox.backlog()
            await forgetful.outbox.discard(new_click(number).key)
            for storage in (forgetful, forgetful, visitor, pack):
                await storage.outbox.backlog()
    assert logs == []


async def test_a_visitor_does_not_end_claims_of_the_pack(pack: FileStorage, directory: Path) -> None:
    await pack.outbox.append([new_entry(A, 1)])
    await claim_one(pack)
    await at(pack, NOW).journal.record(action(), lane=LANE_A)
    storage = FileStorage(directory, CLOCK, exclusive=False)
    async with storage.open():
        assert not await storage.outbox.discard(new_entry(A, 1).key)
        assert not await storage.journal.discard(X)
        assert await at(storage, NOW).outbox.claim(1, 10, LEASE) == []


async def test_the_pack_delivers_an_entry_that_a_visitor_requeues(pack: FileStorage, visitor: FileStorage) -> None:
    await pack.outbox.append([new_entry(A, 1)])
    claim = await claim_one(pack)
    await pack.outbox.dead_letter(claim, claim.entries[0], "no")
    await pack.outbox.release(claim)
    assert await visitor.outbox.requeue(new_entry(A, 1).key)
    assert (await claim_one(pack)).entries == (new_entry(A, 1),)


async def test_the_pack_does_not_deliver_an_entry_that_a_visitor_discards(
    pack: FileStorage, visitor: FileStorage
) -> None:
    await pack.outbox.append([new_entry(A, 1), new_entry(A, 2)])
    assert await visitor.outbox.discard(new_entry(A, 1).key)
    assert (await claim_one(pack)).entries == (new_entry(A, 2),)
    assert await pack.outbox.append([new_entry(A, 1)]) == [False]
    assert await pack.outbox.backlog() == Backlog(1, 0, new_entry(A, 2).received_at)


async def test_the_pack_claims_an_action_that_a_visitor_requeues(pack: FileStorage, visitor: FileStorage) -> None:
    await at(pack, NOW).journal.record(action(), lane=LANE_A)
    await at(pack, NOW).journal.set_outcome(X, SENT)
    await pack.journal.dead_letter(X, "no")
    assert await visitor.journal.requeue(X)
    [entry] = await pack.journal.claim_orphans(10)
    assert (entry.action.id, entry.state) == (X, ActionState.COMPLETED)


async def test_several_visitors_can_use_the_storage_at_once(
    pack: FileStorage, visitor: FileStorage, directory: Path
) -> None:
    await pack.outbox.append([new_entry(A, 1)])
    another = FileStorage(directory, CLOCK, exclusive=False)
    async with another.open():
        assert await another.outbox.backlog() == await visitor.outbox.backlog()


async def test_a_visitor_cannot_change_the_joined_channels(pack: FileStorage, visitor: FileStorage) -> None:
    with pytest.raises(StorageUnavailable):
        await visitor.channels.join(A, since=NOW)
    assert A not in await pack.channels.joined()


async def test_a_visitor_sees_the_joined_channels(pack: FileStorage, directory: Path) -> None:
    await pack.channels.join(A, since=NOW)
    storage = FileStorage(directory, CLOCK, exclusive=False)
    async with storage.open():
        assert (await storage.channels.joined()).ids == (A,)


async def test_a_visitor_does_not_quarantine_an_unreadable_channels_file(pack: FileStorage, directory: Path) -> None:
    del pack
    (directory / "channels.json").write_text("broken")
    with pytest.raises(StorageUnusable, match=r"channels\.json can't be read"):
        async with FileStorage(directory, CLOCK, exclusive=False).open():
            pass
    assert (directory / "channels.json").read_text() == "broken"


async def test_a_visitor_does_not_lock_out_the_pack(directory: Path) -> None:
    async with FileStorage(directory, CLOCK).open():
        pass
    async with FileStorage(directory, CLOCK, exclusive=False).open(), FileStorage(directory, CLOCK).open():
        pass


async def test_claims_of_a_dead_pack_are_released_for_a_visitor(directory: Path) -> None:
    with storage_process("hold_claims", directory) as process:
        assert process.stdout.readline() == "open\n"
    storage = FileStorage(directory, CLOCK, exclusive=False)
    async with storage.open():
        assert await storage.outbox.discard(new_entry(A, 2).key)
        assert await storage.journal.discard(X)


@pytest.mark.parametrize("prepare", [lambda _: None, lambda directory: directory.mkdir(mode=0o700)])
async def test_a_visitor_creates_no_files(directory: Path, prepare: "object") -> None:
    assert callable(prepare)
    prepare(directory)
    with pytest.raises(StorageUnusable):
        async with FileStorage(directory, CLOCK, exclusive=False).open():
            pass
    assert not directory.exists() or list(directory.iterdir()) == []


async def test_the_pack_and_a_visitor_write_concurrently(pack: FileStorage, visitor: FileStorage) -> None:
    for n in range(50):
        await pack.outbox.append([new_entry(ChannelId(f"C{n}"), n)])
        assert await visitor.outbox.discard(new_entry(ChannelId(f"C{n}"), n).key)
        assert await at(pack, NOW).journal.record(action(Y), lane=LANE_A) is None or n
    assert await pack.outbox.backlog() == Backlog()


async def test_a_pause_that_a_visitor_lifts_ends_in_the_pack_with_its_next_look(
    pack: FileStorage, directory: Path
) -> None:
    for channel_id in (A, B):
        await at(pack, NOW).rate_limiter.pause(channel_id, 3600)
    await pack.rate_limiter.sync()
    storage = FileStorage(directory, CLOCK, exclusive=False)
    async with storage.open():
        assert await storage.rate_limiter.paused() == {A: 3600, B: 3600}
        await storage.rate_limiter.lift([A])
    await pack.rate_limiter.sync()
    assert await pack.rate_limiter.paused() == {B: 3600}
    assert await pack.rate_limiter.reserve(A, 1, 1) == 0
    await pack.rate_limiter.pause(A, 60)
    await pack.rate_limiter.sync()
    assert await pack.rate_limiter.paused() == {A: 60, B: 3600}


async def test_a_pause_that_a_visitor_lifts_stays_lifted_when_the_pack_is_killed_first(
    pack: FileStorage, directory: Path
) -> None:
    await at(pack, NOW).rate_limiter.pause(A, 3600)
    await pack.rate_limiter.sync()
    visitor = FileStorage(directory, CLOCK, exclusive=False)
    async with visitor.open():
        await visitor.rate_limiter.lift([A])
    async with visitor.open():
        assert await visitor.rate_limiter.paused() == {}
