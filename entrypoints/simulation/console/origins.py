"""Traces what happens back to the message that a person posted, so that answers can be told apart."""

from collections import OrderedDict
from typing import Final

from entrypoints.simulation.console.transcript import Transcript
from entrypoints.simulation.flyte.engine import Flyte
from entrypoints.simulation.flyte.models import Action, Event
from entrypoints.simulation.flyte.trace import ActionCreated, ActionFinished, EventAccepted, StepEvaluated, TraceEvent
from entrypoints.simulation.slack.event_log import EphemeralPost, Post, SlackEvent
from entrypoints.simulation.workspaces.workspace import ChatMessage

_MESSAGE: Final = "ReceivedMessage"
_CAPACITY: Final = 10_000


class Origins:
    """Maps the latest messages of the bot to the actions that posted them, as far as the pack reports them."""

    def __init__(self, flyte: Flyte, transcript: Transcript) -> None:
        self._flyte = flyte
        self._transcript = transcript
        self._causes: OrderedDict[tuple[str, str], str] = OrderedDict()
        """The ids of actions, by channel and `ts`."""

    def record(self, event: SlackEvent) -> None:
        """Remembers for which action the bot has posted; ignores other events."""
        if isinstance(event, Post | EphemeralPost) and event.cause:
            self._causes[event.channel, event.ts] = event.cause
            while len(self._causes) > _CAPACITY:
                self._causes.popitem(last=False)

    def of(self, event: ChatMessage | TraceEvent) -> int | None:
        """Returns the number of the message that caused an event; None if there is none, or if it is unknown."""
        match event:
            case ChatMessage():
                return self._of_action(self._causes.get((event.channel_id, event.timestamp), ""))
            case EventAccepted():
                return self._number(event.event, event.payload)
            case StepEvaluated():
                run = self._flyte.run(event.run_id)
                return self._of_trigger(run.actions[0].trigger if run else event.trigger)
            case ActionCreated() | ActionFinished():
                return self._of_action(event.action_id)
            case _:
                return None

    def _of_action(self, action_id: str) -> int | None:
        action: Action | None = self._flyte.actions.get(action_id)
        return self._of_trigger(action.run.actions[0].trigger) if action else None

    def _of_trigger(self, trigger: Event) -> int | None:
        return self._number(trigger.name, trigger.payload)

    def _number(self, event: str, payload: object) -> int | None:
        if event != _MESSAGE or not isinstance(payload, dict):
            return None
        return self._transcript.number(str(payload.get("channelId")), str(payload.get("timestamp")))
