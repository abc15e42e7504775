"""The environment of a flow test: the real pack on the memory adapters, in virtual time."""

import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

from adapters.memory.clock import VirtualClock
from adapters.memory.storage import MemoryStorage
from application.resilience.interception import intercepted
from entrypoints.container.adapters import FixedAdapters, event_selection
from entrypoints.container.application import Application
from entrypoints.flow_tests.model import FlowTestSetup
from entrypoints.flow_tests.runtime.event_log import EventLog
from entrypoints.flow_tests.runtime.fault_injection import ChatFaultPolicy, WorkflowFaultPolicy
from entrypoints.flow_tests.runtime.faults import FlyteFaults, SlackFaults
from entrypoints.flow_tests.settings import pack_settings
from entrypoints.flow_tests.steps import SlackFault
from entrypoints.simulation.console.transcript import Transcript
from entrypoints.simulation.environment import Sandbox
from entrypoints.simulation.flyte.engine import Flyte
from entrypoints.simulation.flyte.memory_bridge import MemoryBridge
from entrypoints.simulation.flyte.scripted_pack import ScriptedPack
from entrypoints.simulation.flyte.trace import TraceEvent
from entrypoints.simulation.pongo2.rendering import TemplateEnvironment
from entrypoints.simulation.slack.memory_bridge import SlackMemoryBridge
from entrypoints.simulation.slack.server import SlackServer
from entrypoints.simulation.workspaces.slack_workspace import SlackWorkspace
from entrypoints.simulation.workspaces.workspace import BOT

_INSTANT_SECONDS: Final = 1e-6
"""Virtual time passes only when no task is ready, however short the wait."""
_LOOP_TURNS: Final = 50
"""Enough for the pack to receive, store and acknowledge an event."""
_MIN_POLL_SECONDS: Final = 0.1
_MAX_POLL_SECONDS: Final = 30.0


class FlowTestEnvironment:
    """What steps act on. Use it inside the event loop of virtual time only."""

    def __init__(self, setup: FlowTestSetup) -> None:
        clock = VirtualClock(setup.start)
        settings = pack_settings(setup.settings)
        self.templates = TemplateEnvironment(setup.datastore, random.Random(0), clock.now)  # noqa: S311 - the same in each run
        self.flyte = Flyte(flows=setup.flows, environment=self.templates)
        self.flyte.slack_pack = settings.pack_name
        self.slack_faults = SlackFaults()
        self.flyte_faults = FlyteFaults()
        self.slack = SlackServer(bot_name=BOT, clock=lambda: clock.now().timestamp())
        self.workspace = SlackWorkspace(self.slack)
        bridge = SlackMemoryBridge(self.slack, clock, event_selection(settings), settings.command_reply)
        self._connection = bridge.receiver
        self.storage = MemoryStorage(clock)
        self.transcript = Transcript()
        self.event_log = EventLog(self.flyte.packs, self.slack.files.by_id)
        self._populate(setup)
        flows = MemoryBridge(self.flyte, settings.pack_name, settings.flyte_labels)
        for script in setup.packs:
            ScriptedPack(script, self.flyte, self.templates)
        self.application = Application(
            settings=settings,
            adapters=FixedAdapters(
                clock=clock,
                storage=self.storage,
                chat=intercepted(bridge.chat, ChatFaultPolicy(self.slack_faults)),
                receiver=bridge.receiver,
                workflow=intercepted(flows.workflow, WorkflowFaultPolicy(self.flyte_faults)),
            ),
        )
        self._subscribe()

    def set_slack_fault(self, fault: SlackFault) -> None:
        """Makes Slack fail; while it is unreachable, no events arrive either."""
        self.slack_faults.set(fault)
        if self.slack_faults.is_unreachable:
            self._connection.disconnect(fault.seconds)
        else:
            self._connection.reconnect()

    async def run_ready_tasks(self) -> None:
        """Returns when nothing more happens at this instant."""
        await asyncio.sleep(_INSTANT_SECONDS)

    async def take_turns(self) -> None:
        """Lets the pack receive people's latest actions. No time passes."""
        for _ in range(_LOOP_TURNS):
            await asyncio.sleep(0)

    async def settle(self, timeout_seconds: float) -> str:
        """Waits until nothing more follows from what has happened. Returns what is pending at the timeout, or ''."""
        sandbox = Sandbox(self.workspace, self.flyte, self.storage)
        poll, waited = _MIN_POLL_SECONDS, 0.0
        await self.run_ready_tasks()
        while (pending := await sandbox.settle(0)) and waited < timeout_seconds:
            await asyncio.sleep(poll)
            waited += poll
            poll = min(poll * 2, _MAX_POLL_SECONDS)
        return pending

    def _populate(self, setup: FlowTestSetup) -> None:
        for person in setup.people:
            self.workspace.add_person(person.handle, person.user)
        for channel in setup.channels:
            members = self.workspace.handles
            self.workspace.add_channel(channel.label, channel.id, is_private=channel.is_private, members=members)
            if channel.is_joined:
                self.workspace.invite(BOT, self.workspace.conversation(channel.label, ""))

    def _subscribe(self) -> None:
        """Ignores what happened during the setup."""
        self.workspace.listeners += [self.transcript.record, self.event_log.record_chat]
        self.slack.log.listeners.append(self.event_log.record_slack)
        self.flyte.listeners.extend((self.event_log.record_flyte, self._stop_livelock))

    def _stop_livelock(self, _: TraceEvent) -> None:
        """Disconnects flows and packs that trigger each other endlessly: scripted packs answer without time passing."""
        if self.event_log.livelock.is_set():
            self.flyte.listeners.clear()


@asynccontextmanager
async def running_environment(setup: FlowTestSetup) -> AsyncIterator[FlowTestEnvironment]:
    """Runs the pack in an environment; enters when it is registered and receives events, and stops it at the end."""
    environment = FlowTestEnvironment(setup)
    async with environment.storage.open(), environment.slack.in_process(), asyncio.TaskGroup() as tasks:
        serving = tasks.create_task(environment.application.supervisor().run(), name="pack")
        try:
            await environment.run_ready_tasks()
            yield environment
        finally:
            environment.application.shutdown().request()
            await asyncio.wait({serving}, timeout=1)
            serving.cancel()
