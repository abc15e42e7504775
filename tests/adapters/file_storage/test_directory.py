"""The directory of a storage: private, and locked by one pack at a time."""

import errno
import os
import signal
import stat
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from adapters.filesystem.storage import FileStorage
from domain.errors import StorageUnusable
from entrypoints.testing.storage_values import CLOCK, NOW, A
from tests.support.storage_processes import storage_process


def mode(path: Path) -> int:
    return stat.S_IMODE(path.lstat().st_mode)


async def open_and_join(directory: Path) -> None:
    storage = FileStorage(directory, CLOCK)
    async with storage.open():
        await storage.channels.join(A, since=NOW)


async def refusal(directory: Path) -> str:
    with pytest.raises(StorageUnusable) as refused:
        await open_and_join(directory)
    return str(refused.value)


async def test_a_missing_directory_is_created_for_its_owner_only(directory: Path) -> None:
    previous = os.umask(0)
    try:
        await open_and_join(directory / "deep")
        storage = FileStorage(directory / "deep", CLOCK)
        async with storage.open():
            await storage.channels.set_unjoined_memberships(frozenset())
            files = list((directory / "deep").iterdir())
            assert len(files) == 6
            assert {mode(path) for path in files} == {0o600}
    finally:
        os.umask(previous)
    assert mode(directory / "deep") == 0o700


async def test_a_directory_with_nothing_but_the_packs_files_is_made_private(directory: Path) -> None:
    directory.mkdir(mode=0o755)
    (directory / "channels.json").write_text("[]")
    (directory / "channels.json").chmod(0o644)
    await open_and_join(directory)
    assert (mode(directory), mode(directory / "channels.json")) == (0o700, 0o600)


async def test_a_shared_readable_directory_stays_readable_with_a_warning(directory: Path) -> None:
    directory.mkdir(mode=0o755)
    (directory / "other").touch()
    with capture_logs() as logs:
        await open_and_join(directory)
    assert mode(directory) == 0o755
    assert mode(directory / "flyte-slack.db") == 0o600
    assert "directory_open_to_others" in [line["event"] for line in logs]


async def test_a_directory_that_others_can_write_to_is_refused(directory: Path) -> None:
    directory.mkdir()
    directory.chmod(0o1777)
    (directory / "other").touch()
    assert "others can write" in await refusal(directory)


async def test_a_symbolic_link_instead_of_the_directory_is_refused(directory: Path, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    directory.symlink_to(tmp_path / "elsewhere")
    assert "is a link" in await refusal(directory)
    assert list((tmp_path / "elsewhere").iterdir()) == []


@pytest.mark.parametrize("name", ["channels.json", "flyte-slack.db", "flyte-slack.db-wal", "flyte-slack.lock"])
async def test_a_symbolic_link_instead_of_a_file_is_refused(directory: Path, tmp_path: Path, name: str) -> None:
    directory.mkdir(mode=0o700)
    (directory / name).symlink_to(tmp_path / "elsewhere")
    assert f"{name} is a link" in await refusal(directory)
    assert not (tmp_path / "elsewhere").exists()


async def test_a_directory_of_another_user_is_refused(directory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    directory.mkdir(mode=0o700)
    other_user = os.geteuid() + 1
    monkeypatch.setattr(os, "geteuid", lambda: other_user)
    assert f"runs as user {other_user}" in await refusal(directory)


async def test_a_file_instead_of_the_directory_is_refused(directory: Path) -> None:
    directory.write_text("precious")
    assert "is not a directory" in await refusal(directory)
    assert directory.read_text() == "precious"


async def test_a_file_instead_of_a_parent_directory_is_refused(directory: Path) -> None:
    directory.write_text("precious")
    assert "Not a directory" in await refusal(directory / "deep")


async def test_a_directory_that_cannot_be_written_to_is_refused_with_a_remedy(
    directory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    directory.mkdir(mode=0o700)

    def deny(path: Path, _flags: int, _mode: int = 0) -> int:
        raise PermissionError(errno.EACCES, "Permission denied", str(path))

    # Removing a permission would have no effect on the superuser.
    monkeypatch.setattr(os, "open", deny)
    assert "let this process's user write there" in await refusal(directory)


async def test_a_second_pack_is_refused_and_told_which_process_holds_the_lock(directory: Path) -> None:
    async with FileStorage(directory, CLOCK).open():
        assert f"process {os.getpid()}" in await refusal(directory)
    await open_and_join(directory)


async def test_a_second_process_is_refused_until_the_first_has_exited(directory: Path) -> None:
    with storage_process("hold_lock", directory) as process:
        assert process.stdout.readline() == "open\n"
        assert f"process {process.pid}" in await refusal(directory)
        process.send_signal(signal.SIGKILL)
        process.wait(10)
        await open_and_join(directory)


async def test_a_failed_start_releases_the_lock(directory: Path) -> None:
    directory.mkdir(mode=0o700)
    (directory / "channels.json").symlink_to("nowhere")
    await refusal(directory)
    (directory / "channels.json").unlink()
    await open_and_join(directory)


async def test_a_temporary_directory_is_reported_with_a_warning(
    directory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.gettempdir", lambda: str(directory.parent))
    with capture_logs() as logs:
        await open_and_join(directory)
    assert [line["event"] for line in logs] == ["storage_in_temporary_directory"]


async def test_a_permanent_directory_is_used_without_a_warning(
    directory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.gettempdir", lambda: str(directory.parent / "elsewhere"))
    with capture_logs() as logs:
        await open_and_join(directory)
    assert logs == []
