"""Starts sandboxes: the pack between a simulated Slack and Flyte, on loopback or in memory, or without the pack."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager, nullcontext
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from entrypoints.config.settings import Settings, load_settings
from entrypoints.container.adapters import Adapters, event_selection
from entrypoints.container.application import Application
from entrypoints.container.daemon import Daemon, lifetimes
from entrypoints.lint.packs import running_packs
from entrypoints.simulation.environment import Sandbox
from entrypoints.simulation.flyte.engine import Flyte
from entrypoints.simulation.flyte.flow_loader import Flow
from entrypoints.simulation.flyte.memory_bridge import MemoryBridge
from entrypoints.simulation.flyte.scripted_pack import PackScript, ScriptedPack
from entrypoints.simulation.flyte.server import FlyteServer
from entrypoints.simulation.pongo2.rendering import TemplateEnvironment
from entrypoints.simulation.slack.event_log import SlackEvent, SocketClosed, SocketOpened
from entrypoints.simulation.slack.memory_bridge import SlackMemoryBridge
from entrypoints.simulation.slack.server import SlackServer
from entrypoints.simulation.web.open import open_page
from entrypoints.simulation.web.workbench import Surroundings
from entrypoints.simulation.workspaces.channels import DEFAULT_CHANNELS, ChannelSetup
from entrypoints.simulation.workspaces.slack_workspace import SlackWorkspace
from entrypoints.simulation.workspaces.workspace import BOT, Conversation

_PEOPLE: Final = ("alice", "bob")
_EPHEMERAL: Final = {"FLYTE_SLACK_STORAGE": "memory:", "FLYTE_SLACK_HTTP_PORT": "0"}
"""Settings that leave no files behind and take no port of another pack."""
_ALLOWED_METHODS: Final = "conversations.*,emoji.*,pins.*,team.*,usergroups.*,users.*"
"""The methods of the simulated Slack that `CallSlack` may call: those without a command of their own."""

_READY_SECONDS: Final = 20.0
_SHUTDOWN_SECONDS: Final = 5.0
_POLL_INTERVAL_SECONDS: Final = 0.003
_VERIFY_INTERVAL_SECONDS: Final = 0.5


@dataclass(frozen=True, slots=True)
class SandboxConfig:
    """The flows, the scripted packs and the settings of a sandbox."""

    flows: Sequence[Flow] = ()
    flow_files: Mapping[Path, str] = field(default_factory=dict)
    """The names of the flows from the user's own files."""
    packs: Sequence[PackScript] = ()
    channels: Sequence[ChannelSetup] = DEFAULT_CHANNELS
    datastore: Mapping[str, object] = field(default_factory=dict)
    """The first items of Flyte's datastore: texts and objects by key."""
    settings: Mapping[str, str] = field(default_factory=dict)
    """Settings of the Slack pack, by environment variable: some of `APPLICABLE_VARIABLES`."""
    record: str = ""
    """The file for a recording, in the format of FLYTE_SLACK_RECORD."""
    classic: bool = False
    """Whether the bot token is a classic app's, which receives by RTM."""
    deliver_to: str = ""
    """The address that receives events by signed requests; empty for the other transports."""
    slack_port: int = 0
    flyte_port: int = 0
    page_port: int | None = None
    """None: no page. Port 0 picks a free one."""


@asynccontextmanager
async def loopback_sandbox(config: SandboxConfig) -> AsyncIterator[Sandbox]:
    """Runs the pack between both servers on 127.0.0.1; yields when it is ready. Raises SettingsError."""
    async with _servers(config) as (slack, flyte, workspace, packs):
        settings = _settings(config, _pack_variables(config, slack, flyte, workspace))
        daemon = Daemon(settings=settings)
        async with AsyncExitStack() as stack:
            page_url = await stack.enter_async_context(_page(config, slack, flyte, packs, daemon.adapters))
            for lifetime in lifetimes(daemon):
                await stack.enter_async_context(lifetime)
            async with _running(daemon.application):
                adapters = daemon.adapters
                recording = adapters.recording()
                yield Sandbox(workspace, flyte, adapters.storage(), page_url, scripted_packs=packs, recording=recording)


@asynccontextmanager
async def memory_sandbox(config: SandboxConfig) -> AsyncIterator[Sandbox]:
    """Runs the pack and both servers without sockets; yields when it is ready. Raises SettingsError."""
    settings = _settings(config, {"FLYTE_API": "http://memory.invalid", "FLYTE_SLACK_TOKEN": "none"})
    adapters = Adapters(settings=settings)
    slack = SlackServer(bot_name=BOT)
    bridge = SlackMemoryBridge(slack, adapters.clock(), event_selection(settings), settings.command_reply)
    workspace = SlackWorkspace(slack)
    _populate(workspace, config)
    for channel in _joined(config, workspace):
        workspace.invite(BOT, channel)
    flyte = Flyte(flows=config.flows, environment=TemplateEnvironment(config.datastore))
    flyte.slack_pack = settings.pack_name
    adapters.slack_chat.override(bridge.chat)
    adapters.slack_receiver.override(bridge.receiver)
    adapters.flyte_workflow.override(MemoryBridge(flyte, settings.pack_name, settings.flyte_labels).workflow)
    packs = _scripted_packs(config, flyte)
    async with AsyncExitStack() as stack:
        await stack.enter_async_context(adapters.recording().open())
        await stack.enter_async_context(adapters.storage().open())
        await stack.enter_async_context(slack.in_process())
        await stack.enter_async_context(_running(Application(settings=settings, adapters=adapters)))
        yield Sandbox(workspace, flyte, adapters.storage(), scripted_packs=packs, recording=adapters.recording())


@asynccontextmanager
async def served_sandbox(
    config: SandboxConfig, *, report: Callable[[str], None]
) -> AsyncIterator[tuple[Sandbox, dict[str, str]]]:
    """Runs both servers without a pack; also yields the environment variables that connect a pack to them.

    Reports when events are delivered to an address, and what keeps them from being delivered.
    """
    async with (
        _servers(config) as (slack, flyte, workspace, packs),
        _page(config, slack, flyte, packs) as page_url,
        _delivering(config, slack, report),
    ):
        port = urlsplit(config.deliver_to).port
        ephemeral = _EPHEMERAL | ({"FLYTE_SLACK_HTTP_PORT": str(port)} if port else {})
        variables = _pack_variables(config, slack, flyte, workspace) | ephemeral
        yield Sandbox(workspace, flyte, None, page_url, scripted_packs=packs), variables


@asynccontextmanager
async def slack_only_sandbox(
    config: SandboxConfig, *, report: Callable[[str], None]
) -> AsyncIterator[tuple[Sandbox, dict[str, str]]]:
    """Runs the simulated Slack alone; also yields the environment variables that connect an app of any kind to it.

    Reports when an app connects and disconnects, and what `served_sandbox` reports.
    """
    slack = _slack(config)
    workspace = SlackWorkspace(slack, awaits_retries=False)
    _populate(workspace, config, members=[BOT])
    slack.log.listeners.append(partial(_report_connection, report))
    flyte = FlyteServer()  # is never opened
    page = _page(config, slack, flyte, is_slack_only=True)
    async with slack, page as page_url, _delivering(config, slack, report):
        yield Sandbox(workspace, flyte, None, page_url, is_slack_only=True), _app_variables(slack)


def _report_connection(report: Callable[[str], None], event: SlackEvent) -> None:
    if isinstance(event, SocketOpened):
        report("The app has connected")
    elif isinstance(event, SocketClosed):
        report("The app has disconnected")


@asynccontextmanager
async def _delivering(config: SandboxConfig, slack: SlackServer, report: Callable[[str], None]) -> AsyncIterator[None]:
    """Delivers events to the configured address, if any, inside the `async with` block."""
    async with asyncio.TaskGroup() as tasks:
        url = config.deliver_to
        verifier = tasks.create_task(_deliver(slack, url, report), name="verify the address") if url else None
        yield
        if verifier is not None:
            verifier.cancel()


async def _deliver(slack: SlackServer, url: str, report: Callable[[str], None]) -> None:
    """Delivers events to an address as soon as it answers the challenge. Until then they wait."""
    reported = ""
    while True:
        try:
            await slack.deliver_to(url)
        except ConnectionError as error:
            if str(error) != reported:
                reported = str(error)
                report(f"Waiting for {url}: {reported}")
            await asyncio.sleep(_VERIFY_INTERVAL_SECONDS)
        else:
            report(f"Delivering events to {url}")
            return


@asynccontextmanager
async def _servers(
    config: SandboxConfig,
) -> AsyncIterator[tuple[SlackServer, FlyteServer, SlackWorkspace, Sequence[ScriptedPack]]]:
    slack = _slack(config)
    workspace = SlackWorkspace(slack)
    _populate(workspace, config)
    environment = TemplateEnvironment(config.datastore)
    async with slack, FlyteServer(port=config.flyte_port, flows=config.flows, environment=environment) as flyte:
        flyte.slack_pack = config.settings.get("PACK_NAME", flyte.slack_pack)
        yield slack, flyte, workspace, _scripted_packs(config, flyte)


def _slack(config: SandboxConfig) -> SlackServer:
    return SlackServer(port=config.slack_port, bot_name=BOT, classic=config.classic)


def _page(
    config: SandboxConfig,
    slack: SlackServer,
    flyte: FlyteServer,
    packs: Sequence[ScriptedPack] = (),
    adapters: Adapters | None = None,
    *,
    is_slack_only: bool = False,
) -> AbstractAsyncContextManager[str]:
    """Opens the page and yields its URL; yields an empty one if the configuration has no page."""
    if config.page_port is None:
        return nullcontext("")
    surroundings = Surroundings(
        flow_files=config.flow_files,
        known_packs=partial(running_packs, flyte, packs),
        is_slack_only=is_slack_only,
        has_sockets=not config.deliver_to,
    )
    return open_page(slack, flyte, config.page_port, adapters=adapters, surroundings=surroundings)


def _populate(workspace: SlackWorkspace, config: SandboxConfig, members: Sequence[str] = ()) -> None:
    """Adds people and channels, with these members in those that the pack joins."""
    for handle in _PEOPLE:
        workspace.add_person(handle)
    for channel in config.channels:
        present = members if channel.is_joined else ()
        workspace.add_channel(channel.label, channel.id, is_private=channel.is_private, members=present)


def _joined(config: SandboxConfig, workspace: SlackWorkspace) -> Sequence[Conversation]:
    """Returns the channels that the pack joins."""
    return [workspace.conversation(channel.label, "") for channel in config.channels if channel.is_joined]


def _scripted_packs(config: SandboxConfig, flyte: Flyte) -> Sequence[ScriptedPack]:
    return [ScriptedPack(script, flyte, flyte.environment) for script in config.packs]


def _pack_variables(
    config: SandboxConfig, slack: SlackServer, flyte: FlyteServer, workspace: SlackWorkspace
) -> dict[str, str]:
    joined = [channel.id for channel in _joined(config, workspace)]
    return {
        "FLYTE_API": flyte.api_url,
        "FLYTE_SLACK_API_URL": slack.api_url,
        "FLYTE_SLACK_TOKEN": slack.bot_token,
        **_receiving_credentials(config, slack),
        "FLYTE_SLACK_DEFAULT_JOIN_CHANNEL": ",".join(joined),
    }


def _app_variables(slack: SlackServer) -> dict[str, str]:
    """Returns what an app needs for each way to receive, under the names that Slack's own examples use."""
    app_token = {} if slack.access.is_classic else {"SLACK_APP_TOKEN": slack.app_token}
    return {
        "SLACK_BOT_TOKEN": slack.bot_token,
        **app_token,
        "SLACK_SIGNING_SECRET": slack.signing_secret,
        "SLACK_API_URL": slack.api_url,
    }


def _receiving_credentials(config: SandboxConfig, slack: SlackServer) -> dict[str, str]:
    """Returns the variable that selects how the pack receives events; a classic app needs none for RTM."""
    if config.classic:
        return {}
    if config.deliver_to:
        return {"FLYTE_SLACK_SIGNING_SECRET": slack.signing_secret}
    return {"FLYTE_SLACK_APP_TOKEN": slack.app_token}


def _settings(config: SandboxConfig, variables: dict[str, str]) -> Settings:
    """Returns a production pack's settings, without files and a noticeable rate limit, with edits and `CallSlack`."""
    defaults = {**_EPHEMERAL, "FLYTE_SLACK_MESSAGES_PER_SECOND": "1000", "FLYTE_SLACK_HTTP_HOST": "127.0.0.1"}
    defaults |= {"FLYTE_SLACK_RECEIVE_EDITS": "true", "FLYTE_SLACK_ALLOWED_METHODS": _ALLOWED_METHODS}
    return load_settings({**defaults, **variables, **config.settings, "FLYTE_SLACK_RECORD": config.record})


@asynccontextmanager
async def _running(pack: Application) -> AsyncIterator[None]:
    """Runs the pack; yields when it is ready. If the pack fails, the body of the `async with` is cancelled."""
    async with asyncio.TaskGroup() as tasks:
        running = tasks.create_task(pack.supervisor().run(), name="pack")
        try:
            await _wait_until_ready(pack)
            yield
        finally:
            pack.shutdown().request()
            await asyncio.wait({running}, timeout=_SHUTDOWN_SECONDS)
            running.cancel()


async def _wait_until_ready(pack: Application) -> None:
    try:
        async with asyncio.timeout(_READY_SECONDS):
            while not await _is_ready(pack):  # noqa: ASYNC110 - no event marks it
                await asyncio.sleep(_POLL_INTERVAL_SECONDS)
    except TimeoutError as error:
        checks = ", ".join(f"{name}: {check.status}" for name, check in pack.health().checks().items())
        raise TimeoutError(f"the pack is not ready after {_READY_SECONDS:g} s ({checks})") from error


async def _is_ready(pack: Application) -> bool:
    joined = await pack.storage().channels.joined()
    return pack.health().is_healthy and all(channel in joined for channel in pack.settings().default_join_channels)
