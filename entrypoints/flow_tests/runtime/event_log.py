"""Records what happens in a flow test: messages, commands and events, with their times."""

import asyncio
from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

from entrypoints.flow_tests.runtime.observed import (
    BotDeletion,
    BotEphemeral,
    BotMessage,
    BotReaction,
    BotUpdate,
    BotView,
    CommandSent,
    EventSent,
    Observed,
    SharedFile,
)
from entrypoints.simulation.flyte import trace as flyte
from entrypoints.simulation.flyte.models import Pack
from entrypoints.simulation.slack.event_log import Post, SlackEvent
from entrypoints.simulation.slack.web_api.files import File
from entrypoints.simulation.workspaces.workspace import (
    BOT,
    ChatMessage,
    MessageChanged,
    ReactionChanged,
    ViewShown,
    WorkspaceEvent,
)

if TYPE_CHECKING:
    from entrypoints.simulation.console.formatter import OutputEvent

MAX_EVENTS_PER_INSTANT: Final = 50_000
"""More messages, commands and events at one instant are a livelock."""


class EventLog:
    """Everything that has happened, in order."""

    def __init__(self, packs: Mapping[str, Pack], files: Mapping[str, File]) -> None:
        self._packs = packs
        self._files = files
        self._messages: dict[tuple[str, str], ChatMessage] = {}
        """The messages by channel and `ts`."""
        self._sources: dict[str, str] = {}
        """The flow and step that sent each action, by action id."""
        self.observed: list[Observed] = []
        """The occurrences that tests can expect."""
        self.events: list[OutputEvent] = []
        """All events of the workspace and the engine."""
        self.changed = asyncio.Event()
        self.livelock = asyncio.Event()
        """Set when flows and packs trigger each other endlessly at one instant."""
        self._instant = 0.0
        self._count = 0

    def record_chat(self, event: WorkspaceEvent) -> None:
        """Records an event of the workspace."""
        self.events.append(event)
        match event:
            case ChatMessage(viewer=""):
                self._messages[event.channel_id, event.timestamp] = event
            case ChatMessage():
                self._add(BotEphemeral(_now(), event))
            case MessageChanged(editor=editor, message=ChatMessage() as message) if editor == BOT:
                self._add(BotUpdate(_now(), message))
            case MessageChanged(message=None) if self._is_of_bot(event):
                self._add(BotDeletion(_now(), event))
            case ReactionChanged(speaker=speaker) if speaker == BOT:
                self._add(BotReaction(_now(), event))
            case ViewShown(is_visible=True):
                self._add(BotView(_now(), event))
            case _:
                pass

    def record_slack(self, event: SlackEvent) -> None:
        """Records an event of Slack's log, which follows on that of the workspace."""
        if isinstance(event, Post):
            message = self._messages[event.channel, event.ts]
            self._add(BotMessage(_now(), message, event.arguments, [self._file(file) for file in message.files]))

    def record_flyte(self, event: flyte.TraceEvent) -> None:
        """Records an event of the engine."""
        self.events.append(event)
        match event:
            case flyte.StepMatched(flow=flow, step=step, action_id=action_id):
                self._sources[action_id] = flyte.step_name(flow, step)
            case flyte.ActionCreated(action_id=action_id, pack=pack, command=command, input=value):
                self._add(CommandSent(_now(), pack, command, value, action_id))
            case flyte.EventAccepted() | flyte.ActionFinished():
                pack_name = self._packs[event.pack_id].name if event.pack_id in self._packs else event.pack_id
                self._add(EventSent(_now(), pack_name, event.event, event.payload))
            case _:
                pass

    def source_of_action(self, action_id: str) -> str:
        """Returns the flow and step that sent an action; empty when no flow did."""
        return self._sources.get(action_id, "")

    def source_of_message(self, sent: BotMessage) -> str:
        """Returns the flow and step whose command posted a message; empty when it is unknown."""
        for event in reversed(self.events):
            if isinstance(event, flyte.ActionFinished) and isinstance(event.payload, dict):
                posted = (event.payload.get("channelId"), event.payload.get("timestamp"))
                if posted == (sent.message.channel_id, sent.message.timestamp):
                    return self.source_of_action(event.action_id)
        return ""

    def _is_of_bot(self, event: MessageChanged) -> bool:
        message = self._messages.get((event.channel_id, event.timestamp))
        return message is not None and message.speaker == BOT

    def _file(self, shared: Mapping[str, object]) -> SharedFile:
        content = self._files[str(shared["id"])].content or b""
        return SharedFile(str(shared["name"]), str(shared["title"]), content.decode("utf-8", "replace"))

    def _add(self, observed: Observed) -> None:
        self.observed.append(observed)
        self.changed.set()
        self._count = self._count + 1 if observed.at == self._instant else 1
        self._instant = observed.at
        if self._count > MAX_EVENTS_PER_INSTANT:
            self.livelock.set()


def _now() -> float:
    return asyncio.get_running_loop().time()
