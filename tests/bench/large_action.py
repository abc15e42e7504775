"""An action of 15 MB: the memory that it takes, how long `/live` needs meanwhile, and when it is answered."""

import asyncio
import json
from collections.abc import Awaitable
from dataclasses import dataclass
from pathlib import Path

import aiohttp

from tests.bench.environment import BenchEnvironment, bench_environment, peak_resident_bytes, resident_bytes
from tests.bench.report import Report, mebibytes, milliseconds
from tests.support.daemon_process import DaemonProcess

MEGABYTE = 1_000_000
_LINKS = b'"links": [{"rel": "x#/actionResult", "href": "{result}"}]'
_INPUTS = {
    "15 MB of text": b'{"message": "' + b"x" * 15 * MEGABYTE + b'"}',
    "15 MB of lists": b'{"message": [' + b"[]," * 5 * MEGABYTE + b"1]}",
}
_PAUSE_SECONDS = 0.01


@dataclass(frozen=True, slots=True)
class LargeAction:
    """What one large action costs the pack."""

    memory: int
    """The peak, in bytes above the memory before."""
    live_seconds: float
    """The slowest response of `/live`."""
    seconds: float
    """Until the action is answered."""


async def measure_large_actions(directory: Path) -> dict[str, LargeAction]:
    """Measures actions of different kinds, each with a pack of its own; takes about 10 seconds."""
    return {
        name: await _measure(directory / str(number), given)
        for number, (name, given) in enumerate(_INPUTS.items(), start=1)
    }


def print_large_actions(report: Report, results: dict[str, LargeAction]) -> None:
    """Prints the measurements side by side."""
    report.heading("An action that is too large", *results)
    report.row("memory (RSS) at the peak, more than before", *(mebibytes(one.memory) for one in results.values()))
    report.row("slowest response of /live meanwhile", *(milliseconds(one.live_seconds) for one in results.values()))
    report.row("until it is answered with FATAL", *(f"{one.seconds:.2f} s" for one in results.values()))


async def _measure(directory: Path, given: bytes) -> LargeAction:
    directory.mkdir(parents=True)
    async with bench_environment(directory / "env", channels=1) as env, env.pack() as (pack, _):
        await asyncio.sleep(2.0)  # lets the work done at start finish
        before = resident_bytes(pack)
        body = b'{"command": "Broadcast", "input": ' + given + b", " + _LINKS + b"}"
        began = asyncio.get_running_loop().time()
        live_seconds = await _slowest_live(pack, _answered(env, body))
        seconds = asyncio.get_running_loop().time() - began
        memory = peak_resident_bytes(pack) - before
        await pack.stop()
    return LargeAction(memory, live_seconds, seconds)


async def _answered(env: BenchEnvironment, body: bytes) -> None:
    action_id = env.flyte.queue_raw("Slack", body)
    await env.flyte.wait_for(lambda: action_id in env.flyte.results, 60)
    result = env.flyte.results[action_id]
    assert result.name == "FATAL", json.dumps(result.payload)


async def _slowest_live(pack: DaemonProcess, work: Awaitable[None]) -> float:
    """Asks again and again until the work is done."""
    time = asyncio.get_running_loop().time
    working = asyncio.ensure_future(work)
    url = await pack.url() + "/live"
    slowest = 0.0
    async with aiohttp.ClientSession() as session:
        while not working.done():
            began = time()
            async with session.get(url) as response:
                await response.read()
            slowest = max(slowest, time() - began)
            await asyncio.sleep(_PAUSE_SECONDS)
    await working
    return slowest
