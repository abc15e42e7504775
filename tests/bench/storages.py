"""The storages that benchmarks compare."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, ExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any, Final

from adapters.storage_urls import create_storage
from adapters.system_clock import SystemClock
from application.ports.storage import Storage
from domain.channels import ChannelId
from tests.bench.environment import BenchEnvironment
from tests.support.daemon_process import DaemonProcess
from tests.support.postgres_server import ServerProcess, fresh_database

MEMORY: Final = "memory:"


@dataclass(frozen=True, slots=True)
class BenchStorage:
    """Where packs store, and how many run on it."""

    name: str
    url: str
    replicas: int = 1
    server: ServerProcess | None = None

    def server_cpu_seconds(self) -> float:
        """Returns the CPU time that its server has used, if it has one."""
        return self.server.cpu_seconds() if self.server else 0.0

    @property
    def variables(self) -> dict[str, str]:
        """The variables of a pack."""
        return {"FLYTE_SLACK_STORAGE": self.url, "FLYTE_SLACK_BACKUP_DIR": ""}

    async def join(self, env: BenchEnvironment) -> None:
        """Joins the channels of an environment, in a storage that outlasts the pack."""
        async with self.open() as storage:
            for channel in env.channels:
                await storage.channels.join(ChannelId(channel), since=datetime.now(UTC))

    @asynccontextmanager
    async def open(self) -> AsyncIterator[Storage]:
        """Opens the storage while no pack runs."""
        storage = create_storage(self.url, SystemClock())
        async with storage.open():
            yield storage

    @asynccontextmanager
    async def packs(self, env: BenchEnvironment, **variables: str) -> AsyncIterator[list[DaemonProcess]]:
        """Runs the packs, registered and receiving, and stops them in order."""
        joins = {"FLYTE_SLACK_DEFAULT_JOIN_CHANNEL": ",".join(env.channels)} if self.url == MEMORY else {}
        async with AsyncExitStack() as stack:
            packs = []
            for _ in range(self.replicas):
                pack, _seconds = await stack.enter_async_context(env.pack(**self.variables, **joins, **variables))
                packs.append(pack)
            for channel in env.channels if joins else ():
                await packs[0].wait_for_line(partial(_tells_of_joining, channel))
            yield packs
            for pack in packs:
                await pack.stop()


@asynccontextmanager
async def bench_storages(directory: Path, replicas: tuple[int, ...] = (1,)) -> AsyncIterator[list[BenchStorage]]:
    """Provides one storage of each kind, and a database of its own for each number of replicas.

    The database's server writes to the disk, as the directory does.
    """
    with ServerProcess(durable=True) as server, ExitStack() as stack:
        shared = [
            BenchStorage(_name(count), stack.enter_context(fresh_database(server.url)), count, server)
            for count in replicas
        ]
        in_directory = BenchStorage("a directory", (directory / "state").as_uri())
        yield [BenchStorage("memory", MEMORY), in_directory, *shared]


def _tells_of_joining(channel: str, line: dict[str, Any]) -> bool:
    return bool(line["event"] == "default_channel_joined" and line["channel"] == channel)


def _name(replicas: int) -> str:
    return "PostgreSQL" if replicas == 1 else f"PostgreSQL, {replicas} packs"
