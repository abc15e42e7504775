import os
import tempfile
from asyncio import Future
from pathlib import Path
from types import SimpleNamespace

import pytest

from adapters.filesystem.storage import FileStorage
from adapters.system_clock import SystemClock
from application.ports.clock import Clock
from application.ports.storage import StorageDescription
from application.ports.transfer import CopyMarks
from entrypoints.check.clock_skew import ClockSkews, check_clock
from entrypoints.check.findings import Finding, Status
from entrypoints.check.storage import check_storage
from entrypoints.check.storage_place import StoragePlace
from tests.cli.check.environment import CheckEnvironment, ShiftedClock, running_pack


async def test_a_missing_directory_is_not_created(env: CheckEnvironment) -> None:
    assert (await env.finding("directory")).message == f"{env.directory} will be created at startup"
    assert not env.directory.exists()


async def test_a_directory_that_a_pack_has_used_is_not_changed(env: CheckEnvironment) -> None:
    async with FileStorage(env.directory, SystemClock()).open():
        pass
    (env.directory / "channels.json").write_text('["C1","C2"]')
    before = {path: (path.stat().st_mtime_ns, path.stat().st_mode) for path in env.directory.iterdir()}

    found = {found.check: found for found in await env.findings()}

    assert found["directory"].message == f"{env.directory} is writable"
    assert found["directory lock"].message == "no pack is using the directory"
    assert found["joined channels"].message == "2"
    assert {path: (path.stat().st_mtime_ns, path.stat().st_mode) for path in env.directory.iterdir()} == before


async def test_a_directory_that_was_moved_is_a_failure(env: CheckEnvironment) -> None:
    async with (storage := FileStorage(env.directory, SystemClock())).open_for_copy(creates=True):
        await storage.transfer.set_marks(CopyMarks(moved_to="the database"))

    [trouble] = await env.problems()

    assert (trouble.check, trouble.status) == ("directory", Status.FAILED)
    assert trouble.message == f"{env.directory} was moved to the database"
    assert "FLYTE_SLACK_STORAGE" in trouble.remedy


async def test_a_temporary_directory_is_a_warning(env: CheckEnvironment, tmp_path: Path) -> None:
    env.monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))

    [trouble] = await env.problems()

    assert (trouble.check, trouble.status) == ("directory", Status.WARNING)
    assert "FLYTE_SLACK_BACKUP_DIR" in trouble.remedy


async def test_a_readable_directory_with_foreign_files_is_a_warning(env: CheckEnvironment) -> None:
    env.directory.mkdir(0o755)
    (env.directory / "photos.zip").touch()

    [trouble] = await env.problems()

    assert (trouble.check, trouble.status) == ("directory", Status.WARNING)
    assert "photos.zip" in trouble.message


async def test_a_lock_held_by_the_pack_running_here_is_ok(env: CheckEnvironment) -> None:
    async with FileStorage(env.directory, SystemClock()).open(), running_pack() as port:
        env.variables["FLYTE_SLACK_HTTP_PORT"] = port
        found = {found.check: found for found in await env.findings()}

    assert found["directory lock"].status is Status.OK
    assert f"process {os.getpid()}" in found["directory lock"].message
    assert found["http port"].message == f"the pack running at http://127.0.0.1:{port} is healthy"


async def test_an_unreadable_list_of_joined_channels_is_a_warning(env: CheckEnvironment) -> None:
    env.directory.mkdir(0o700)
    (env.directory / "channels.json").write_text("C1, C2")

    [trouble] = await env.problems()

    assert (trouble.check, trouble.status) == ("joined channels", Status.WARNING)
    assert '["C024BE91L"]' in trouble.remedy


async def test_low_disk_space_is_a_warning(env: CheckEnvironment) -> None:
    env.monkeypatch.setattr(os, "statvfs", lambda _: SimpleNamespace(f_bavail=100, f_frsize=1024**2))

    [trouble] = await env.problems()

    assert (trouble.check, trouble.status) == ("disk space", Status.WARNING)
    assert trouble.message == f"100 MiB free for {env.directory}"


async def test_a_storage_in_memory_is_a_warning(env: CheckEnvironment) -> None:
    env.variables |= {"FLYTE_SLACK_STORAGE": "memory:", "FLYTE_SLACK_BACKUP_DIR": ""}

    [trouble] = await env.problems()

    assert (trouble.check, trouble.status) == ("storage", Status.WARNING)


async def test_a_durable_storage_without_a_directory_is_ok() -> None:
    description = StorageDescription("a database on db.example", is_durable=True, is_shared=True)
    running: Future[None] = Future()
    place: Future[StoragePlace] = Future()
    place.set_result(StoragePlace())

    [storage] = [finding async for finding in check_storage(description, place, running)]

    assert (storage.check, storage.status) == ("storage", Status.OK)
    assert storage.message == "durable, in a database on db.example; several packs can share it"


async def test_an_unhealthy_running_pack_is_a_warning(env: CheckEnvironment) -> None:
    async with running_pack(problem="out of reach") as port:
        env.variables["FLYTE_SLACK_HTTP_PORT"] = port
        trouble = next(found for found in await env.problems() if found.check == "http port")

    assert trouble.status is Status.WARNING
    assert "slack: out of reach" in trouble.message


async def test_while_no_pack_is_running_the_request_url_is_shown(env: CheckEnvironment) -> None:
    env.receive_by_http()

    requests = await env.finding("slack requests")

    assert requests.status is Status.SKIPPED
    assert "Request URL: https://YOUR-HOST/slack/events" in requests.remedy
    assert await env.problems() == []


async def test_a_running_pack_that_answers_a_signed_challenge_is_ok(env: CheckEnvironment) -> None:
    env.receive_by_http()
    async with running_pack(signing_secret=env.slack.signing_secret) as port:
        env.variables["FLYTE_SLACK_HTTP_PORT"] = port
        requests = await env.finding("slack requests")

    assert requests.status is Status.OK


def clock_finding(clock: Clock, **sent_at: float) -> Finding:
    """The finding when each server's clock is this many seconds ahead of the system clock."""
    skews = ClockSkews(clock)
    for server, seconds in sent_at.items():
        skews.record(server, ShiftedClock(seconds).now())
    return check_clock(skews)


def test_a_clock_within_a_minute_of_both_servers_is_ok() -> None:
    assert clock_finding(ShiftedClock(0), Slack=-50, Flyte=50).status is Status.OK


def test_a_wrong_clock_of_flyte_only_is_a_warning() -> None:
    finding = clock_finding(ShiftedClock(0), Slack=0.5, Flyte=-300.5)

    assert (finding.status, finding.remedy.partition(":")[0]) == (Status.WARNING, "on Flyte's host")
    assert finding.message == "Flyte's clock is wrong: this machine is 300 s ahead of Flyte"


def test_the_clock_is_skipped_when_no_server_sends_the_time() -> None:
    assert clock_finding(ShiftedClock(0)).status is Status.SKIPPED


async def test_a_recording_that_can_be_written_is_ok_and_not_created(env: CheckEnvironment, tmp_path: Path) -> None:
    env.variables["FLYTE_SLACK_RECORD"] = str(tmp_path / "record.jsonl")
    assert (await env.finding("recording")).status is Status.OK
    assert not (tmp_path / "record.jsonl").exists()


@pytest.mark.parametrize("name", ["none/record.jsonl", "link.jsonl", "pipe", "flow.yaml"])
async def test_a_recording_that_can_not_be_written_ends_a_start(
    env: CheckEnvironment, tmp_path: Path, name: str
) -> None:
    (tmp_path / "link.jsonl").symlink_to(tmp_path / "record.jsonl")
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "flow.yaml").write_text("name: hello\n")
    env.variables["FLYTE_SLACK_RECORD"] = str(tmp_path / name)
    finding = await env.finding("recording")
    assert finding.status is Status.FAILED
    assert finding.ends_start
    assert "FLYTE_SLACK_RECORD" in finding.remedy
