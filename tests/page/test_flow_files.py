"""Taking a flow from the page, saving it in its file, and going to what the linter finds."""

import re
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import Locator, expect

from entrypoints.observability.logs import configure_logs
from entrypoints.simulation.environment import Sandbox
from entrypoints.simulation.flyte.flow_loader import BUILT_IN, flow_from_file
from entrypoints.simulation.flyte.scripted_pack import PackScript, ScriptedAnswer
from entrypoints.simulation.sandbox import SandboxConfig, loopback_sandbox
from tests.page.workbench_page import WorkbenchPage

_DEPLOYER = PackScript(name="Deployer", commands={"Deploy": (ScriptedAnswer(event="Deployed"),)})
_DEPLOY = """# mine
name: deploy it
steps:
- id: start
  event: {packName: Slack, name: ReceivedMessage}
  criteria: "{{ Event.Payload.message == 'deploy' }}"
  context: {Channel: "{{ Event.Payload.channelId }}"}
  command: {packName: Deployer, name: Deploy}
- dependsOn: [start]
  event: {packName: Deployer, name: Deployed}
  command: {packName: Slack, name: SendMessage, input: {channelId: "{{ Context.Channel }}", message: "it is live"}}
"""
_CHANGED = _DEPLOY.replace("it is live", "it runs")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "deploy.yaml"
    path.write_text(_DEPLOY, encoding="utf-8")
    return path


@pytest_asyncio.fixture(loop_scope="session")
async def sandbox(path: Path) -> AsyncIterator[Sandbox]:
    """A sandbox like that of `flyte-slack simulate --flow deploy.yaml --pack deployer.yaml`, with its page."""
    configure_logs("error")
    flow, echo = flow_from_file(path), flow_from_file(BUILT_IN / "echo.yaml")
    config = SandboxConfig(flows=[flow, echo], flow_files={path: flow.name}, packs=[_DEPLOYER], page_port=0)
    async with loopback_sandbox(config) as sandbox:
        yield sandbox


async def open_flow(bench: WorkbenchPage, flow: str = "deploy it") -> Locator:
    """Opens a flow; returns its text field."""
    await bench.open_tab("Flows")
    await bench.page.get_by_role("button", name=flow).click()
    return bench.page.get_by_role("textbox", name="Text of the flow")


async def press(bench: WorkbenchPage, button: str) -> None:
    await bench.page.get_by_role("button", name=button, exact=True).click()


async def test_a_flow_is_copied(bench: WorkbenchPage) -> None:
    await bench.page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    await open_flow(bench)

    await press(bench, "Copy")

    await expect(bench.page.get_by_text("Copied", exact=True)).to_be_visible()
    assert await bench.page.evaluate("navigator.clipboard.readText()") == _DEPLOY


async def test_a_flow_is_downloaded_under_its_name(bench: WorkbenchPage, tmp_path: Path) -> None:
    text = await open_flow(bench)
    await text.fill(_CHANGED)

    async with bench.page.expect_download() as download:
        await press(bench, "Download")

    taken = await download.value
    await taken.save_as(tmp_path / "taken")
    assert taken.suggested_filename == "deploy_it.yaml"
    assert (tmp_path / "taken").read_text(encoding="utf-8") == _CHANGED


async def test_a_flow_is_saved_in_its_file_and_the_page_says_where(bench: WorkbenchPage, path: Path) -> None:
    text = await open_flow(bench)
    await expect(bench.page.get_by_text(f"Saved in {path}.")).to_be_visible()
    await text.fill(_CHANGED)
    await expect(bench.page.get_by_text(f"Not saved in {path}.")).to_be_visible()
    assert path.read_text(encoding="utf-8") == _DEPLOY

    await press(bench, "Save")

    await expect(bench.page.get_by_role("status").filter(has_text=f"Saved to {path.resolve()}")).to_be_visible()
    await expect(bench.page.get_by_text(f"Saved in {path}.")).to_be_visible()
    assert path.read_text(encoding="utf-8") == _CHANGED


@pytest.mark.parametrize("by_keyboard", [True, False])
async def test_what_was_typed_just_before_is_saved_too(bench: WorkbenchPage, path: Path, by_keyboard: bool) -> None:
    text = await open_flow(bench)
    await text.press("Control+End")
    await text.press_sequentially("# the end")
    await (text.press("Control+s") if by_keyboard else press(bench, "Save"))

    await expect(bench.page.get_by_role("status").filter(has_text="Saved to")).to_be_visible()
    assert path.read_text(encoding="utf-8") == f"{_DEPLOY}# the end"


async def test_a_file_that_has_changed_on_disk_is_not_overwritten(bench: WorkbenchPage, path: Path) -> None:
    by_hand = _DEPLOY.replace("# mine", "# by hand")
    text = await open_flow(bench)
    await text.fill(_CHANGED)
    path.write_text(by_hand, encoding="utf-8")

    await press(bench, "Save")

    await expect(bench.page.get_by_role("alert")).to_contain_text(f"{path} has changed on disk since it was read")
    await expect(text).to_have_value(_CHANGED)
    assert path.read_text(encoding="utf-8") == by_hand

    await press(bench, "Load the file")
    await expect(text).to_have_value(by_hand)
    await text.fill(_CHANGED)
    await press(bench, "Save")

    await expect(bench.page.get_by_role("status").filter(has_text="Saved to")).to_be_visible()
    assert path.read_text(encoding="utf-8") == _CHANGED


async def test_a_built_in_flow_can_be_taken_and_not_saved(bench: WorkbenchPage) -> None:
    await open_flow(bench, "echo")

    await expect(bench.page.get_by_text("copy or download them to keep them")).to_be_visible()
    await expect(bench.page.get_by_role("button", name="Copy", exact=True)).to_be_visible()
    await expect(bench.page.get_by_role("button", name="Save", exact=True)).to_have_count(0)


async def test_a_finding_of_the_linter_has_its_place_and_a_click_goes_there(bench: WorkbenchPage) -> None:
    text = await open_flow(bench)
    await text.fill(_DEPLOY.replace("name: Deployed}", "name: DeployDone}"))

    findings = bench.page.get_by_role("list", name="Mistakes in the flow")
    finding = findings.get_by_role("button", name="DeployDone").first
    await expect(finding).to_have_text(re.compile(r"^Line \d+, column \d+: "))
    await finding.click()

    await expect(text).to_be_focused()
    selected = await bench.page.evaluate("document.getElementById('flow-text').selectionStart")
    before = (await text.input_value())[:selected]
    assert f"Line {before.count(chr(10)) + 1}, column {len(before) - before.rfind(chr(10))}: " in str(
        await finding.text_content()
    )
