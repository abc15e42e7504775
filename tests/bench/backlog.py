"""A great many messages waiting: memory, the time to the first delivery, and the order of draining."""

import asyncio
import json
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import islice
from pathlib import Path

from adapters.filesystem.storage import FileStorage
from domain.channels import ChannelId
from domain.messages import IncomingMessage
from domain.outbox import OutboxEntry
from entrypoints.simulation.flyte.trace import EventAccepted, TraceEvent
from tests.bench.environment import Stage, peak_resident_bytes, resident_bytes, stage
from tests.bench.report import Report, mebibytes
from tests.support.daemon_process import daemon, daemon_environ

_BATCH = 1000
_SETTLING_SECONDS = 15.0
"""Longer than all that a start brings along, and than the gauge's and the housekeeping's first rounds."""
_SAMPLE_SECONDS = 1.0
_SLOWEST_RATE = 200
"""Deliveries a second; slower than that the run ends as lost."""
_QUIET = {"LOGLEVEL": "warning"}  # a line for each delivery would be a million lines


class Drain:
    """Checks what Flyte is told: each channel's messages once, in the order of becoming safe."""

    def __init__(self) -> None:
        self.count = 0
        self.first_at = 0.0
        self.problems: list[str] = []
        self._next: dict[str, int] = {}

    def hear(self, happening: TraceEvent) -> None:
        """Take one happening of Flyte's in."""
        if not isinstance(happening, EventAccepted) or not isinstance(happening.payload, dict):
            return
        channel, number = str(happening.payload["channelId"]), int(happening.payload["message"])
        expected = self._next.get(channel, 0)
        if number != expected and len(self.problems) < 10:
            self.problems.append(f"{channel}: {number} came where {expected} was due")
        self._next[channel] = number + 1
        self.first_at = self.first_at or happening.at
        self.count += 1


async def measure_waiting(report: Report, directory: Path, count: int) -> None:
    """Print what so many waiting messages do to the pack. A million take some ten minutes."""
    async with stage(directory) as set_up:
        empty = await _resident_while_flyte_is_away(set_up)
        seconds = await _fill(set_up, count)
        report.row(f"{count} messages put into the storage", f"{seconds:.0f} s")
        size = (set_up.directory / "state" / "flyte-slack.db").stat().st_size
        report.row("the file", mebibytes(size))
        full = await _resident_while_flyte_is_away(set_up)
        report.row("memory (RSS), Flyte away: nothing waits", mebibytes(empty))
        report.row(f"memory (RSS), Flyte away: {count} wait", mebibytes(full))
        await _drain(report, set_up, count)


async def _resident_while_flyte_is_away(set_up: Stage) -> int:
    await set_up.flyte.go_down()
    async with daemon(_variables(set_up)) as pack:
        await asyncio.sleep(_SETTLING_SECONDS)
        size = resident_bytes(pack)
        await pack.stop()
    await set_up.flyte.come_up()
    return size


async def _drain(report: Report, set_up: Stage, count: int) -> None:
    drain, sizes = Drain(), list[int]()
    set_up.flyte.listeners.append(drain.hear)
    began = time.monotonic()
    async with daemon(_variables(set_up)) as pack:
        while drain.count < count and time.monotonic() - began < 60 + count / _SLOWEST_RATE:
            await asyncio.sleep(_SAMPLE_SECONDS)
            sizes.append(resident_bytes(pack))
        ended, peak = time.monotonic(), peak_resident_bytes(pack)
        await pack.stop()
    if drain.count != count:
        drain.problems.append(f"{drain.count} of {count} arrived")
    report.row("restart: to the first delivery", f"{drain.first_at - began:.2f} s")
    report.row("drained", f"{ended - began:.0f} s")
    report.row("  messages a second", f"{count / (ended - drain.first_at):.0f}")
    report.row("  in order within each channel", report.check("drain", drain.problems))
    report.row("  memory (RSS): median", mebibytes(sorted(sizes)[len(sizes) // 2]))
    report.row("  memory (RSS): peak", mebibytes(peak))


def _variables(set_up: Stage) -> dict[str, str]:
    app_token = set_up.slack.app_token
    return daemon_environ(set_up.slack, set_up.flyte, set_up.directory, FLYTE_SLACK_APP_TOKEN=app_token, **_QUIET)


async def _fill(set_up: Stage, count: int) -> float:
    """Through the storage's own door; how many seconds it took."""
    began = time.monotonic()
    storage, entries = FileStorage(set_up.directory / "state"), _entries(set_up, count)
    async with storage.open():
        while batch := list(islice(entries, _BATCH)):
            await storage.outbox.append(batch)
    return time.monotonic() - began


def _entries(set_up: Stage, count: int) -> Iterator[OutboxEntry]:
    now = datetime.now(UTC).replace(microsecond=0)
    began = now - timedelta(hours=1)
    for number in range(count):
        position, place = divmod(number, len(set_up.channels))
        timestamp = f"{began.timestamp() + number // 1000:.0f}.{number % 1000:06d}"
        channel, person = ChannelId(set_up.channels[place]), set_up.people[place]
        yield OutboxEntry(IncomingMessage(channel, timestamp, json.dumps(position), user_id=person), began)
