"""Answers of packs that no step waits for: whoever asked gets no answer."""

from typing import Final

from application.catalog.commands import COMMANDS
from entrypoints.simulation.flyte.engine import Flyte
from entrypoints.simulation.flyte.flow_loader import FlowStep
from entrypoints.simulation.flyte.models import Action
from entrypoints.simulation.flyte.trace import ActionFinished

_LOOK_UPS: Final = frozenset(spec.name for spec in COMMANDS if spec.is_look_up)


def shows_in_slack(flyte: Flyte, action: Action) -> bool:
    """Returns whether people see what an action does once it succeeds."""
    return action.pack_name == flyte.slack_pack and action.name not in _LOOK_UPS


def unawaited_answer(flyte: Flyte, finished: ActionFinished) -> str:
    """Returns that no step waits for an answer that no one sees, and what its flow waits for instead; otherwise ''."""
    action = flyte.actions.get(finished.action_id)
    if action is None or shows_in_slack(flyte, action) or _is_awaited(flyte, action, finished.event):
        return ""
    awaited = [f"{_name(step)} waits for {step.event_pack} {step.event_name}" for step in waiting_steps(action)]
    return "; ".join([f"no step waits for {action.pack_name} {finished.event}", *awaited])


def _is_awaited(flyte: Flyte, action: Action, event: str) -> bool:
    """Whether a step of the action's own flow waits for the event, or one with which a run of any flow starts."""
    own = action.run.flow.steps if action.run.flow else ()
    starting = (step for flow in flyte.flows.values() for step in flow.steps if step.starts_run)
    return any((step.event_pack, step.event_name) == (action.pack_name, event) for step in (*own, *starting))


def waiting_steps(action: Action) -> list[FlowStep]:
    """Returns the steps of the action's flow that wait for another answer to it."""
    steps = action.run.flow.steps if action.run.flow else ()
    return [step for step in steps if step.event_pack == action.pack_name and action.step_id in step.depends_on]


def _name(step: FlowStep) -> str:
    return f"step {step.id}" if step.id else "a step"
