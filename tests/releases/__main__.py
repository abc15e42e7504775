"""Keeps what the storages of this release contain."""

import asyncio
import json
import re
import subprocess
from collections.abc import Callable
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path

from adapters.filesystem.storage import FileStorage
from adapters.postgresql.storage import PostgresStorage
from application.ports.storage import Storage
from entrypoints.testing.storage_contents import fill
from entrypoints.testing.storage_values import CLOCK, NOW
from entrypoints.testing.transfer_contract import exported
from tests.support.postgres_server import fresh_database, program_folder, running_server

FOLDER = Path(__file__).parent
_NOT_IN_EVERY_RELEASE = re.compile(r"^(?:SET |SELECT pg_catalog\.set_config|\\|--).*\n|^\n", re.MULTILINE)
"""Comments, and statements for psql and for the release of PostgreSQL that wrote them."""


def keep() -> None:
    """Writes the folder of this release."""
    folder = FOLDER / version("flyte-slack")
    folder.mkdir()
    _keep_directory(folder)
    _keep_database(folder)


def _keep_directory(folder: Path) -> None:
    CLOCK.time = NOW
    directory = folder / "directory"
    records = asyncio.run(_filled(lambda: FileStorage(directory, CLOCK)))
    (directory / "flyte-slack.lock").unlink()
    (folder / "directory.json").write_text(records)


def _keep_database(folder: Path) -> None:
    CLOCK.time = NOW
    with running_server() as server, fresh_database(server) as url:
        records = asyncio.run(_filled(lambda: PostgresStorage(url, CLOCK, lease_seconds=20)))
        options = ["--schema=flyte_slack", "--inserts", "--no-owner", "--no-privileges", url]
        command = [str(program_folder() / "pg_dump"), *options]
        dump = subprocess.run(command, capture_output=True, text=True, check=True).stdout  # noqa: S603 - ours
    (folder / "postgresql.sql").write_text(_NOT_IN_EVERY_RELEASE.sub("", dump))
    (folder / "postgresql.json").write_text(records)


async def _filled(create: Callable[[], Storage]) -> str:
    """Fills a storage, and starts and stops a pack on it. Returns its records."""
    async with (storage := create()).open():
        await fill(storage)
    async with create().open():
        pass
    records = [[type(record).__name__, asdict(record)] for record in await exported(create())]
    return json.dumps(records, indent=1, ensure_ascii=False) + "\n"


keep()
