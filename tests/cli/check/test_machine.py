import os
import tempfile
from pathlib import Path
from types import SimpleNamespace

from adapters.filesystem.storage import FileStorage
from application.ports.clock import Clock
from entrypoints.check.clock_skew import ClockSkews, check_clock
from entrypoints.check.findings import Finding, Status
from tests.cli.check.environment import CheckEnvironment, ShiftedClock, running_pack


async def test_a_directory_that_is_not_there_yet_is_not_made(env: CheckEnvironment) -> None:
    assert (await env.finding("directory")).message == f"{env.directory} will be made at the start"
    assert not env.directory.exists()


async def test_a_directory_that_a_pack_used_is_left_as_it_was(env: CheckEnvironment) -> None:
    async with FileStorage(env.directory).open():
        pass
    (env.directory / "channels.json").write_text('["C1","C2"]')
    before = {path: (path.stat().st_mtime_ns, path.stat().st_mode) for path in env.directory.iterdir()}

    found = {found.check: found for found in await env.findings()}

    assert found["directory"].message == f"{env.directory} can be written to"
    assert found["directory lock"].message == "no pack is at work there"
    assert found["joined channels"].message == "2"
    assert {path: (path.stat().st_mtime_ns, path.stat().st_mode) for path in env.directory.iterdir()} == before


async def test_a_temporary_directory_is_a_warning(env: CheckEnvironment, tmp_path: Path) -> None:
    env.monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))

    [trouble] = await env.problems()

    assert (trouble.check, trouble.status) == ("directory", Status.WARNING)
    assert "FLYTE_SLACK_BACKUP_DIR" in trouble.remedy


async def test_a_directory_that_others_read_for_the_sake_of_other_files_is_a_warning(env: CheckEnvironment) -> None:
    env.directory.mkdir(0o755)
    (env.directory / "photos.zip").touch()

    [trouble] = await env.problems()

    assert (trouble.check, trouble.status) == ("directory", Status.WARNING)
    assert "photos.zip" in trouble.message


async def test_a_lock_held_by_the_pack_that_runs_here_is_as_it_should_be(env: CheckEnvironment) -> None:
    async with FileStorage(env.directory).open(), running_pack() as port:
        env.variables["FLYTE_SLACK_HTTP_PORT"] = port
        found = {found.check: found for found in await env.findings()}

    assert found["directory lock"].status is Status.OK
    assert f"process {os.getpid()}" in found["directory lock"].message
    assert found["http port"].message == f"the pack that runs at http://127.0.0.1:{port} is healthy"


async def test_joined_channels_that_cant_be_read_are_a_warning(env: CheckEnvironment) -> None:
    env.directory.mkdir(0o700)
    (env.directory / "channels.json").write_text("C1, C2")

    [trouble] = await env.problems()

    assert (trouble.check, trouble.status) == ("joined channels", Status.WARNING)
    assert '["C024BE91L"]' in trouble.remedy


async def test_little_space_is_a_warning(env: CheckEnvironment) -> None:
    env.monkeypatch.setattr(os, "statvfs", lambda _: SimpleNamespace(f_bavail=100, f_frsize=1024**2))

    [trouble] = await env.problems()

    assert (trouble.check, trouble.status) == ("disk space", Status.WARNING)
    assert trouble.message == f"100 MiB are free for {env.directory}"


async def test_a_storage_in_memory_is_a_warning(env: CheckEnvironment) -> None:
    env.variables |= {"FLYTE_SLACK_STORAGE": "memory:", "FLYTE_SLACK_BACKUP_DIR": ""}

    [trouble] = await env.problems()

    assert (trouble.check, trouble.status) == ("storage", Status.WARNING)


async def test_a_running_pack_that_is_not_healthy_is_a_warning(env: CheckEnvironment) -> None:
    async with running_pack(problem="out of reach") as port:
        env.variables["FLYTE_SLACK_HTTP_PORT"] = port
        trouble = next(found for found in await env.problems() if found.check == "http port")

    assert trouble.status is Status.WARNING
    assert "slack: out of reach" in trouble.message


async def test_where_nothing_runs_yet_slack_s_request_url_is_told(env: CheckEnvironment) -> None:
    env.receive_by_http()

    requests = await env.finding("slack requests")

    assert requests.status is Status.SKIPPED
    assert "Request URL: https://YOUR-HOST/slack/events" in requests.remedy
    assert await env.problems() == []


async def test_a_running_pack_is_sent_a_signed_challenge(env: CheckEnvironment) -> None:
    env.receive_by_http()
    async with running_pack(signing_secret=env.slack.signing_secret) as port:
        env.variables["FLYTE_SLACK_HTTP_PORT"] = port
        requests = await env.finding("slack requests")

    assert requests.status is Status.OK


def clock_finding(clock: Clock, **sent_at: float) -> Finding:
    """What is found when servers told these seconds after this clock's time."""
    skews = ClockSkews(clock)
    for server, seconds in sent_at.items():
        skews.record(server, ShiftedClock(seconds).now())
    [finding] = check_clock(skews)
    return finding


def test_a_clock_within_a_minute_of_slack_s_and_flyte_s_is_well() -> None:
    assert clock_finding(ShiftedClock(0), Slack=-50, Flyte=50).status is Status.OK


def test_only_flyte_s_clock_being_wrong_is_a_warning_about_flyte_s() -> None:
    finding = clock_finding(ShiftedClock(0), Slack=0.5, Flyte=-300.5)

    assert (finding.status, finding.remedy.partition(":")[0]) == (Status.WARNING, "on Flyte's machine")
    assert finding.message == "Flyte's is wrong: this machine's is 300 s ahead of that of Flyte"


def test_a_clock_that_nobody_can_be_asked_about_is_skipped() -> None:
    assert clock_finding(ShiftedClock(0)).status is Status.SKIPPED
