"""A large backlog in each storage: memory, time to the first delivery, speed from first to last, and order."""

import asyncio
import sys
import time
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import Final

import psycopg

from entrypoints.simulation.flyte.trace import EventAccepted, TraceEvent
from tests.bench.environment import BenchEnvironment, bench_environment, peak_resident_bytes, resident_bytes
from tests.bench.report import Report, mebibytes, milliseconds
from tests.bench.storages import MEMORY, BenchStorage, bench_storages
from tests.bench.waiting import append_messages
from tests.support.cpu_time import cpu_seconds
from tests.support.daemon_process import PROGRAM, daemon_environ, fresh_daemon

_PRELOADED: Final = Path(__file__).with_name("preloaded_pack.py")
_SETTLE_SECONDS: Final = 15.0
"""Covers everything that happens at start, and the first rounds of the backlog monitor and the housekeeping."""
_SAMPLE_INTERVAL_SECONDS: Final = 1.0
_MIN_EVENTS_PER_SECOND: Final = 100
"""A slower delivery times out."""
_PARTS: Final = 10
_LOG_WARNINGS_ONLY: Final = {"LOGLEVEL": "warning"}  # one line per delivery would be a million lines


@dataclass(frozen=True, slots=True)
class Sample:
    """How far the delivery was: the pack's memory in bytes, the CPU time of pack and database server in seconds."""

    delivered: int
    size: int
    cpu: float


@dataclass(slots=True)
class Drain:
    """Checks that Flyte receives each channel's messages once and in the order in which they were stored."""

    expected: int
    began: float = field(default_factory=time.monotonic)
    count: int = 0
    samples: list["Sample"] = field(default_factory=list)
    """One each second."""
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
    def size_at_begin(self) -> float:
        """The median size in the first tenth of the time, in bytes."""
        return median(sample.size for sample in self.samples[: self._tenth_of_samples])

    @property
    def size_at_end(self) -> float:
        """The median size in the last tenth of the time, in bytes."""
        return median(sample.size for sample in self.samples[-self._tenth_of_samples :])

    @property
    def _tenth_of_samples(self) -> int:
        return max(1, len(self.samples) // _PARTS)

    def speed(self, begin: int, end: int) -> str:
        """Returns the messages per second between the ends of two tenths."""
        if len(self.part_ends) <= _PARTS:
            return "incomplete"
        messages = (end - begin) * self.expected / _PARTS
        return f"{messages / (self.part_ends[end] - self.part_ends[begin]):.0f}"

    def cpu_each(self, begin: int, end: int) -> str:
        """Returns the CPU time per message between the ends of two tenths, which other load hardly changes.

        The first tenth begins with the first delivery.
        """
        ends = [
            next(
                (one for one in self.samples if one.delivered >= max(1, part * self.expected / _PARTS)),
                self.samples[-1],
            )
            for part in (begin, end)
        ]
        messages = ends[1].delivered - ends[0].delivered
        return milliseconds((ends[1].cpu - ends[0].cpu) / messages) if messages else "incomplete"


@dataclass(frozen=True, slots=True)
class Result:
    """One storage: the seconds to fill it and the bytes while Flyte is down, which a storage in memory lacks."""

    drain: Drain
    filled: float | None = None
    idle_empty: int | None = None
    idle_full: int | None = None


async def measure_backlog(report: Report, directory: Path, count: int, only: Sequence[str]) -> None:
    """Prints a row for each storage with a backlog of this size. With a million messages it takes an hour."""
    directory.mkdir()
    report.heading(
        f"{count} messages wait in",
        *("written in", "first after", "per second", "first tenth", "last tenth", "CPU, first", "CPU, last", "found"),
        *("RSS, empty", "RSS, waiting", "RSS at begin", "RSS at end", "RSS at peak"),
        is_narrow=True,
    )
    async with bench_storages(directory, (1, 1)) as (*others, last):
        storages = {one.name: (one, False) for one in others} | {"with an old snapshot": (last, True)}
        for number, (name, (storage, has_snapshot)) in enumerate(storages.items()):
            if not only or name in only:
                report.progress(f"{name}: begins at {time.strftime('%H:%M:%S')}")
                result = await _measure(report, directory / f"run-{number}", storage, count, has_snapshot=has_snapshot)
                report.row(name, *_cells(report, result))


def _cells(report: Report, result: Result) -> list[str]:
    drain = result.drain
    return [
        _seconds(result.filled),
        f"{drain.part_ends[0] - drain.began:.2f} s",
        drain.speed(0, _PARTS),
        drain.speed(0, 1),
        drain.speed(_PARTS - 1, _PARTS),
        drain.cpu_each(0, 1),
        drain.cpu_each(_PARTS - 1, _PARTS),
        report.check("backlog", drain.problems),
        *(_size(size) for size in (result.idle_empty, result.idle_full, drain.size_at_begin, drain.size_at_end)),
        mebibytes(drain.peak),
    ]


async def _measure(report: Report, directory: Path, storage: BenchStorage, count: int, *, has_snapshot: bool) -> Result:
    async with bench_environment(directory) as env:
        if storage.url == MEMORY:
            preloaded = (sys.executable, _PRELOADED, str(count), ",".join(env.channels), ",".join(env.people))
            return Result(await _drain(report, env, storage, count, preloaded))
        idle_empty = await _resident_bytes_while_flyte_is_down(env, storage)
        began = time.monotonic()
        async with storage.open() as opened:
            await append_messages(opened, count, env.channels, env.people)
        filled = time.monotonic() - began
        idle_full = await _resident_bytes_while_flyte_is_down(env, storage)
        async with _old_snapshot(storage.url) if has_snapshot else nullcontext():
            drain = await _drain(report, env, storage, count, (PROGRAM,))
        return Result(drain, filled, idle_empty, idle_full)


async def _resident_bytes_while_flyte_is_down(env: BenchEnvironment, storage: BenchStorage) -> int:
    await env.flyte.go_down()
    async with fresh_daemon(_variables(env, storage)) as pack:
        await asyncio.sleep(_SETTLE_SECONDS)
        size = resident_bytes(pack)
        await pack.stop()
    await env.flyte.come_up()
    return size


async def _drain(
    report: Report, env: BenchEnvironment, storage: BenchStorage, count: int, program: Sequence[str | Path]
) -> Drain:
    drain, parts = Drain(count), 0
    env.flyte.listeners.append(drain.on_trace_event)
    async with fresh_daemon(_variables(env, storage), program=program) as pack:
        while drain.count < count and time.monotonic() - drain.began < 60 + count / _MIN_EVENTS_PER_SECOND:
            await asyncio.sleep(_SAMPLE_INTERVAL_SECONDS)
            cpu = cpu_seconds(pack.process.pid) + storage.server_cpu_seconds()
            drain.samples.append(Sample(drain.count, resident_bytes(pack), cpu))
            if len(drain.part_ends) > parts:
                parts = len(drain.part_ends)
                report.progress(f"{drain.count} delivered after {time.monotonic() - drain.began:.0f} s")
        drain.peak = peak_resident_bytes(pack)
        await pack.stop()
    if drain.count != count:
        drain.problems.append(f"{drain.count} of {count} messages arrived")
    if drain.problems:
        warnings = Counter(f"{line['event']}: {line.get('reason', '')}" for line in pack.log)
        drain.problems += [f"the pack logged {number} times {line}" for line, number in warnings.most_common()]
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


def _size(size: float | None) -> str:
    return "" if size is None else mebibytes(size)
