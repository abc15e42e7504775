"""A storage whose process is killed, whose disk is full, or whose files are damaged or moved."""

import os
import shutil
import signal
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from adapters.filesystem.schema import VERSION
from adapters.filesystem.storage import FileStorage
from domain.actions import ActionState
from domain.channels import ChannelId
from domain.errors import StorageUnavailable, StorageUnusable
from domain.outbox import Backlog
from entrypoints.testing.storage_values import (
    CLOCK,
    HELD,
    LANE_A,
    LEASE,
    NOW,
    STEP_A,
    A,
    B,
    X,
    Y,
    action,
    at,
    new_entry,
)
from tests.support.storage_process import BATCH
from tests.support.storage_processes import storage_process


async def store_entry(directory: Path) -> None:
    storage = FileStorage(directory, CLOCK)
    async with storage.open():
        await storage.outbox.append([new_entry(A, 1)])


async def test_confirmed_appends_survive_a_kill(directory: Path) -> None:
    with storage_process("append_forever", directory) as process:
        safe = {int(process.stdout.readline()) for _ in range(200)}
        process.send_signal(signal.SIGKILL)
        safe |= {int(line) for line in process.stdout if line.endswith("\n")}
    storage = FileStorage(directory, CLOCK)
    async with storage.open():
        waiting = [entry async for entry in storage.outbox.entries()]
        assert {
            new_entry(ChannelId(f"C{number % 7}"), number * BATCH + n).key for number in safe for n in range(BATCH)
        } <= {entry.key for entry in waiting}
        assert len(waiting) % BATCH == 0, "all of a batch or none"
        assert (await storage.outbox.backlog()).waiting == len(waiting)


async def test_claims_and_actions_of_a_killed_process_are_released(directory: Path) -> None:
    with storage_process("hold_claims", directory) as process:
        assert process.stdout.readline() == "open\n"
    storage = FileStorage(directory, CLOCK)
    async with storage.open():
        [claim] = await at(storage, NOW).outbox.claim(1, 10, LEASE)
        assert (claim.entries, claim.previous_lease_expired) == ((new_entry(A, 2),), True)
        [entry] = await storage.journal.claim_orphans(10)
        assert (entry.action.id, entry.state) == (X, ActionState.EXECUTING)
        assert entry.steps[STEP_A].begun_at == NOW


async def test_a_kill_leaves_nothing_to_repair(directory: Path) -> None:
    with storage_process("append_forever", directory) as process:
        for _ in range(200):
            process.stdout.readline()
        process.send_signal(signal.SIGKILL)
    with capture_logs() as logs:
        async with FileStorage(directory, CLOCK).open():
            pass
    assert {line["event"] for line in logs} <= {"storage_in_temporary_directory"}


async def test_a_full_disk_loses_nothing_and_refuses_writes_until_there_is_room(directory: Path) -> None:
    with storage_process("fill_disk", directory) as process:
        lines = process.stdout.read().splitlines()
    assert process.returncode == 0, "it ran to its end"
    stored = [int(line.removeprefix("stored ")) for line in lines if line.startswith("stored")]
    refused = [line for line in lines if line.startswith("refused")]
    assert len(stored) > 20
    assert "flyte-slack.db" in refused[0]
    assert refused[-1].startswith("refused to join")
    assert lines[-2:] == [refused[-1], f"stored {stored[-1]}"], "writing works again once there is room"
    storage = FileStorage(directory, CLOCK)
    async with storage.open():
        assert [int(entry.key.split(":")[1][:-7]) async for entry in storage.outbox.entries()] == stored
        assert (await storage.channels.joined()).ids == ()


async def test_a_moved_storage_is_unavailable_until_it_is_back(directory: Path) -> None:
    storage = FileStorage(directory, CLOCK)
    async with storage.open():
        directory.rename(directory.with_name("away"))
        directory.write_text("in its place")
        with pytest.raises(StorageUnavailable, match="Not a directory"):
            await storage.outbox.append([new_entry(A, 1)])
        with pytest.raises(StorageUnavailable, match="Not a directory"):
            await storage.channels.join(A, since=NOW)
        directory.unlink()
        directory.with_name("away").rename(directory)
        assert await storage.outbox.append([new_entry(A, 1)]) == [True]
        await storage.channels.join(A, since=NOW)
    async with storage.open():
        assert (await storage.outbox.backlog()).waiting == 1
        assert (await storage.channels.joined()).ids == (A,)


async def test_a_replaced_file_is_not_written_to(directory: Path) -> None:
    storage = FileStorage(directory, CLOCK)
    async with storage.open():
        file = directory / "flyte-slack.db"
        file.rename(directory / "away")
        file.touch()
        with pytest.raises(StorageUnavailable, match="was replaced"):
            await storage.outbox.append([new_entry(A, 1)])
        file.unlink()
        (directory / "away").rename(file)
        assert await storage.outbox.append([new_entry(A, 1)]) == [True]


async def test_a_deleted_file_is_not_recreated_while_the_pack_runs(directory: Path) -> None:
    storage = FileStorage(directory, CLOCK)
    async with storage.open():
        (directory / "flyte-slack.db").unlink()
        with pytest.raises(StorageUnavailable, match="No such file"):
            await storage.outbox.append([new_entry(A, 1)])


async def test_a_database_emptied_in_use_accepts_nothing_more(directory: Path) -> None:
    await store_entry(directory)
    storage = FileStorage(directory, CLOCK)
    async with storage.open():
        await storage.outbox.append([new_entry(A, 2)])
        os.truncate(directory / "flyte-slack.db", 0)
        for number in range(3, 7):
            with pytest.raises(StorageUnavailable, match="was emptied while in use; stop the pack"):
                await storage.outbox.append([new_entry(A, number)])
    with capture_logs() as logs:
        await store_entry(directory)
    assert "state_unreadable" in [line["event"] for line in logs]


async def test_a_new_database_emptied_in_use_is_saved_from_its_log_at_the_end(directory: Path) -> None:
    storage = FileStorage(directory, CLOCK)
    async with storage.open():
        await storage.outbox.append([new_entry(A, 1)])
        os.truncate(directory / "flyte-slack.db", 0)
        with pytest.raises(StorageUnavailable):
            await storage.outbox.append([new_entry(A, 2)])
    async with storage.open():
        assert [entry async for entry in storage.outbox.entries()] == [new_entry(A, 1)]


@pytest.mark.parametrize("content", [b"no database", b"SQLite format 3\x00" + bytes(5000)], ids=["foreign", "damaged"])
async def test_a_file_that_is_not_a_database_is_quarantined_and_reported(directory: Path, content: bytes) -> None:
    await store_entry(directory)
    (directory / "flyte-slack.db").write_bytes(content)
    with capture_logs() as logs:
        await store_entry(directory)
    [quarantined] = directory.glob("flyte-slack.db.unreadable-*")
    assert quarantined.read_bytes() == content
    [line] = [line for line in logs if line["event"] == "state_unreadable"]
    assert (line["log_level"], line["kept_as"]) == ("error", quarantined.name)


async def test_a_corrupt_page_is_found_at_the_start(directory: Path) -> None:
    storage = FileStorage(directory, CLOCK)
    async with storage.open():
        await storage.outbox.append([new_entry(A, n) for n in range(2000)])
    file = directory / "flyte-slack.db"
    content = file.read_bytes()
    file.write_bytes(content[: len(content) // 2] + b"\xff" * 8192 + content[len(content) // 2 + 8192 :])
    async with storage.open():
        assert (await storage.outbox.backlog()).waiting == 0
    assert len(list(directory.glob("flyte-slack.db.unreadable-*"))) == 1


async def test_a_directory_instead_of_the_file_is_quarantined(directory: Path) -> None:
    (directory / "flyte-slack.db" / "precious").mkdir(parents=True)
    directory.chmod(0o700)
    await store_entry(directory)
    [quarantined] = directory.glob("flyte-slack.db.unreadable-*")
    assert (quarantined / "precious").is_dir()


async def test_a_corrupt_database_does_not_lose_joined_channels(directory: Path) -> None:
    storage = FileStorage(directory, CLOCK)
    async with storage.open():
        await storage.channels.join(B, since=NOW)
    (directory / "flyte-slack.db").write_bytes(b"no database")
    async with storage.open():
        assert (await storage.channels.joined()).ids == (B,)


async def test_a_file_of_a_newer_version_is_refused_and_left_unchanged(directory: Path) -> None:
    await store_entry(directory)
    with sqlite3.connect(directory / "flyte-slack.db") as connection:
        connection.execute(f"PRAGMA user_version = {VERSION + 1}")
    connection.close()
    with pytest.raises(StorageUnusable, match="newer version"):
        await store_entry(directory)
    assert list(directory.glob("*.unreadable-*")) == []


async def test_an_unreadable_entry_is_set_aside_and_its_lane_goes_on(directory: Path) -> None:
    storage = FileStorage(directory, CLOCK)
    async with storage.open():
        await storage.outbox.append([new_entry(A, 1), new_entry(A, 2), new_entry(B, 3)])
        await storage.database.run(
            lambda connection: connection.execute("UPDATE outbox SET said = '{' WHERE place = 1")
        )
        with capture_logs() as logs:
            claims = await at(storage, NOW).outbox.claim(5, 1, LEASE)
        assert [claim.entries for claim in claims] == [(new_entry(A, 2),), (new_entry(B, 3),)]
        [entry] = [entry async for entry in storage.outbox.entries(dead_lettered=True)]
        assert (entry.key, entry.dead_letter_reason) == (new_entry(A, 1).key, "unreadable: the event is damaged")
        assert [(line["event"], line["ref"]) for line in logs] == [("unreadable_set_aside", new_entry(A, 1).key)]
        assert await storage.outbox.backlog() == Backlog(2, 1, new_entry(A, 2).received_at)


async def test_an_unreadable_action_is_set_aside_and_is_not_executed_when_it_is_given_out_again(
    directory: Path,
) -> None:
    storage = FileStorage(directory, CLOCK)
    async with at(storage, NOW).open():
        await storage.journal.record(action(), lane=LANE_A)
        await storage.journal.record(action(Y), lane=LANE_A)
    damaged = sqlite3.connect(directory / "flyte-slack.db")
    with closing(damaged), damaged:
        damaged.execute("UPDATE journal SET command = x'00' WHERE id = 'x'")
    async with storage.open():
        known = await storage.journal.record(action(), lane=LANE_A)
        assert known is not None
        assert (known.state, known.dead_letter_reason) == (
            ActionState.DEAD_LETTERED,
            "unreadable: a text is damaged",
        )
        assert [entry.action.id for entry in await storage.journal.claim_orphans(5)] == [Y]
        assert await storage.journal.requeue(X)
        assert await storage.journal.claim_orphans(5) == [], "it is set aside again"
        assert await storage.journal.discard(X)


async def test_an_action_whose_step_is_unreadable_is_not_executed(directory: Path) -> None:
    storage = FileStorage(directory, CLOCK)
    async with at(storage, NOW).open():
        await storage.journal.record(action(), lane=LANE_A)
        await storage.journal.begin_step(X, STEP_A, HELD)
        await storage.database.run(lambda connection: connection.execute("UPDATE steps SET begun_at = 'at noon'"))
    async with storage.open():
        assert await storage.journal.claim_orphans(5) == []
        assert (await storage.journal.backlog()).dead_lettered == 1


@pytest.mark.parametrize("names", [("-wal",), ("-shm",), ("-wal", "-shm")], ids=" and ".join)
async def test_files_removed_beside_the_database_lose_nothing(directory: Path, names: tuple[str, ...]) -> None:
    storage = FileStorage(directory, CLOCK)
    async with storage.open():
        await storage.outbox.append([new_entry(A, 1)])
        for name in names:
            (directory / f"flyte-slack.db{name}").unlink()
        with capture_logs() as logs:
            await storage.outbox.append([new_entry(A, 2)])
        assert [(line["event"], line["lost"]) for line in logs] == [("storage_log_removed", "nothing")]
        copy = shutil.copytree(directory, directory.with_name("as a kill would leave it"))
    async with (killed := FileStorage(copy, CLOCK)).open():
        assert [entry async for entry in killed.outbox.entries()] == [new_entry(A, 1), new_entry(A, 2)]


async def test_a_log_truncated_in_use_is_reported(directory: Path) -> None:
    storage = FileStorage(directory, CLOCK)
    async with storage.open():
        await storage.outbox.append([new_entry(A, 1)])
        await storage.outbox.backlog()
        os.truncate(directory / "flyte-slack.db-wal", 0)
        with capture_logs() as logs:
            await storage.outbox.append([new_entry(A, 2)])
        assert [line["event"] for line in logs] == ["state_incomplete"]
        assert new_entry(A, 2) in [entry async for entry in storage.outbox.entries()]


@pytest.mark.parametrize("size", [None, 0, 5000], ids=["removed", "emptied", "truncated"])
async def test_a_log_that_a_killed_pack_left_incomplete_is_reported(directory: Path, size: int | None) -> None:
    with storage_process("hold_claims", directory) as process:
        assert process.stdout.readline() == "open\n"
    file = directory / "flyte-slack.db-wal"
    if size is None:
        file.unlink()
    else:
        os.truncate(file, size)
    with capture_logs() as logs:
        async with FileStorage(directory, CLOCK).open():
            pass
    assert [line["file"] for line in logs if line["event"] == "state_incomplete"] == [str(file)]


@pytest.mark.parametrize("way", ["emptied", "removed"])
async def test_a_database_that_was_emptied_or_removed_is_reported(directory: Path, way: str) -> None:
    await store_entry(directory)
    file = directory / "flyte-slack.db"
    if way == "emptied":
        os.truncate(file, 0)
    else:
        file.unlink()
    with capture_logs() as logs:
        await store_entry(directory)
    [line] = [line for line in logs if line["event"] == "state_unreadable"]
    assert line["log_level"] == "error"
    assert bool(line["kept_as"]) == (way == "emptied")


async def test_an_empty_database_beside_joined_channels_is_reported(directory: Path) -> None:
    directory.mkdir(mode=0o700)
    (directory / "channels.json").write_text('["CA"]')
    (directory / "flyte-slack.db").touch(0o600)
    with capture_logs() as logs:
        await store_entry(directory)
    assert "state_unreadable" in [line["event"] for line in logs]


async def test_an_empty_database_beside_its_log_is_reported_and_the_log_is_kept(directory: Path) -> None:
    with storage_process("hold_claims", directory) as process:
        assert process.stdout.readline() == "open\n"
    (directory / "flyte-slack.created").unlink()
    os.truncate(directory / "flyte-slack.db", 0)
    with capture_logs() as logs:
        await store_entry(directory)
    [line] = [line for line in logs if line["event"] == "state_unreadable"]
    assert (directory / f"{line['kept_as']}-wal").stat().st_size > 0


@pytest.mark.parametrize("files", [(), ("channels.json",), ("flyte-slack.lock", "flyte-slack.db")])
async def test_a_first_start_reports_nothing(directory: Path, files: tuple[str, ...]) -> None:
    directory.mkdir(mode=0o700)
    for name in files:
        (directory / name).write_text('["CA"]' if name == "channels.json" else "")
    with capture_logs() as logs:
        await store_entry(directory)
    assert [line["event"] for line in logs if line["log_level"] == "error"] == []
