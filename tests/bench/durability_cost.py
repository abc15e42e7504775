"""What it costs that nothing is lost: messages a second until safe, and latency against a storage that forgets."""

import os
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from tests.bench.environment import PATIENCE_SECONDS, Stage, cpu_seconds, stage
from tests.bench.latency import one_at_a_time
from tests.bench.report import Report, milliseconds
from tests.support.daemon_process import DaemonProcess

FLOOD = 10_000
ECHOES = 50
_SYNCS = 50


@dataclass(frozen=True, slots=True)
class Flood:
    """Many messages at once while Flyte is away, and what became of them when it was back."""

    safe_seconds: float
    cpu_seconds: float
    delivered_seconds: float
    differences: list[str]


@dataclass(frozen=True, slots=True)
class Latency:
    """Seconds, in the middle of many single echoes."""

    acknowledged: float
    echoed: float


async def measure_safety(report: Report, directory: Path) -> None:
    """Print the cost of safety; about 40 s."""
    sync_seconds = _sync_seconds(directory)
    flood = await _flood(directory / "flood")
    async with stage(directory / "latency") as set_up:
        on_disk = await _latency(set_up)
        channels = ",".join(set_up.channels)
        in_memory = await _latency(
            set_up, FLYTE_SLACK_STORAGE="memory:", FLYTE_SLACK_DEFAULT_JOIN_CHANNEL=channels, FLYTE_SLACK_BACKUP_DIR=""
        )
    report.row("this disk: write and fsync of 4 KiB, median", milliseconds(sync_seconds))
    report.row(f"{FLOOD} messages at once, Flyte away: all safe and acknowledged", f"{flood.safe_seconds:.2f} s")
    report.row("  messages a second", f"{FLOOD / flood.safe_seconds:.0f}")
    report.row("  the pack's CPU time for each", milliseconds(flood.cpu_seconds / FLOOD))
    report.row("  Flyte back: messages a second delivered", f"{FLOOD / flood.delivered_seconds:.0f}")
    report.row("  found in Flyte", report.check("flood", flood.differences))
    report.row("acknowledged after: on disk", milliseconds(on_disk.acknowledged))
    report.row("acknowledged after: in memory", milliseconds(in_memory.acknowledged))
    report.row("one echo: on disk", milliseconds(on_disk.echoed))
    report.row("one echo: in memory", milliseconds(in_memory.echoed))
    report.row("one echo: added by safety", milliseconds(on_disk.echoed - in_memory.echoed))


async def _flood(directory: Path) -> Flood:
    async with (
        stage(directory, acknowledgement_seconds=PATIENCE_SECONDS) as set_up,
        set_up.pack() as (pack, _),
    ):
        flood = await _flooded(set_up, pack)
        await pack.stop()
    return flood


async def _flooded(set_up: Stage, pack: DaemonProcess) -> Flood:
    await set_up.flyte.go_down()
    acknowledged = set_up.slack.counters["acknowledged"]
    cpu, began = cpu_seconds(pack), time.monotonic()
    said = Counter(_say(set_up, number) for number in range(FLOOD))
    await set_up.slack.wait_for(lambda: set_up.slack.counters["acknowledged"] >= acknowledged + FLOOD, PATIENCE_SECONDS)
    safe, cpu = time.monotonic(), cpu_seconds(pack) - cpu
    events = len(set_up.flyte.events)
    await set_up.flyte.come_up()
    await set_up.flyte.wait_for(lambda: len(set_up.flyte.events) > events, PATIENCE_SECONDS)
    first = set_up.flyte.events[events].at
    await set_up.flyte.wait_for(lambda: len(set_up.flyte.events) >= events + FLOOD, PATIENCE_SECONDS)
    heard = Counter(str(event.payload["message"]) for event in set_up.flyte.events if isinstance(event.payload, dict))
    differences = [f"{text}: {count}" for text, count in ((said - heard) + (heard - said)).items()]
    return Flood(safe - began, cpu, time.monotonic() - first, differences)


def _say(set_up: Stage, number: int) -> str:
    place = number % len(set_up.channels)
    text = f"message number {number}"
    set_up.slack.say(set_up.people[place], set_up.channels[place], text)
    return text


async def _latency(set_up: Stage, **variables: str) -> Latency:
    async with set_up.pack(**variables) as (pack, _):
        known = len(set_up.slack.acknowledged)
        echoes = await one_at_a_time(set_up, ECHOES, seed=2)
        given = list(set_up.slack.acknowledged.values())[known:]
        await pack.stop()
    return Latency(median(one.at - one.raised_at for one in given), median(echoes))


def _sync_seconds(directory: Path) -> float:
    """What one fsync takes here, which is most of what safety costs."""
    samples = []
    with (directory / "sync").open("wb", buffering=0) as file:
        for _ in range(_SYNCS):
            began = time.monotonic()
            file.write(bytes(4096))
            os.fsync(file.fileno())
            samples.append(time.monotonic() - began)
    return median(samples)
