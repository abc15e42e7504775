"""A large backlog: memory, time to the first delivery, and order of delivery."""

import asyncio
import json
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import islice
from pathlib import Path

from adapters.filesystem.storage import FileStorage
from adapters.system_clock import SystemClock
from domain.channels import ChannelId
from domain.messages import IncomingMessage
from domain.outbox import OutboxEntry, outbox_entry
from entrypoints.simulation.flyte.trace import EventAccepted, TraceEvent
from tests.bench.environment import BenchEnvironment, bench_environment, peak_resident_bytes, resident_bytes
from tests.bench.report import Report, mebibytes
from tests.support.daemon_process import daemon, daemon_environ

_BATCH_SIZE = 1000
_SETTLE_SECONDS = 15.0
"""Covers everything that happens at start, and the first rounds of the backlog monitor and the housekeeping."""
_SAMPLE_INTERVAL_SECONDS = 1.0
_MIN_EVENTS_PER_SECOND = 200
"""A slower delivery times out."""
_LOG_WARNINGS_ONLY = {"LOGLEVEL": "warning"}  # one line per delivery would be a million lines


class DeliveryOrderCheck:
    """Checks that Flyte receives each channel's messages once and in the order in which they were stored."""

    def __init__(self) -> None:
        self.count = 0
        self.first_at = 0.0
        self.problems: list[str] = []
        self._next: dict[str, int] = {}

    def on_trace_event(self, event: TraceEvent) -> None:
        """Checks an event that Flyte has accepted."""
        if not isinstance(event, EventAccepted) or not isinstance(event.payload, dict):
            return
        channel, number = str(event.payload["channelId"]), int(event.payload["message"])
        expected = self._next.get(channel, 0)
        if number != expected and len(self.problems) < 10:
            self.problems.append(f"{channel}: expected message {expected}, received {number}")
        self._next[channel] = number + 1
        self.first_at = self.first_at or event.at
        self.count += 1


async def measure_backlog(report: Report, directory: Path, count: int) -> None:
    """Prints how the pack copes with a backlog of this size. A million messages take about ten minutes."""
    async with bench_environment(directory) as env:
        empty = await _resident_bytes_while_flyte_is_down(env)
        seconds = await _fill_outbox(env, count)
        report.row(f"write {count} messages to the storage", f"{seconds:.0f} s")
        size = (env.directory / "state" / "flyte-slack.db").stat().st_size
        report.row("size of the database", mebibytes(size))
        full = await _resident_bytes_while_flyte_is_down(env)
        report.row("memory (RSS) while Flyte is down: empty outbox", mebibytes(empty))
        report.row(f"memory (RSS) while Flyte is down: {count} waiting", mebibytes(full))
        await _drain(report, env, count)


async def _resident_bytes_while_flyte_is_down(env: BenchEnvironment) -> int:
    await env.flyte.go_down()
    async with daemon(_variables(env)) as pack:
        await asyncio.sleep(_SETTLE_SECONDS)
        size = resident_bytes(pack)
        await pack.stop()
    await env.flyte.come_up()
    return size


async def _drain(report: Report, env: BenchEnvironment, count: int) -> None:
    check, sizes = DeliveryOrderCheck(), list[int]()
    env.flyte.listeners.append(check.on_trace_event)
    began = time.monotonic()
    async with daemon(_variables(env)) as pack:
        while check.count < count and time.monotonic() - began < 60 + count / _MIN_EVENTS_PER_SECOND:
            await asyncio.sleep(_SAMPLE_INTERVAL_SECONDS)
            sizes.append(resident_bytes(pack))
        ended, peak = time.monotonic(), peak_resident_bytes(pack)
        await pack.stop()
    if check.count != count:
        check.problems.append(f"{check.count} of {count} messages arrived")
    report.row("restart until the first delivery", f"{check.first_at - began:.2f} s")
    report.row("restart until all are delivered", f"{ended - began:.0f} s")
    report.row("  messages delivered per second", f"{count / (ended - check.first_at):.0f}")
    report.row("  in order within each channel", report.check("backlog", check.problems))
    report.row("  memory (RSS): median", mebibytes(sorted(sizes)[len(sizes) // 2]))
    report.row("  memory (RSS): peak", mebibytes(peak))


def _variables(env: BenchEnvironment) -> dict[str, str]:
    app_token = env.slack.app_token
    return daemon_environ(env.slack, env.flyte, env.directory, FLYTE_SLACK_APP_TOKEN=app_token, **_LOG_WARNINGS_ONLY)


async def _fill_outbox(env: BenchEnvironment, count: int) -> float:
    """Appends the entries through the storage adapter. Returns the seconds it took."""
    began = time.monotonic()
    storage, entries = FileStorage(env.directory / "state", SystemClock()), _entries(env, count)
    async with storage.open():
        while batch := list(islice(entries, _BATCH_SIZE)):
            await storage.outbox.append(batch)
    return time.monotonic() - began


def _entries(env: BenchEnvironment, count: int) -> Iterator[OutboxEntry]:
    now = datetime.now(UTC).replace(microsecond=0)
    began = now - timedelta(hours=1)
    for number in range(count):
        position, place = divmod(number, len(env.channels))
        timestamp = f"{began.timestamp() + number // 1000:.0f}.{number % 1000:06d}"
        channel, person = ChannelId(env.channels[place]), env.people[place]
        yield outbox_entry(IncomingMessage(channel, timestamp, json.dumps(position), user_id=person), began)
