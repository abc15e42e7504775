"""A large backlog in each storage: memory, time to the first delivery, speed from first to last, and order."""

import asyncio
import sys
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import Final

import psycopg

from entrypoints.simulation.flyte.trace import EventAccepted, TraceEvent
from tests.bench.environment import BenchEnvironment, bench_environment, peak_resident_bytes, resident_bytes
from tests.bench.report import Report, mebibytes
from tests.bench.storages import MEMORY, BenchStorage, bench_storages
from tests.bench.waiting import append_messages
from tests.support.daemon_process import PROGRAM, daemon, daemon_environ

_PRELOADED: Final = Path(__file__).with_name("preloaded_pack.py")
_SETTLE_SECONDS: Final = 15.0
"""Covers everything that happens at start, and the first rounds of the backlog monitor and the housekeeping."""
_SAMPLE_INTERVAL_SECONDS: Final = 1.0
_MIN_EVENTS_PER_SECOND: Final = 100
"""A slower delivery times out."""
_PARTS: Final = 10
_LOG_WARNINGS_ONLY: Final = {"LOGLEVEL": "warning"}  # one line per delivery would be a million lines


@dataclass(slots=True)
class Drain:
    """Checks that Flyte receives each channel's messages once and in the order in which they were stored."""

    expected: int
    began: float = field(default_factory=time.monotonic)
    count: int = 0
    sizes: list[int] = field(default_factory=list)
    """The pack's memory in bytes, each second."""
    peak: int = 0
    problems: list[str] = field(default_factory=list)
    part_ends: list[float] = field(default_factory=list)
    """When the first delivery was made, and when each tenth was complete, in monotonic seconds."""
    _next: dict[str, int] = field(default_factory=dict)

    def on_trace_event(self, event: TraceEvent) -> None:
        """Checks an event that Flyte has accepted."""
        if not isinstance(event, EventAccepted) or not isinstance(event.payload, dict):
            return
        channel, number = str(event.payload["channelId"]), int(event.payload["message"])
        expected = self._next.get(channel, 0)
        if number != expected and len(self.problems) < _PARTS:
            self.problems.append(f"{channel}: expected message {expected}, received {number}")
        self._next[channel] = number + 1
        self.count += 1
        if self.count == 1 or self.count % (self.expected // _PARTS) == 0:
            self.part_ends.append(event.at)

    @property
    def size_at_end(self) -> float:
        """The median size in the last tenth of the time, in bytes."""
        return median(self.sizes[-max(1, len(self.sizes) // _PARTS) :])

    def speed(self, begin: int, end: int) -> str:
        """Returns the messages per second between the ends of two tenths."""
        if len(self.part_ends) <= _PARTS:
            return "incomplete"
        messages = (end - begin) * self.expected / _PARTS
        return f"{messages / (self.part_ends[end] - self.part_ends[begin]):.0f}"


@dataclass(frozen=True, slots=True)
class Result:
    """One storage: the seconds to fill it and the bytes while Flyte is down, which a storage in memory lacks."""

    drain: Drain
    filled: float | None = None
    idle_empty: int | None = None
    idle_full: int | None = None


async def measure_backlog(report: Report, directory: Path, count: int, only: Sequence[str]) -> None:
    """Prints how packs cope with a backlog of this size. A million messages take about ten minutes in each storage."""
    directory.mkdir()
    async with bench_storages(directory, (1, 1)) as (*others, last):
        columns = {one.name: (one, False) for one in others} | {"and an old snapshot": (last, True)}
        chosen = {name: column for name, column in columns.items() if not only or name in only}
        results = [
            await _measure(directory / f"run-{number}", storage, count, has_snapshot=has_snapshot)
            for number, (storage, has_snapshot) in enumerate(chosen.values())
        ]
    drains = [one.drain for one in results]
    report.heading(f"{count} messages wait in", *chosen)
    report.row("written in", *(_seconds(one.filled) for one in results))
    report.row("memory (RSS) while Flyte is down: empty outbox", *(_size(one.idle_empty) for one in results))
    report.row("memory (RSS) while Flyte is down: all waiting", *(_size(one.idle_full) for one in results))
    report.row("start until the first delivery", *(f"{one.part_ends[0] - one.began:.2f} s" for one in drains))
    report.row("messages delivered per second", *(one.speed(0, _PARTS) for one in drains))
    report.row("  of the first tenth", *(one.speed(0, 1) for one in drains))
    report.row("  of the last tenth", *(one.speed(_PARTS - 1, _PARTS) for one in drains))
    report.row("  in order within each channel", *(report.check("backlog", one.problems) for one in drains))
    report.row("  memory (RSS): median", *(mebibytes(median(one.sizes)) for one in drains))
    report.row("  memory (RSS): in the last tenth", *(mebibytes(one.size_at_end) for one in drains))
    report.row("  memory (RSS): peak", *(mebibytes(one.peak) for one in drains))


async def _measure(directory: Path, storage: BenchStorage, count: int, *, has_snapshot: bool) -> Result:
    async with bench_environment(directory) as env:
        if storage.url == MEMORY:
            preloaded = (sys.executable, _PRELOADED, str(count), ",".join(env.channels), ",".join(env.people))
            return Result(await _drain(env, storage, count, preloaded))
        idle_empty = await _resident_bytes_while_flyte_is_down(env, storage)
        began = time.monotonic()
        async with storage.open() as opened:
            await append_messages(opened, count, env.channels, env.people)
        filled = time.monotonic() - began
        idle_full = await _resident_bytes_while_flyte_is_down(env, storage)
        async with _old_snapshot(storage.url) if has_snapshot else nullcontext():
            drain = await _drain(env, storage, count, (PROGRAM,))
        return Result(drain, filled, idle_empty, idle_full)


async def _resident_bytes_while_flyte_is_down(env: BenchEnvironment, storage: BenchStorage) -> int:
    await env.flyte.go_down()
    async with daemon(_variables(env, storage)) as pack:
        await asyncio.sleep(_SETTLE_SECONDS)
        size = resident_bytes(pack)
        await pack.stop()
    await env.flyte.come_up()
    return size


async def _drain(env: BenchEnvironment, storage: BenchStorage, count: int, program: Sequence[str | Path]) -> Drain:
    drain = Drain(count)
    env.flyte.listeners.append(drain.on_trace_event)
    async with daemon(_variables(env, storage), program=program) as pack:
        while drain.count < count and time.monotonic() - drain.began < 60 + count / _MIN_EVENTS_PER_SECOND:
            await asyncio.sleep(_SAMPLE_INTERVAL_SECONDS)
            drain.sizes.append(resident_bytes(pack))
        drain.peak = peak_resident_bytes(pack)
        await pack.stop()
    if drain.count != count:
        drain.problems.append(f"{drain.count} of {count} messages arrived")
    return drain


@asynccontextmanager
async def _old_snapshot(url: str) -> AsyncIterator[None]:
    """Holds a transaction open, as a backup does, so that the server can remove no dead row."""
    async with await psycopg.AsyncConnection.connect(url) as connection:
        await connection.set_isolation_level(psycopg.IsolationLevel.REPEATABLE_READ)
        await connection.execute("SELECT count(*) FROM flyte_slack.lanes")
        yield


def _variables(env: BenchEnvironment, storage: BenchStorage) -> dict[str, str]:
    app_token = env.slack.app_token
    variables = daemon_environ(env.slack, env.flyte, env.directory, FLYTE_SLACK_APP_TOKEN=app_token)
    return variables | storage.variables | _LOG_WARNINGS_ONLY


def _seconds(seconds: float | None) -> str:
    return "" if seconds is None else f"{seconds:.0f} s"


def _size(size: int | None) -> str:
    return "" if size is None else mebibytes(size)
