"""Copies everything that one storage holds to another, and hands over to it.

The marks of both storages tell an interrupted copy from a complete one, so that it can be repeated, and so that at no
moment packs may start on both.
"""

from collections.abc import Callable, Mapping
from contextlib import AsyncExitStack
from dataclasses import replace
from typing import Final
from uuid import uuid4

from application.ports.transfer import CopyMarks, GeneralRecord, LaneRecord, RateRecord, Record, TransferableStorage
from domain.errors import StorageUnusable

_UNCOUNTED: Final = (GeneralRecord, LaneRecord, RateRecord)


class StorageCopy:
    """One copy from a source to a target."""

    def __init__(
        self, source: TransferableStorage, target: TransferableStorage, report: Callable[[int, int], None]
    ) -> None:
        """`report` is called with the number of records copied so far, and the number of all."""
        self._source = source
        self._target = target
        self._report = report

    async def run(self) -> Mapping[str, int]:
        """Copies everything, and marks the source as moved. Returns how much the storages hold, by a name of each kind.

        Does nothing if the copy is complete already. May be repeated after any interruption. Raises StorageUnusable if
        a pack runs on either storage, if the source was moved elsewhere, if the target was moved on, or if it holds
        anything but an earlier run of this copy; StorageUnavailable.
        """
        source, target = self._source.transfer, self._target.transfer
        if _name(self._source) == _name(self._target):
            raise StorageUnusable(f"{_name(self._source)} can't be copied to itself")
        async with AsyncExitStack() as exits:
            await exits.enter_async_context(self._source.open_for_copy(creates=False))
            await exits.enter_async_context(self._target.open_for_copy(creates=True))
            counts = await source.counts()
            if not await self._is_complete():
                marks = await self._begin()
                await self._copy_records(sum(counts.values()) - counts["steps"])
                _require_same(counts, await target.counts())
                # In this order: a pack may start on the target once none can on the source.
                await source.set_marks(replace(marks, moved_to=self._target.describe().location))
                await target.set_marks(CopyMarks(incoming=marks.outgoing))
            return counts

    async def _is_complete(self) -> bool:
        source, target = await self._source.transfer.marks(), await self._target.transfer.marks()
        if not source.moved_to:
            return False
        if source.outgoing != target.incoming:
            _require_in_place(self._source, source)
        _require_in_place(self._target, target)
        return not target.is_incomplete

    async def _begin(self) -> CopyMarks:
        """Marks both storages. Returns the marks of the source."""
        source, target = await self._source.transfer.marks(), await self._target.transfer.marks()
        if source.is_incomplete:
            raise StorageUnusable(f"{_name(self._source)} holds an unfinished copy itself")
        if not (target.is_incomplete and target.incoming == source.outgoing):
            await self._require_replaceable(source, target)
            source = replace(source, outgoing=uuid4().hex)
            await self._source.transfer.set_marks(source)
            await self._target.transfer.set_marks(CopyMarks(incoming=source.outgoing, is_incomplete=True))
        return source

    async def _require_replaceable(self, source: CopyMarks, target: CopyMarks) -> None:
        """Raises StorageUnusable unless the target is empty, or the source has replaced it by a copy back then."""
        if target.moved_to and target.outgoing == source.incoming:
            return
        name = _name(self._target)
        if target.is_incomplete:
            raise StorageUnusable(f"{name} holds an unfinished copy of something else; use an empty one")
        counts = await self._target.transfer.counts()
        held = [f"{count:,} {kind}" for kind, count in counts.items() if count]
        if held:
            _require_in_place(self._target, target)
            raise StorageUnusable(f"{name} is not empty: it holds {', '.join(held)}; use an empty one")

    async def _copy_records(self, total: int) -> None:
        target, copied = self._target.transfer, 0
        await target.clear()
        self._report(copied, total)
        async for records in self._source.transfer.export():
            if records:
                await target.add(records)
                copied += sum(map(_is_counted, records))
                self._report(copied, total)
        await target.finish()


def _name(storage: TransferableStorage) -> str:
    return storage.describe().location


def _require_in_place(storage: TransferableStorage, marks: CopyMarks) -> None:
    """Raises StorageUnusable if the storage was moved."""
    if marks.moved_to:
        raise StorageUnusable(f"{_name(storage)} was moved to {marks.moved_to} already")


def _is_counted(record: Record) -> bool:
    return not isinstance(record, _UNCOUNTED)


def _require_same(source: Mapping[str, int], target: Mapping[str, int]) -> None:
    different = [f"{count:,} {kind} became {target[kind]:,}" for kind, count in source.items() if count != target[kind]]
    if different:
        raise StorageUnusable(f"the copy is incomplete ({', '.join(different)}); repeat it")
