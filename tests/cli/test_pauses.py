"""`flyte-slack pauses`, on a storage that no pack uses and beside a running one."""

import asyncio
import os
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from adapters.filesystem.storage import FileStorage
from adapters.system_clock import SystemClock
from domain.channels import ChannelId
from entrypoints.cli.commands import main

pytestmark = pytest.mark.usefixtures("restored_logging")

C1, C2 = ChannelId("C1"), ChannelId("C2\x1b[31m")


@pytest.fixture
async def directory(tmp_path: Path) -> Path:
    """A storage with two paused channels."""
    storage = FileStorage(tmp_path / "state", SystemClock())
    async with storage.open():
        await storage.rate_limiter.pause(C1, 3600)
        await storage.rate_limiter.pause(C2, 600)
    return tmp_path / "state"


def _run(directory: Path, *arguments: str) -> Result:
    environment = {"FLYTE_SLACK_STORAGE": directory.as_uri()}
    return CliRunner().invoke(main, ("pauses", *arguments), env={**dict.fromkeys(os.environ), **environment})


def test_list_shows_paused_channels_and_the_seconds_left(directory: Path) -> None:
    result = _run(directory, "list")
    assert result.exit_code == 0
    header, first, second = result.stdout.splitlines()
    assert header.split() == ["channel,", "method", "seconds", "left"]
    assert first.split()[0] == "C1"
    assert 3500 <= int(first.split()[1]) <= 3600
    assert "\x1b" not in second


def test_lift_ends_the_pause_of_the_named_channels(directory: Path) -> None:
    result = _run(directory, "lift", "C1", "C9")
    assert result.stdout.splitlines() == ["C1: lifted", "C9: is not paused"]
    assert len(_run(directory, "list").stdout.splitlines()) == 2


def test_lift_all_ends_every_pause(directory: Path) -> None:
    assert _run(directory, "lift", "--all").stdout.splitlines()[0] == "C1: lifted"
    assert _run(directory, "list").stdout == "no channel is paused, and no method\n"
    assert _run(directory, "lift", "--all").stdout == "no channel is paused, and no method\n"


@pytest.mark.parametrize("arguments", [(), ("--all", "C1")])
def test_lift_needs_channels_or_all(directory: Path, arguments: tuple[str, ...]) -> None:
    result = _run(directory, "lift", *arguments)
    assert result.exit_code == 2
    assert "--all" in result.stderr


async def test_paused_methods_are_listed_and_lifted_by_name(directory: Path) -> None:
    storage = FileStorage(directory, SystemClock())
    async with storage.open():
        await storage.rate_limiter.pause("leave", 3000)
        await storage.rate_limiter.sync()
        listed = await asyncio.to_thread(_run, directory, "list")
        lifted = await asyncio.to_thread(_run, directory, "lift", "leave")
        await storage.rate_limiter.sync()
        left = await storage.rate_limiter.pause_left("leave")

    assert listed.stdout.splitlines()[-1].split()[0] == "leave"
    assert lifted.stdout == "leave: lifted\n"
    assert left == 0


async def test_lift_works_beside_a_running_pack(directory: Path) -> None:
    storage = FileStorage(directory, SystemClock())
    async with storage.open():
        result = await asyncio.to_thread(_run, directory, "lift", "C1")
        assert result.stdout == "C1: lifted\n"
        await storage.rate_limiter.sync()
        assert list(await storage.rate_limiter.paused()) == [C2]


def test_a_missing_storage_is_an_error_that_names_the_variables(tmp_path: Path) -> None:
    result = _run(tmp_path / "none", "list")
    assert result.exit_code == 1
    assert result.stderr.startswith("flyte-slack pauses: ")
