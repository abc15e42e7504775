"""Traces messages at Flyte: the event, the evaluated flow steps with their reasons, and the actions."""

from collections.abc import Mapping
from typing import Final

from entrypoints.simulation.console.explain import referenced_values
from entrypoints.simulation.flyte.models import Event
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
from entrypoints.simulation.web.trace.sources import source_of_payload
from entrypoints.simulation.web.trace.trace import DeliveryStage, MessageTrace
from entrypoints.simulation.web.trace.traces import MessageTraces

_MAX_RESULTS: Final = 1_000
_POSTING: Final = ("SendMessage", "SendRichMessage", "SendDirectMessage")
"""The commands whose answers name the message that was posted."""


class FlyteTracer:
    """Adds what happens in a FlyteServer to the traces."""

    def __init__(self, flyte: FlyteServer, traces: MessageTraces) -> None:
        self._flyte = flyte
        self._traces = traces
        self._by_result: dict[int, tuple[Event, MessageTrace]] = {}
        flyte.listeners.append(self._on_event)

    def _on_event(self, event: TraceEvent) -> None:
        match event:
            case EventAccepted():
                self._on_accepted(event)
            case StepEvaluated():
                self._on_evaluated(event)
            case ActionCreated(action_id=action_id, pack=pack, command=command, input=action_input):
                details = {"pack": pack, "command": command, "input": action_input}
                self._add_action_step(action_id, "action_created", event.at, details)
            case ActionTaken(action_id=action_id):
                action = self._flyte.actions[action_id]
                self._add_action_step(action_id, "action_taken", event.at, {"pack": action.pack_name})
            case ActionFinished():
                self._on_completed(event)
            case _:
                pass

    def _on_accepted(self, accepted: EventAccepted) -> None:
        trace = self._trace_of(accepted.event, accepted.payload)
        if trace is None:
            return
        if trace.stage is DeliveryStage.DELIVERED:
            self._traces.counters["duplicates"] += 1
        self._traces.advance(trace, "published", accepted.at, {"event": accepted.event}, DeliveryStage.DELIVERED)
        pack = self._flyte.packs.get(accepted.pack_id)
        if pack is not None and not self._flyte.has_flow_for(pack.name, accepted.event):
            self._traces.advance(trace, "no_flow", accepted.at, {"event": accepted.event})

    def _on_evaluated(self, step: StepEvaluated) -> None:
        trace = self._trace_of_trigger(step.trigger)
        if trace is None:
            return
        details: dict[str, object] = {"flow": step.flow, "step": step.step, "event": step.event}
        match step:
            case StepMatched(action_id=action_id):
                self._traces.by_action[action_id] = trace
                trace.pending_actions.add(action_id)
                details |= {"outcome": "matched", "criteria": step.criteria, "rendered": step.rendered}
            case StepUnmatched():
                details |= {"outcome": "unmatched", "reason": step.reason}
                details |= {"criteria": step.criteria, "rendered": step.rendered}
            case StepFailed():
                details |= {"outcome": "failed", "reason": step.error, "part": step.part}
        criteria = str(details.get("criteria", ""))
        details["values"] = referenced_values(criteria, step.trigger, step.context)
        self._traces.advance(trace, "flow_step", step.at, details)

    def _on_completed(self, completed: ActionFinished) -> None:
        self._traces.counters["failed" if completed.has_failed else "succeeded"] += 1
        trace = self._traces.by_action.pop(completed.action_id, None)
        if completed.command in _POSTING and isinstance(completed.payload, Mapping):
            self._traces.credit_post(str(completed.payload.get("timestamp")), trace)
        if trace is None:
            return
        trace.pending_actions.discard(completed.action_id)
        trace.completed_actions += 1
        trace.failed_actions += completed.has_failed
        self._remember_result(completed.action_id, trace)
        details = {"event": completed.event, "payload": completed.payload, "succeeded": not completed.has_failed}
        self._traces.advance(trace, "action_completed", completed.at, details)

    def _remember_result(self, action_id: str, trace: MessageTrace) -> None:
        """Remember an action's result: it is an event that may trigger further steps of the same trace."""
        result = self._flyte.actions[action_id].result
        if result is None:
            return
        self._by_result[id(result)] = (result, trace)
        if len(self._by_result) > _MAX_RESULTS:
            del self._by_result[next(iter(self._by_result))]

    def _add_action_step(self, action_id: str, kind: str, at: float, details: dict[str, object]) -> None:
        trace = self._traces.by_action.get(action_id)
        if trace is not None:
            self._traces.advance(trace, kind, at, details)

    def _trace_of_trigger(self, trigger: Event) -> MessageTrace | None:
        _, trace = self._by_result.get(id(trigger), (None, None))
        return trace or self._trace_of(trigger.name, trigger.payload)

    def _trace_of(self, event: str, payload: object) -> MessageTrace | None:
        return self._traces.by_source.get(source_of_payload(event, payload))
