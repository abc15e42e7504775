"""The page in Chromium, with the pack in the same process. No test may cause a browser error or a foreign request."""

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

_CHROMIUM = "/usr/bin/chromium-headless-shell"
_ARGUMENTS = (
    *("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
)
_TIMEOUT_MS = 10_000
_HOST = "127.0.0.1"
_IMAGES = Path(__file__).parents[2] / "docs" / "images"


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--screenshots", action="store_true", help="Write the screenshots of the documentation.")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Runs all tests on one event loop, since they share one browser."""
    for item in items:
        item.add_marker(pytest.mark.asyncio(loop_scope="session"), append=False)


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def browser() -> AsyncIterator[Browser]:
    expect.set_options(timeout=_TIMEOUT_MS)
    async with async_playwright() as playwright:
        chromium = await playwright.chromium.launch(executable_path=_CHROMIUM, args=list(_ARGUMENTS))
        yield chromium
        await chromium.close()


@pytest_asyncio.fixture(loop_scope="session")
async def sandbox() -> AsyncIterator[Sandbox]:
    """A sandbox like that of `flyte-slack simulate`, with its page."""
    configure_logs("error")
    flows = [flow_from_file(path) for path in sorted(BUILT_IN.iterdir())]
    async with loopback_sandbox(SandboxConfig(flows=flows, page_port=0)) as sandbox:
        yield sandbox


@dataclass
class BrowserErrors:
    """Errors of a browser, and its requests to other hosts."""

    seen: list[str] = field(default_factory=list)

    def watch(self, context: BrowserContext) -> None:
        context.on("console", self._on_console)
        context.on("weberror", lambda error: self.seen.append(f"error: {error.error}"))
        context.on("request", self._on_request)
        context.on("requestfailed", lambda request: self.seen.append(f"failed: {request.url} {request.failure}"))
        context.on("dialog", lambda dialog: self.seen.append(f"dialog: {dialog.message}"))

    def _on_console(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            self.seen.append(f"{message.type}: {message.text}")

    def _on_request(self, request: Request) -> None:
        address = urlsplit(request.url)
        if address.scheme != "data" and address.hostname != _HOST:
            self.seen.append(f"foreign request: {request.url}")


@pytest_asyncio.fixture(loop_scope="session")
async def context(browser: Browser) -> AsyncIterator[BrowserContext]:
    """A fresh browser profile. Fails the test if there was an error or a request to another host."""
    errors = BrowserErrors()
    context = await browser.new_context(viewport={"width": 1280, "height": 720})
    context.set_default_timeout(_TIMEOUT_MS)
    errors.watch(context)
    yield context
    await context.close()
    assert errors.seen == []


@pytest_asyncio.fixture(loop_scope="session")
async def page(context: BrowserContext, sandbox: Sandbox) -> AsyncIterator[Page]:
    """The page, closed before the sandbox: a page that can't reconnect logs errors."""
    page = await context.new_page()
    await page.goto(sandbox.page_url)
    yield page
    for opened in context.pages:
        await opened.close()


@pytest.fixture
def bench(page: Page) -> WorkbenchPage:
    return WorkbenchPage(page)


@pytest.fixture
def release_flow(sandbox: Sandbox) -> None:
    """Adds a flow that asks with buttons and a select, opens a modal, and knows a command, shortcuts and a reaction."""
    sandbox.flyte.add_flow(flow_from_file(Path(__file__).parent / "release.yaml"))


@pytest_asyncio.fixture(loop_scope="session")
async def release(bench: WorkbenchPage, release_flow: None) -> WorkbenchPage:  # noqa: ARG001 - the flow runs
    """The page with a message from the flow `release`."""
    await bench.send("release 1.2")
    await expect(bench.page.get_by_role("button", name="Approve")).to_be_visible()
    return bench


@pytest.fixture
def pictures(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """The directory for screenshots: the documentation's if --screenshots is given."""
    if request.config.getoption("--screenshots"):
        _IMAGES.mkdir(exist_ok=True)
        return _IMAGES
    return tmp_path
