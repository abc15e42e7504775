"""Traces messages at Flyte: the event, the evaluated flow steps with their reasons, and the actions."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from entrypoints.simulation.console.explain import referenced_values
from entrypoints.simulation.flyte.models import Action, Event
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
    step_name,
)
from entrypoints.simulation.flyte.unawaited import shows_in_slack, unawaited_answer, waiting_steps
from entrypoints.simulation.web.trace.sources import source_of_payload
from entrypoints.simulation.web.trace.trace import DeliveryStage, MessageTrace
from entrypoints.simulation.web.trace.traces import MessageTraces

_MAX_RESULTS: Final = 1_000
_POSTING: Final = ("SendMessage", "SendRichMessage", "SendDirectMessage")
"""The commands whose answers name the message that was posted."""


@dataclass(slots=True)
class _Result:
    """The result of an action, which is an event too: it may trigger further steps of the same trace."""

    event: Event
    action_id: str
    trace: MessageTrace | None
    is_unhandled: bool
    """Whether it is a failure for which no step has run."""
    has_run: bool = False
    """Whether a step has run for it."""


class FlyteTracer:
    """Adds what happens in a FlyteServer to the traces."""

    def __init__(self, flyte: FlyteServer, traces: MessageTraces) -> None:
        self._flyte = flyte
        self._traces = traces
        self._results: dict[int, _Result] = {}
        """Results by the identity of their event."""
        flyte.listeners.append(self._on_event)

    def _on_event(self, event: TraceEvent) -> None:
        match event:
            case EventAccepted():
                self._on_accepted(event)
            case StepEvaluated():
                self._on_evaluated(event)
            case ActionCreated(action_id=action_id, pack=pack, command=command, input=action_input):
                details = {"pack": pack, "command": command, "input": action_input}
                self._add_action_step(action_id, "action_created", event.at, details, self._lack_of_pack(action_id))
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
        result = self._results.get(id(step.trigger))
        trace = result.trace if result else self._trace_of(step.trigger.name, step.trigger.payload)
        if result is not None:
            self._follow_up(result, step)
        if trace is None:
            return
        details: dict[str, object] = {"flow": step.flow, "step": step.step, "event": step.event}
        match step:
            case StepMatched(action_id=action_id):
                self._traces.by_action[action_id] = trace
                trace.pending_actions[action_id] = ""
                details |= {"outcome": "matched", "criteria": step.criteria, "rendered": step.rendered}
            case StepUnmatched():
                details |= {"outcome": "unmatched", "reason": step.reason}
                details |= {"criteria": step.criteria, "rendered": step.rendered}
            case StepFailed():
                details |= {"outcome": "failed", "reason": step.error, "part": step.part}
                trace.flow_failure = f"{step_name(step.flow, step.step)}: {step.part}: {step.error}"
        criteria = str(details.get("criteria", ""))
        details["values"] = referenced_values(criteria, step.trigger, step.context)
        self._traces.advance(trace, "flow_step", step.at, details)

    def _follow_up(self, result: _Result, step: StepEvaluated) -> None:
        """Records that a step runs for a result, or why it does not."""
        if isinstance(step, StepMatched):
            if result.is_unhandled:
                self._traces.counters.update(failed=-1, handled=1)
            if result.trace is not None:
                result.trace.unmet = ""
                result.trace.handle_failure(result.action_id, step_name(step.flow, step.step))
            result.is_unhandled, result.has_run = False, True
        elif isinstance(step, StepUnmatched) and result.trace is not None and not result.has_run:
            result.trace.unmet = f"{step_name(step.flow, step.step)}: {step.reason}"

    def _on_completed(self, completed: ActionFinished) -> None:
        action = self._flyte.actions[completed.action_id]
        self._traces.counters["failed" if completed.has_failed else "succeeded"] += 1
        trace = self._traces.by_action.pop(completed.action_id, None)
        if completed.command in _POSTING and isinstance(completed.payload, Mapping):
            self._traces.credit_post(str(completed.payload.get("timestamp")), trace)
        self._remember_result(action, trace, has_failed=completed.has_failed)
        if trace is None:
            return
        trace.pending_actions.pop(completed.action_id, None)
        trace.completed_actions += 1
        details: dict[str, object] = {"event": completed.event, "payload": completed.payload}
        details["succeeded"] = not completed.has_failed
        if completed.has_failed:
            details["failed_action"] = completed.action_id
            trace.failures[completed.action_id] = completed.outcome
        elif shows_in_slack(self._flyte, action):
            trace.answered_at = trace.answered_at or completed.at
        else:
            self._check_unawaited(trace, action, completed)
        self._traces.advance(trace, "action_completed", completed.at, details)

    def _check_unawaited(self, trace: MessageTrace, action: Action, completed: ActionFinished) -> None:
        """Records that no step waits for an answer: a mistake if the flow waits for another one."""
        unawaited = unawaited_answer(self._flyte, completed)
        if unawaited and waiting_steps(action):
            trace.mismatch = unawaited
        trace.unmet = unawaited or trace.unmet

    def _remember_result(self, action: Action, trace: MessageTrace | None, *, has_failed: bool) -> None:
        if action.result is None:
            return
        self._results[id(action.result)] = _Result(action.result, action.id, trace, has_failed)
        if len(self._results) > _MAX_RESULTS:
            del self._results[next(iter(self._results))]

    def _lack_of_pack(self, action_id: str) -> str:
        """Returns that no pack can take an action; empty if one can."""
        action = self._flyte.actions[action_id]
        return "" if self._flyte.has_pack_for(action) else f"there is no pack {action.pack_name} to take it"

    def _add_action_step(
        self, action_id: str, kind: str, at: float, details: dict[str, object], obstacle: str = ""
    ) -> None:
        """Adds a step to the trace of an action, which waits because of the obstacle, if any."""
        trace = self._traces.by_action.get(action_id)
        if trace is not None:
            trace.pending_actions[action_id] = obstacle
            self._traces.advance(trace, kind, at, details)

    def _trace_of(self, event: str, payload: object) -> MessageTrace | None:
        return self._traces.by_source.get(source_of_payload(event, payload))
