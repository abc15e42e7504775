"""`flyte-slack storage copy`, between directories."""

import asyncio
import os
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from adapters.filesystem.storage import FileStorage
from application.ports.transfer import CopyMarks
from domain.errors import StorageUnusable
from entrypoints.cli.commands import main
from entrypoints.testing.storage_values import CLOCK, A, new_entry

pytestmark = pytest.mark.usefixtures("restored_logging")


@pytest.fixture
def target(tmp_path: Path) -> Path:
    return tmp_path / "target"


def copy(source: Path | str, target: Path | str) -> Result:
    urls = (place if isinstance(place, str) else place.as_uri() for place in (source, target))
    return CliRunner().invoke(main, ("storage", "copy", *urls), env=dict.fromkeys(os.environ))


def exported(directory: Path) -> list[str]:
    """Returns what operators export."""
    environment = {**dict.fromkeys(os.environ), "FLYTE_SLACK_STORAGE": directory.as_uri()}
    return [CliRunner().invoke(main, (queue, "export"), env=environment).stdout for queue in ("outbox", "journal")]


def mark(directory: Path, marks: CopyMarks) -> None:
    async def store() -> None:
        async with (storage := FileStorage(directory, CLOCK)).open_for_copy(creates=True):
            await storage.transfer.set_marks(marks)

    asyncio.run(store())


def marks_of(directory: Path) -> CopyMarks:
    async def read() -> CopyMarks:
        async with (storage := FileStorage(directory, CLOCK)).open_for_copy(creates=False):
            return await storage.transfer.marks()

    return asyncio.run(read())


def start(directory: Path) -> None:
    async def begin() -> None:
        async with FileStorage(directory, CLOCK).open():
            pass

    asyncio.run(begin())


def test_a_copy_has_the_same_exports_and_so_has_a_copy_back(source: Path, target: Path, tmp_path: Path) -> None:
    before = exported(source)
    assert all(before)
    assert copy(source, target).exit_code == 0
    assert exported(target) == before
    assert copy(target, tmp_path / "back").exit_code == 0
    assert exported(tmp_path / "back") == before


def test_a_copy_tells_what_it_copied_and_what_to_do_next(source: Path, target: Path) -> None:
    *counts, advice = copy(source, target).stdout.splitlines()
    assert counts[0].split() == ["waiting", "messages", "5"]
    assert str(source) in advice
    assert f"moved to {target}" in advice
    assert "FLYTE_SLACK_STORAGE" in advice


def test_a_pack_starts_on_the_copy_alone(source: Path, target: Path) -> None:
    copy(source, target)
    start(target)
    with pytest.raises(StorageUnusable, match=f"moved to {target}"):
        start(source)


def test_a_complete_copy_may_be_repeated_even_after_a_start_on_it(source: Path, target: Path) -> None:
    copy(source, target)
    start(target)
    assert copy(source, target).exit_code == 0


@pytest.mark.parametrize("moved_to", ["", "target"])
def test_an_interrupted_copy_is_repeated_from_its_beginning(source: Path, target: Path, moved_to: str) -> None:
    mark(source, CopyMarks(outgoing="1", moved_to=moved_to))
    start(target)
    leave_something_in(target)
    mark(target, CopyMarks(incoming="1", is_incomplete=True))
    assert copy(source, target).exit_code == 0
    assert exported(target) == exported(source)
    assert not marks_of(target).is_incomplete


def test_what_an_interrupted_copy_has_left_is_not_reported_as_damaged(source: Path, target: Path) -> None:
    mark(source, CopyMarks(outgoing="1"))

    async def begin() -> None:
        async with (storage := FileStorage(target, CLOCK)).open_for_copy(creates=True):
            await storage.transfer.set_marks(CopyMarks(incoming="1", is_incomplete=True))
            async with (copied := FileStorage(source, CLOCK)).open_for_copy(creates=False):
                async for records in copied.transfer.export():
                    await storage.transfer.add(records)

    asyncio.run(begin())
    repeated = copy(source, target)
    assert repeated.exit_code == 0
    assert repeated.stderr == ""


def leave_something_in(directory: Path) -> None:
    async def append() -> None:
        async with (storage := FileStorage(directory, CLOCK)).open():
            await storage.outbox.append([new_entry(A, 77)])

    asyncio.run(append())


def test_a_target_that_holds_anything_is_refused_and_left_alone(source: Path, target: Path) -> None:
    leave_something_in(target)
    before = exported(target)
    result = copy(source, target)
    assert (result.exit_code, result.stdout) == (1, "")
    assert "1 waiting messages" in result.stderr
    assert exported(target) == before
    start(source)


def test_an_unfinished_copy_of_something_else_is_refused(source: Path, target: Path) -> None:
    mark(target, CopyMarks(incoming="another", is_incomplete=True))
    result = copy(source, target)
    assert result.exit_code == 1
    assert "unfinished copy of something else" in result.stderr


def test_what_was_moved_is_not_copied_to_another_place(source: Path, target: Path, tmp_path: Path) -> None:
    copy(source, target)
    result = copy(source, tmp_path / "third")
    assert result.exit_code == 1
    assert f"was moved to {target}" in result.stderr


def test_a_copy_is_not_repeated_once_the_target_was_moved_on(source: Path, target: Path, tmp_path: Path) -> None:
    copy(source, target)
    copy(target, tmp_path / "third")
    result = copy(source, target)
    assert result.exit_code == 1
    assert f"{target} was moved to {tmp_path / 'third'} already" in result.stderr


def test_what_was_moved_on_is_not_replaced_by_something_else(source: Path, target: Path, tmp_path: Path) -> None:
    copy(source, target)
    start(tmp_path / "other")
    result = copy(tmp_path / "other", source)
    assert result.exit_code == 1
    assert f"{source} was moved to {target} already" in result.stderr


def test_what_was_moved_may_be_moved_back_over_the_old_data(source: Path, target: Path) -> None:
    copy(source, target)
    leave_something_in(target)
    assert copy(target, source).exit_code == 0
    assert exported(source) == exported(target)
    start(source)


def test_a_storage_is_not_copied_to_itself(source: Path) -> None:
    result = copy(source, source)
    assert result.exit_code == 1
    assert "can't be copied to itself" in result.stderr
    start(source)


def test_operators_still_read_what_was_moved_and_are_told_so(source: Path, target: Path) -> None:
    before = exported(source)
    copy(source, target)
    assert exported(source) == before
    result = CliRunner().invoke(main, ("outbox", "list"), env={"FLYTE_SLACK_STORAGE": source.as_uri()})
    assert f"was moved to {target}" in result.stderr


def test_a_pack_that_runs_on_either_end_is_named(source: Path, target: Path) -> None:
    async def copy_beside(directory: Path) -> Result:
        async with FileStorage(directory, CLOCK).open():
            return await asyncio.to_thread(copy, source, target)

    for directory in (source, target):
        result = asyncio.run(copy_beside(directory))
        assert result.exit_code == 1
        assert f"process {os.getpid()} on" in result.stderr


def test_nothing_is_read_beside_a_copy(source: Path) -> None:
    async def export_beside() -> list[str]:
        async with FileStorage(source, CLOCK).open_for_copy(creates=False):
            return await asyncio.to_thread(exported, source)

    assert asyncio.run(export_beside()) == ["", ""]


def test_a_damaged_source_is_refused_as_it_is(source: Path, target: Path) -> None:
    (source / "flyte-slack.db").write_bytes(b"damaged")
    result = copy(source, target)
    assert result.exit_code == 1
    assert "is damaged" in result.stderr
    assert (source / "flyte-slack.db").read_bytes() == b"damaged"


@pytest.mark.parametrize(
    ("source", "target", "message"),
    [
        ("file:///nowhere/at/all", "file:///elsewhere", "there is no /nowhere/at/all/flyte-slack.db"),
        ("memory:", "file:///elsewhere", "FROM: such a storage can't be copied"),
        ("file:///nowhere", "memory:", "TO: such a storage can't be copied"),
        ("/nowhere", "file:///elsewhere", "FROM: the scheme is unknown"),
        (
            "file:///nowhere",
            "postgresql://me:hush@here/pack?secretly=1",
            "TO: postgresql: the parameter secretly is unknown",
        ),
    ],
)
def test_a_storage_that_can_not_be_copied_is_refused(source: str, target: str, message: str) -> None:
    result = copy(source, target)
    assert result.exit_code in (1, 2)
    assert message in result.stderr
    assert ":hush" not in result.stderr
