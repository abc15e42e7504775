"""Sets the stage: both ends and the pack between them, on loopback or in memory, or both ends alone."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from adapters.memory.chat import MemoryChat
from adapters.memory.receiver import MemoryReceiver
from entrypoints.config.settings import load_settings
from entrypoints.container import Container, lifetimes
from entrypoints.simulation.environment import Sandbox
from entrypoints.simulation.flyte.engine import Flyte
from entrypoints.simulation.flyte.flow_loader import Flow
from entrypoints.simulation.flyte.memory_bridge import MemoryBridge
from entrypoints.simulation.flyte.scripted_pack import PackScript, ScriptedPack
from entrypoints.simulation.flyte.server import FlyteServer
from entrypoints.simulation.slack.server import SlackServer
from entrypoints.simulation.web.open import open_page
from entrypoints.simulation.workspaces.memory_workspace import MemoryWorkspace
from entrypoints.simulation.workspaces.slack_workspace import SlackWorkspace
from entrypoints.simulation.workspaces.workspace import BOT, Workspace

_PEOPLE: Final = ("alice", "bob")
_JOINED_CHANNELS: Final = {"#general": "", "#ops": "", "#deployments": "ABCDEFG"}
"""The channels that the pack joins; the last has the id that a built-in flow writes to."""
_PRIVATE_CHANNEL: Final = "#board"
"""A channel that the bot is not in."""

_READY_SECONDS: Final = 20.0
_SHUTDOWN_SECONDS: Final = 5.0
_POLL_INTERVAL_SECONDS: Final = 0.003


@dataclass(frozen=True, slots=True)
class SandboxConfig:
    """What is to be played: the flows, and the packs beside the Slack pack."""

    flows: Sequence[Flow] = ()
    flow_files: Mapping[Path, str] = field(default_factory=dict)
    """The names of those flows that were read from files of one's own."""
    packs: Sequence[PackScript] = ()
    labels: str = ""
    """The Slack pack's, as FLYTE_LABELS has them."""
    record: str = ""
    """Where the pack keeps a record, as FLYTE_SLACK_RECORD has it."""
    slack_port: int = 0
    flyte_port: int = 0
    """0: a free one."""
    page_port: int | None = None
    """None: no page."""


@asynccontextmanager
async def loopback_sandbox(config: SandboxConfig) -> AsyncIterator[Sandbox]:
    """The real pack between a Slack and a Flyte on 127.0.0.1; entered when it is ready. Raises SettingsError."""
    async with _servers(config) as (slack, flyte, workspace):
        container = _container(config, _pack_variables(slack, flyte, workspace))
        async with AsyncExitStack() as open_ones:
            page_url = await open_ones.enter_async_context(_page(config, slack, flyte, container))
            for opening in lifetimes(container):
                await open_ones.enter_async_context(opening)
            async with _running(container):
                yield Sandbox(workspace, flyte, container.storage(), page_url)


@asynccontextmanager
async def memory_sandbox(config: SandboxConfig) -> AsyncIterator[Sandbox]:
    """The pack on the adapters in memory, with no socket at all; entered when it is ready. Raises SettingsError."""
    container = _container(config, {"FLYTE_API": "http://memory.invalid", "FLYTE_SLACK_TOKEN": "none"})
    clock = container.clock()
    chat = MemoryChat(clock)
    ear = MemoryReceiver(chat, clock)
    workspace = MemoryWorkspace(chat, ear)
    _populate(workspace)
    for label in _JOINED_CHANNELS:
        workspace.invite(BOT, workspace.conversation(label, ""))
    flyte = Flyte(flows=config.flows)
    container.slack_chat.override(chat)
    container.slack_receiver.override(ear)
    container.flyte_workflow.override(MemoryBridge(flyte, labels=container.settings().flyte_labels).workflow)
    _add_scripted_packs(config, flyte)
    async with AsyncExitStack() as open_ones:
        if config.record:
            await open_ones.enter_async_context(container.record().open())
        await open_ones.enter_async_context(container.storage().open())
        await open_ones.enter_async_context(_running(container))
        yield Sandbox(workspace, flyte, container.storage())


@asynccontextmanager
async def served_sandbox(config: SandboxConfig) -> AsyncIterator[tuple[Sandbox, dict[str, str]]]:
    """A Slack and a Flyte for a pack of one's own, and the environment variables that point it at them."""
    async with _servers(config) as (slack, flyte, workspace), _page(config, slack, flyte, None) as page_url:
        yield (
            Sandbox(workspace, flyte, None, page_url),
            _pack_variables(slack, flyte, workspace) | _EPHEMERAL,
        )


@asynccontextmanager
async def _servers(config: SandboxConfig) -> AsyncIterator[tuple[SlackServer, FlyteServer, SlackWorkspace]]:
    slack = SlackServer(port=config.slack_port, bot_name=BOT)
    workspace = SlackWorkspace(slack)
    _populate(workspace)
    async with slack, FlyteServer(port=config.flyte_port, flows=config.flows) as flyte:
        _add_scripted_packs(config, flyte)
        yield slack, flyte, workspace


@asynccontextmanager
async def _page(
    config: SandboxConfig, slack: SlackServer, flyte: FlyteServer, container: Container | None
) -> AsyncIterator[str]:
    """The address of the page, empty when none is wanted."""
    if config.page_port is None:
        yield ""
        return
    async with open_page(slack, flyte, config.page_port, container=container, flow_files=config.flow_files) as url:
        yield url


_EPHEMERAL = {"FLYTE_SLACK_STORAGE": "memory:", "FLYTE_SLACK_HTTP_PORT": "0"}
"""For a pack of one's own: no file that outlives the simulation, and no port that a real pack might want."""


def _populate(workspace: Workspace) -> None:
    for handle in _PEOPLE:
        workspace.add_person(handle)
    for label, channel_id in _JOINED_CHANNELS.items():
        workspace.add_channel(label, channel_id)
    workspace.add_channel(_PRIVATE_CHANNEL, is_private=True)


def _add_scripted_packs(config: SandboxConfig, flyte: Flyte) -> None:
    for script in config.packs:
        ScriptedPack(script, flyte)


def _pack_variables(slack: SlackServer, flyte: FlyteServer, workspace: SlackWorkspace) -> dict[str, str]:
    joined = [workspace.conversation(label, "").id for label in _JOINED_CHANNELS]
    return {
        "FLYTE_API": flyte.api_url,
        "FLYTE_SLACK_API_URL": slack.api_url,
        "FLYTE_SLACK_TOKEN": slack.bot_token,
        "FLYTE_SLACK_APP_TOKEN": slack.app_token,
        "FLYTE_SLACK_DEFAULT_JOIN_CHANNEL": ",".join(joined),
    }


def _container(config: SandboxConfig, variables: dict[str, str]) -> Container:
    """The pack as it always is, but for what a conversation has no use for: a pace, and files."""
    defaults = {
        **_EPHEMERAL,
        "FLYTE_SLACK_MESSAGES_PER_SECOND": "1000",
        "FLYTE_SLACK_HTTP_HOST": "127.0.0.1",
    }
    asked_for = {"FLYTE_LABELS": config.labels, "FLYTE_SLACK_RECORD": config.record}
    return Container(settings=load_settings({**defaults, **variables, **asked_for}))


@asynccontextmanager
async def _running(container: Container) -> AsyncIterator[None]:
    """Run the pack; entered when it hears and is registered. A pack that fails ends what goes on meanwhile."""
    async with asyncio.TaskGroup() as tasks:
        serving = tasks.create_task(container.service().run(), name="pack")
        try:
            await _wait_until_ready(container)
            yield
        finally:
            container.stop().request()
            await asyncio.wait({serving}, timeout=_SHUTDOWN_SECONDS)
            serving.cancel()


async def _wait_until_ready(container: Container) -> None:
    try:
        async with asyncio.timeout(_READY_SECONDS):
            while not await _is_ready(container):  # noqa: ASYNC110 - there is no news of it to wait for
                await asyncio.sleep(_POLL_INTERVAL_SECONDS)
    except TimeoutError as error:
        checks = ", ".join(f"{name}: {check.status}" for name, check in container.health().checks().items())
        raise TimeoutError(f"the pack is not ready after {_READY_SECONDS:g} s ({checks})") from error


async def _is_ready(container: Container) -> bool:
    joined = await container.storage().channels.joined()
    return container.health().is_healthy and all(one in joined for one in container.settings().default_join_channels)
