"""The world of a flow test: the real pack on the adapters in memory and in virtual time, with all that is around it."""

import asyncio
import random
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Final

from adapters.memory.chat import MemoryChat
from adapters.memory.receiver import MemoryReceiver
from domain.messages import RichMessage
from entrypoints.container import Container
from entrypoints.flow_tests.clock.virtual_time import VirtualClock
from entrypoints.flow_tests.model import FlowTestSetup, SlackFault
from entrypoints.flow_tests.runtime.event_log import EventLog
from entrypoints.flow_tests.runtime.fault_injection import TroubledChat, TroubledEar, TroubledWorkflow
from entrypoints.flow_tests.runtime.faults import FlyteFaults, SlackFaults
from entrypoints.flow_tests.settings import pack_settings
from entrypoints.simulation.console.transcript import Transcript
from entrypoints.simulation.environment import Sandbox
from entrypoints.simulation.flyte.engine import Flyte
from entrypoints.simulation.flyte.memory_bridge import MemoryBridge
from entrypoints.simulation.flyte.scripted_pack import ScriptedPack
from entrypoints.simulation.flyte.trace import TraceEvent
from entrypoints.simulation.pongo2.rendering import TemplateEnvironment
from entrypoints.simulation.workspaces.memory_workspace import MemoryWorkspace
from entrypoints.simulation.workspaces.workspace import BOT

_PAUSE_SECONDS: Final = 1e-6
"""Virtual time passes only when nothing is left to do, however little of it is waited for."""
_FIRST_LOOK_SECONDS: Final = 0.1
_LONGEST_LOOK_SECONDS: Final = 30.0


class FlowTestEnvironment:
    """What steps act upon. Made and used inside the event loop of virtual time."""

    def __init__(self, scene: FlowTestSetup) -> None:
        clock = VirtualClock(scene.start)
        settings = pack_settings(scene.settings)
        surroundings = TemplateEnvironment(scene.datastore, random.Random(0), clock.now)  # noqa: S311 - the same in each run
        self.container = Container(settings=settings)
        self.surroundings = surroundings
        self.flyte = Flyte(flows=scene.flows, environment=surroundings)
        self.slack_faults = SlackFaults(clock)
        self.flyte_faults = FlyteFaults(clock)
        self._chat = MemoryChat(clock)
        ear = MemoryReceiver(self._chat, clock)
        self._ear = TroubledEar(self._chat, ear, clock)
        self.workspace = MemoryWorkspace(self._chat, ear)
        self.transcript = Transcript()
        self.event_log = EventLog(self.flyte.packs, self._latest_post_fields)
        self._populate(scene)
        flows = MemoryBridge(self.flyte, settings.pack_name, settings.flyte_labels)
        for script in scene.packs:
            ScriptedPack(script, self.flyte, surroundings)
        self.container.clock.override(clock)
        self.container.chat.override(TroubledChat(self._chat, self.slack_faults))
        self.container.receiver.override(ear)
        self.container.workflow.override(TroubledWorkflow(flows.workflow, self.flyte_faults))
        self._subscribe()

    def names(self) -> Mapping[str, object]:
        """What templates in a test can refer to: ids of people and of channels."""
        rooms = {room.label.removeprefix("#"): room.id for room in self.workspace.conversations()}
        return {"people": self.workspace.user_ids, "channels": rooms}

    def set_slack_fault(self, trouble: SlackFault) -> None:
        """Let Slack answer otherwise from now on; what can't be reached can't be heard either."""
        self.slack_faults.set(trouble)
        if self.slack_faults.is_unreachable:
            self._ear.deafen(trouble.seconds)
        else:
            self._ear.hear_again()

    async def run_ready_tasks(self) -> None:
        """Return when nothing more happens without time passing."""
        await asyncio.sleep(_PAUSE_SECONDS)

    async def settle(self, patience_seconds: float) -> str:
        """Wait until nothing more follows from what was said and done; '' then, or what is still waited for."""
        stage = Sandbox(self.workspace, self.flyte, self.container.storage())
        look, waited = _FIRST_LOOK_SECONDS, 0.0
        await self.run_ready_tasks()
        while (waits_for := await stage.settle(0)) and waited < patience_seconds:
            await asyncio.sleep(look)
            waited += look
            look = min(look * 2, _LONGEST_LOOK_SECONDS)
        return waits_for

    def _populate(self, scene: FlowTestSetup) -> None:
        for person in scene.people:
            self.workspace.add_person(person.handle, person.user)
        for channel in scene.channels:
            self.workspace.add_channel(channel.label, channel.id, is_private=channel.is_private)
            if channel.is_joined:
                self.workspace.invite(BOT, self.workspace.conversation(channel.label, ""))

    def _subscribe(self) -> None:
        """What was there before is no news."""
        self.workspace.listeners += [self.transcript.record, self.event_log.record_chat]
        self.flyte.listeners.extend((self.event_log.record_flyte, self._stop_livelock))

    def _stop_livelock(self, _: TraceEvent) -> None:
        """Scripted packs answer at once, so flows and packs that go round in circles would let no time pass again."""
        if self.event_log.livelock.is_set():
            self.flyte.listeners.clear()

    def _latest_post_fields(self) -> object:
        message = self._chat.posts[-1].message
        if isinstance(message, RichMessage):
            return message.fields
        return {"channel": message.channel_id, "text": message.text, "thread_ts": message.thread_timestamp}


@asynccontextmanager
async def running_environment(scene: FlowTestSetup) -> AsyncIterator[FlowTestEnvironment]:
    """A world with its pack at work, from a moment at which it hears and is registered. The end of it is the pack's."""
    world = FlowTestEnvironment(scene)
    async with world.container.storage().open(), asyncio.TaskGroup() as tasks:
        serving = tasks.create_task(world.container.service().run(), name="pack")
        try:
            await world.run_ready_tasks()
            yield world
        finally:
            world.container.stop().request()
            await asyncio.wait({serving}, timeout=1)
            serving.cancel()
