"""What happens in a flow test, as far as it can be expected, in its order and with its time."""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, TypeAlias

from entrypoints.simulation.flyte import trace as flyte
from entrypoints.simulation.flyte.models import Pack
from entrypoints.simulation.workspaces.workspace import BOT, ChatMessage, WorkspaceEvent

if TYPE_CHECKING:
    from entrypoints.simulation.console.formatter import OutputEvent

MAX_EVENTS_PER_INSTANT: Final = 50_000
"""Messages, commands and events between which no time passes."""


@dataclass(frozen=True, slots=True)
class BotMessage:
    """The bot said something."""

    at: float
    """In virtual seconds since the test began."""
    spoken: ChatMessage
    fields: object
    """Of Slack's `chat.postMessage`, as the pack sent them."""


@dataclass(frozen=True, slots=True)
class CommandSent:
    """A step of a flow sent a command."""

    at: float
    pack: str
    command: str
    input: object
    action_id: str


@dataclass(frozen=True, slots=True)
class EventSent:
    """A pack sent an event."""

    at: float
    pack: str
    event: str
    payload: object


Observed: TypeAlias = BotMessage | CommandSent | EventSent


class EventLog:
    """Notes all that happens."""

    def __init__(self, packs: Mapping[str, Pack], fields_of_latest: Callable[[], object]) -> None:
        self._packs = packs
        self._fields_of_latest = fields_of_latest
        self._sources: dict[str, str] = {}
        """By action: the flow and step that it comes from."""
        self.observed: list[Observed] = []
        self.events: list[OutputEvent] = []
        """Everything, in the words of those who tell it."""
        self.changed = asyncio.Event()
        self.livelock = asyncio.Event()
        """Set when so much happens at one moment that it will never end."""
        self._moment = 0.0
        self._count = 0

    def record_chat(self, told: WorkspaceEvent) -> None:
        """Note what can be seen in the chat."""
        self.events.append(told)
        if isinstance(told, ChatMessage) and told.speaker == BOT:
            self._add(BotMessage(_now(), told, self._fields_of_latest()))

    def record_flyte(self, told: flyte.TraceEvent) -> None:
        """Note what the engine tells."""
        self.events.append(told)
        match told:
            case flyte.StepMatched(flow=flow, step=step, action_id=action_id):
                self._sources[action_id] = f"flow {flow}" + (f", step {step}" if step else "")
            case flyte.ActionCreated(action_id=action_id, pack=pack, command=command, input=given):
                self._add(CommandSent(_now(), pack, command, given, action_id))
            case flyte.EventAccepted(pack_id=pack_id, event=event, payload=payload):
                self._add(EventSent(_now(), self._pack_name(pack_id), event, payload))
            case flyte.ActionFinished(pack_id=pack_id, event=event, payload=payload):
                self._add(EventSent(_now(), self._pack_name(pack_id), event, payload))
            case _:
                pass

    def source_of_action(self, action_id: str) -> str:
        """The flow and step that an action comes from; empty when it comes from none."""
        return self._sources.get(action_id, "")

    def source_of_message(self, message: BotMessage) -> str:
        """The flow and step whose command the pack answered with this message's `ts`; empty when nobody knows."""
        for told in reversed(self.events):
            if isinstance(told, flyte.ActionFinished) and isinstance(told.payload, dict):
                stands = (told.payload.get("channelId"), told.payload.get("timestamp"))
                if stands == (message.spoken.channel_id, message.spoken.timestamp):
                    return self.source_of_action(told.action_id)
        return ""

    def _pack_name(self, pack_id: str) -> str:
        pack = self._packs.get(pack_id)
        return pack.name if pack else pack_id

    def _add(self, happened: Observed) -> None:
        self.observed.append(happened)
        self.changed.set()
        self._count = self._count + 1 if happened.at == self._moment else 1
        self._moment = happened.at
        if self._count > MAX_EVENTS_PER_INSTANT:
            self.livelock.set()


def _now() -> float:
    return asyncio.get_running_loop().time()
