"""What of a message's way can be seen at Flyte: the event, the steps of flows and why they ran or not, the actions."""

from typing import Final

from entrypoints.simulation.console.explain import referenced_values
from entrypoints.simulation.flyte.models import FATAL, Event
from entrypoints.simulation.flyte.server import FlyteServer
from entrypoints.simulation.flyte.trace import (
    ActionCreated,
    ActionFinished,
    ActionTaken,
    EventAccepted,
    StepEvaluated,
    StepFailed,
    StepMatched,
    StepUnmatched,
    TraceEvent,
)
from entrypoints.simulation.web.trace.pending_actions import PendingActions
from entrypoints.simulation.web.trace.trace import DeliveryStage, MessageTrace
from entrypoints.simulation.web.trace.traces import MessageTraces

RECEIVED: Final = "ReceivedMessage"
_KEPT_ANSWERS: Final = 1_000


class FlyteTracer:
    """Follows what happens in a FlyteServer."""

    def __init__(self, flyte: FlyteServer, ways: MessageTraces, in_hand: PendingActions) -> None:
        self._flyte = flyte
        self._ways = ways
        self._in_hand = in_hand
        self._by_answer: dict[int, tuple[Event, MessageTrace]] = {}
        flyte.listeners.append(self._hear)

    def _hear(self, happening: TraceEvent) -> None:
        match happening:
            case EventAccepted():
                self._hear_event(happening)
            case StepEvaluated():
                self._hear_step(happening)
            case ActionCreated(action_id=action_id, pack=pack, command=command, input=asked):
                details = {"pack": pack, "command": command, "input": asked}
                self._hear_of_action(action_id, "command", happening.at, details)
            case ActionTaken(action_id=action_id):
                action = self._flyte.actions[action_id]
                self._in_hand.add(action_id, action.input)
                self._hear_of_action(action_id, "taken", happening.at, {"pack": action.pack_name})
            case ActionFinished():
                self._hear_answer(happening)
            case _:
                pass

    def _hear_event(self, taken: EventAccepted) -> None:
        way = self._way_of(taken.event, taken.payload)
        if way is None:
            return
        if way.stage is DeliveryStage.DELIVERED:
            self._ways.counters["delivered_again"] += 1
        self._ways.advance(way, "handed", taken.at, {"event": taken.event}, DeliveryStage.DELIVERED)
        pack = self._flyte.packs.get(taken.pack_id)
        if pack is not None and not self._is_waited_for(pack.name, taken.event):
            self._ways.advance(way, "no_flow", taken.at, {"event": taken.event})

    def _hear_step(self, step: StepEvaluated) -> None:
        way = self._way_of_trigger(step.trigger)
        if way is None:
            return
        details: dict[str, object] = {"flow": step.flow, "step": step.step, "event": step.event}
        match step:
            case StepMatched(action_id=action_id):
                self._ways.by_action[action_id] = way
                way.open_actions.add(action_id)
                details |= {"outcome": "matched", "criteria": step.criteria, "rendered": step.rendered}
            case StepUnmatched():
                details |= {"outcome": "unmatched", "reason": step.reason}
                details |= {"criteria": step.criteria, "rendered": step.rendered}
            case StepFailed():
                details |= {"outcome": "failed", "reason": step.error, "part": step.part}
        criteria = str(details.get("criteria", ""))
        details["seen"] = referenced_values(criteria, step.trigger, step.context)
        self._ways.advance(way, "step", step.at, details)

    def _hear_of_action(self, action_id: str, station: str, at: float, details: dict[str, object]) -> None:
        way = self._ways.by_action.get(action_id)
        if way is not None:
            self._ways.advance(way, station, at, details)

    def _hear_answer(self, answer: ActionFinished) -> None:
        self._in_hand.remove(answer.action_id)
        is_good = answer.event != FATAL and not answer.event.endswith("Failed")
        self._ways.counters["answered" if is_good else "failed"] += 1
        way = self._ways.by_action.pop(answer.action_id, None)
        if way is None:
            return
        way.open_actions.discard(answer.action_id)
        way.answers += 1
        way.failed_actions += not is_good
        self._keep_answer(answer.action_id, way)
        details = {"event": answer.event, "payload": answer.payload, "is_good": is_good}
        self._ways.advance(way, "answered", answer.at, details)

    def _keep_answer(self, action_id: str, way: MessageTrace) -> None:
        """An answer is an event that steps may wait for: what follows from it belongs to the same way."""
        result = self._flyte.actions[action_id].result
        if result is None:
            return
        self._by_answer[id(result)] = (result, way)
        if len(self._by_answer) > _KEPT_ANSWERS:
            del self._by_answer[next(iter(self._by_answer))]

    def _way_of_trigger(self, trigger: Event) -> MessageTrace | None:
        _, way = self._by_answer.get(id(trigger), (None, None))
        return way or self._way_of(trigger.name, trigger.payload)

    def _way_of(self, event: str, payload: object) -> MessageTrace | None:
        if event != RECEIVED or not isinstance(payload, dict):
            return None
        return self._ways.by_message.get((str(payload.get("channelId")), str(payload.get("timestamp"))))

    def _is_waited_for(self, pack: str, event: str) -> bool:
        steps = (step for flow in self._flyte.flows.values() for step in flow.steps)
        return any((step.event_pack, step.event_name) == (pack, event) for step in steps)
