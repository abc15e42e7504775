"""The page in Debian's Chromium, with the pack between both ends in the same process; and what no test may cause."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import pytest_asyncio
from playwright.async_api import Browser, BrowserContext, ConsoleMessage, Page, Request, async_playwright, expect

from entrypoints.observability.logs import configure_logs
from entrypoints.simulation.environment import Sandbox
from entrypoints.simulation.flyte.flow_loader import BUILT_IN, flow_from_file
from entrypoints.simulation.sandbox import SandboxConfig, loopback_sandbox
from tests.page.workbench_page import WorkbenchPage

_CHROMIUM = "/usr/bin/chromium"
_ARGUMENTS = (
    *("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
)
_PATIENCE_MS = 10_000
_HERE = "127.0.0.1"
_IMAGES = Path(__file__).parents[2] / "docs" / "images"


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--screenshots", action="store_true", help="Write the documentation's pictures of the page.")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """One browser for all tests, and so one event loop."""
    for item in items:
        item.add_marker(pytest.mark.asyncio(loop_scope="session"), append=False)


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def browser() -> AsyncIterator[Browser]:
    expect.set_options(timeout=_PATIENCE_MS)
    async with async_playwright() as playwright:
        chromium = await playwright.chromium.launch(executable_path=_CHROMIUM, args=list(_ARGUMENTS))
        yield chromium
        await chromium.close()


@pytest_asyncio.fixture(loop_scope="session")
async def stage() -> AsyncIterator[Sandbox]:
    """The simulation as `flyte-slack simulate` plays it, and its page."""
    configure_logs("error")
    flows = [flow_from_file(path) for path in sorted(BUILT_IN.iterdir())]
    async with loopback_sandbox(SandboxConfig(flows=flows, page_port=0)) as playing:
        yield playing


@dataclass
class Complaints:
    """What a browser complains of, and whom it asks that it should not."""

    seen: list[str] = field(default_factory=list)

    def watch(self, context: BrowserContext) -> None:
        context.on("console", self._hear)
        context.on("weberror", lambda error: self.seen.append(f"error: {error.error}"))
        context.on("request", self._see)
        context.on("requestfailed", lambda request: self.seen.append(f"failed: {request.url} {request.failure}"))
        context.on("dialog", lambda dialog: self.seen.append(f"dialog: {dialog.message}"))

    def _hear(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            self.seen.append(f"{message.type}: {message.text}")

    def _see(self, request: Request) -> None:
        address = urlsplit(request.url)
        if address.scheme != "data" and address.hostname != _HERE:
            self.seen.append(f"asked: {request.url}")


@pytest_asyncio.fixture(loop_scope="session")
async def context(browser: Browser) -> AsyncIterator[BrowserContext]:
    """A fresh profile, in which nothing may be complained of and nobody but this machine asked."""
    complaints = Complaints()
    context = await browser.new_context(viewport={"width": 1280, "height": 720})
    context.set_default_timeout(_PATIENCE_MS)
    complaints.watch(context)
    yield context
    await context.close()
    assert complaints.seen == []


@pytest_asyncio.fixture(loop_scope="session")
async def page(context: BrowserContext, stage: Sandbox) -> Page:
    page = await context.new_page()
    await page.goto(stage.page_url)
    return page


@pytest.fixture
def bench(page: Page) -> WorkbenchPage:
    return WorkbenchPage(page)


@pytest.fixture
def pictures(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """Where pictures of the page go: into the documentation when that is asked for."""
    if request.config.getoption("--screenshots"):
        _IMAGES.mkdir(exist_ok=True)
        return _IMAGES
    return tmp_path
