"""The contract of storages that can be copied."""

import asyncio
from collections.abc import Sequence
from itertools import count

import pytest

from application.ports.storage import Storage
from application.ports.transfer import CopyMarks, Record, TransferableStorage
from domain.errors import StorageUnusable
from entrypoints.testing.storage_contents import contents, fill
from entrypoints.testing.storage_suite import Restart, StorageSuite
from entrypoints.testing.storage_values import LEASE, after, at


def transferable(storage: Storage) -> TransferableStorage:
    assert isinstance(storage, TransferableStorage)
    return storage


async def exported(storage: Storage) -> list[Record]:
    async with transferable(storage).open_for_copy(creates=False):
        return [record async for records in transferable(storage).transfer.export() for record in records]


async def filled(restart: Restart) -> Storage:
    """Fills a storage and closes it again."""
    async with (storage := restart()).open():
        await fill(storage)
    return restart()


async def store(storage: Storage, records: Sequence[Record]) -> None:
    transfer = transferable(storage).transfer
    async with transferable(storage).open_for_copy(creates=True):
        await transfer.clear()
        for first in range(0, len(records), 3):
            await transfer.add(records[first : first + 3])
        await transfer.finish()


async def live(storage: Storage) -> None:
    """Sends heartbeats, one a second by the storage's clock."""
    for seconds in count():
        await at(storage, after(seconds)).heartbeat(LEASE)
        await asyncio.sleep(0)


class TransferContract(StorageSuite):
    """Subclasses also provide the fixtures `elsewhere`, for another storage of the same kind, and `nowhere`."""

    @pytest.fixture
    def elsewhere(self) -> Restart:
        raise NotImplementedError

    @pytest.fixture
    def nowhere(self) -> Restart:
        """A place where there is no storage yet."""
        raise NotImplementedError

    async def test_all_that_can_be_seen_of_a_storage_is_seen_of_its_copy(
        self, restart: Restart, elsewhere: Restart
    ) -> None:
        await store(elsewhere(), await exported(await filled(restart)))
        async with (storage := at(restart(), after(30))).open():
            expected = await contents(storage)
        async with (storage := at(elsewhere(), after(30))).open():
            found = await contents(storage)
        assert found == expected

    async def test_the_records_of_a_copy_are_those_of_the_storage(self, restart: Restart, elsewhere: Restart) -> None:
        records = await exported(await filled(restart))
        await store(elsewhere(), records)
        assert await exported(elsewhere()) == records

    async def test_a_copy_replaces_what_an_earlier_one_has_left(self, restart: Restart, elsewhere: Restart) -> None:
        records = await exported(await filled(restart))
        await store(await filled(elsewhere), records[:10])
        await store(elsewhere(), records)
        assert await exported(elsewhere()) == records

    async def test_everything_is_counted(self, restart: Restart) -> None:
        storage = transferable(await filled(restart))
        async with storage.open_for_copy(creates=False):
            assert await storage.transfer.counts() == {
                "waiting messages": 5,
                "dead letters": 1,
                "recognised keys": 2,
                "actions": 5,
                "steps": 8,
                "message keys": 2,
                "channels": 4,
                "gaps": 3,
            }

    async def test_marks_outlive_the_process(self, restart: Restart) -> None:
        marks = CopyMarks("out", "in", moved_to="elsewhere")
        async with (storage := transferable(restart())).open_for_copy(creates=True):
            assert await storage.transfer.marks() == CopyMarks()
            await storage.transfer.set_marks(marks)
        async with (storage := transferable(restart())).open_for_copy(creates=False):
            assert await storage.transfer.marks() == marks

    async def test_clearing_leaves_the_marks(self, restart: Restart) -> None:
        async with (storage := transferable(restart())).open_for_copy(creates=True):
            await storage.transfer.set_marks(CopyMarks("out"))
            await storage.transfer.clear()
            assert await storage.transfer.marks() == CopyMarks("out")

    @pytest.mark.parametrize(
        ("marks", "reason"),
        [(CopyMarks(moved_to="the moon"), "was moved to the moon"), (CopyMarks(is_incomplete=True), "unfinished copy")],
    )
    async def test_a_pack_starts_on_no_storage_that_is_moved_or_incomplete(
        self, restart: Restart, marks: CopyMarks, reason: str
    ) -> None:
        async with (storage := transferable(restart())).open_for_copy(creates=True):
            await storage.transfer.set_marks(marks)
        with pytest.raises(StorageUnusable, match=reason):
            async with restart().open():
                raise AssertionError

    async def test_a_storage_in_use_is_not_opened_for_a_copy(self, restart: Restart, storage: Storage) -> None:
        beats = asyncio.create_task(live(storage))
        with pytest.raises(StorageUnusable, match="in use by"):
            async with transferable(restart()).open_for_copy(creates=False):
                raise AssertionError
        beats.cancel()

    async def test_a_pack_does_not_start_during_a_copy(self, restart: Restart) -> None:
        async with transferable(restart()).open_for_copy(creates=True):
            with pytest.raises(StorageUnusable, match="storage copy"):
                async with restart().open():
                    raise AssertionError
        async with restart().open():
            pass

    async def test_a_storage_that_does_not_exist_is_created_only_for_a_copy_to_it(self, nowhere: Restart) -> None:
        with pytest.raises(StorageUnusable):
            async with transferable(nowhere()).open_for_copy(creates=False):
                raise AssertionError
        async with transferable(nowhere()).open_for_copy(creates=True):
            pass
        async with transferable(nowhere()).open_for_copy(creates=False):
            pass
