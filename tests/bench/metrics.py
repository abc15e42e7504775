"""What metrics cost, what frequent scrapes cost in addition, and how long a scrape takes with a large backlog."""

import asyncio
import socket
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Final

import aiohttp

from adapters.storage_urls import create_storage
from adapters.system_clock import SystemClock
from tests.bench.environment import bench_environment
from tests.bench.overhead import compare
from tests.bench.report import Report, median_and_p95, milliseconds
from tests.bench.waiting import append_messages
from tests.support.daemon_process import daemon_environ, fresh_daemon

_INTERVAL_SECONDS: Final = 0.5
_SCRAPES: Final = 60


async def measure_metrics(report: Report, directory: Path, messages: int) -> None:
    """Compares packs with metrics and without, and packs that are scraped twice a second and never."""
    port = _free_port()
    directory.mkdir()
    await compare(report, directory / "cost", "Metrics", {"FLYTE_SLACK_METRICS": "false"}, {})
    async with _scraping(port, lambda _seconds: None):
        scraped = {"FLYTE_SLACK_HTTP_PORT": str(port)}
        await compare(report, directory / "scrapes", "Metrics, scraped twice a second", {}, scraped)
    seconds = await _scrape_beside_backlog(directory / "backlog", port, messages)
    report.heading(f"GET /metrics with {messages} messages waiting", "")
    first, *others = seconds
    middle, tail = median_and_p95(others)
    report.row("the first, right after the start", milliseconds(first))
    report.row("the others: median", middle)
    report.row("the others: 95th percentile", tail)
    report.row("the others: slowest", milliseconds(max(others)))


async def _scrape_beside_backlog(directory: Path, port: int, messages: int) -> list[float]:
    """Returns the seconds of scrapes while Flyte is down."""
    seconds: list[float] = []
    async with bench_environment(directory) as env:
        storage = create_storage((directory / "state").as_uri(), SystemClock())
        async with storage.open():
            await append_messages(storage, messages, env.channels, env.people)
        await env.flyte.go_down()
        more = {"FLYTE_SLACK_APP_TOKEN": env.slack.app_token, "FLYTE_SLACK_HTTP_PORT": str(port)}
        async with fresh_daemon(daemon_environ(env.slack, env.flyte, directory, **more)) as pack:
            await pack.wait_for_event("hearing")
            async with _scraping(port, seconds.append):
                await asyncio.sleep(_SCRAPES * _INTERVAL_SECONDS)
            await pack.stop()
    return seconds


@asynccontextmanager
async def _scraping(port: int, on_scraped: Callable[[float], None]) -> AsyncIterator[None]:
    """Scrapes whatever listens on this port, on one connection as Prometheus does."""

    async def scrape() -> None:
        async with aiohttp.ClientSession() as session:
            while True:
                with suppress(aiohttp.ClientError):
                    began = time.monotonic()
                    async with session.get(f"http://127.0.0.1:{port}/metrics") as response:
                        await response.read()
                    on_scraped(time.monotonic() - began)
                await asyncio.sleep(_INTERVAL_SECONDS)

    scraping = asyncio.create_task(scrape(), name="scrape")
    try:
        yield
    finally:
        scraping.cancel()
        await asyncio.wait([scraping])


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port
