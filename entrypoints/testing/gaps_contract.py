"""The contract of the gaps part of a storage."""

from datetime import timedelta

from application.ports.storage import Storage
from domain.channels import ChannelId
from domain.gaps import Gap
from entrypoints.testing.storage_suite import Restart, StorageSuite
from entrypoints.testing.storage_values import A, B, after


def gap(channel_id: ChannelId, begin: float, end: float) -> Gap:
    """Returns the gap between these seconds after NOW."""
    return Gap(channel_id, after(begin), after(end))


class GapsContract(StorageSuite):
    async def test_there_are_no_gaps_at_first(self, storage: Storage) -> None:
        assert await storage.gaps.pending() == []

    async def test_gaps_survive_a_restart(self, restart: Restart) -> None:
        exact = Gap(A, after(0) + timedelta(microseconds=1), after(10))
        async with (storage := restart()).open():
            await storage.gaps.add([exact, gap(B, 0, 10)])
        async with (storage := restart()).open():
            assert set(await storage.gaps.pending()) == {exact, gap(B, 0, 10)}

    async def test_a_closed_gap_is_gone_and_others_remain(self, storage: Storage) -> None:
        await storage.gaps.add([gap(A, 0, 10), gap(A, 20, 30), gap(B, 0, 10)])
        await storage.gaps.close(gap(A, 0, 10))
        await storage.gaps.close(gap(A, 0, 10))
        assert set(await storage.gaps.pending()) == {gap(A, 20, 30), gap(B, 0, 10)}

    async def test_overlapping_and_touching_gaps_of_a_channel_become_one(self, storage: Storage) -> None:
        await storage.gaps.add([gap(A, 0, 10), gap(A, 20, 30), gap(A, 40, 50), gap(B, 0, 50)])
        await storage.gaps.add([gap(A, 5, 20)])
        assert set(await storage.gaps.pending()) == {gap(A, 0, 30), gap(A, 40, 50), gap(B, 0, 50)}

    async def test_a_gap_that_was_extended_while_it_was_read_stays(self, storage: Storage) -> None:
        await storage.gaps.add([gap(A, 0, 10)])
        await storage.gaps.add([gap(A, 5, 20)])
        await storage.gaps.close(gap(A, 0, 10))
        assert await storage.gaps.pending() == [gap(A, 0, 20)]

    async def test_a_gap_within_a_known_one_changes_nothing(self, storage: Storage) -> None:
        await storage.gaps.add([gap(A, 0, 10)])
        await storage.gaps.add([gap(A, 0, 10), gap(A, 3, 4)])
        assert await storage.gaps.pending() == [gap(A, 0, 10)]
