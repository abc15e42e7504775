"""What traces cost, with a collector that takes all of them."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from aiohttp import web

from tests.bench.overhead import compare
from tests.bench.report import Report


async def measure_tracing(report: Report, directory: Path) -> None:
    """Compares a pack that exports all traces with one that exports none."""
    async with _collector() as url:
        await compare(report, directory, "Traces", {}, {"OTEL_EXPORTER_OTLP_ENDPOINT": url})


@asynccontextmanager
async def _collector() -> AsyncIterator[str]:
    async def take(request: web.Request) -> web.Response:
        await request.read()
        return web.Response(content_type="application/x-protobuf")

    application = web.Application(client_max_size=64 * 2**20)
    application.router.add_post("/v1/traces", take)
    runner = web.AppRunner(application)
    await runner.setup()
    try:
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()
