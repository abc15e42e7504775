"""Answers of packs that no step waits for: whoever asked gets no answer."""

from typing import Final

from entrypoints.simulation.flyte.engine import Flyte
from entrypoints.simulation.flyte.flow_loader import FlowStep
from entrypoints.simulation.flyte.models import Action
from entrypoints.simulation.flyte.trace import ActionFinished

SLACK: Final = "Slack"
"""The pack whose answers need no step: they tell what the person has seen."""


def unawaited_answer(flyte: Flyte, finished: ActionFinished) -> str:
    """Returns that no step waits for an answer of another pack, and what its flow waits for instead; otherwise ''."""
    action = flyte.actions.get(finished.action_id)
    if action is None or action.pack_name == SLACK or flyte.has_flow_for(action.pack_name, finished.event):
        return ""
    awaited = [f"{_name(step)} waits for {step.event_pack} {step.event_name}" for step in _waiting_steps(action)]
    return "; ".join([f"no step waits for {action.pack_name} {finished.event}", *awaited])


def _waiting_steps(action: Action) -> list[FlowStep]:
    """Returns the steps of the action's flow that wait for another answer to it."""
    steps = action.run.flow.steps if action.run.flow else ()
    return [step for step in steps if step.event_pack == action.pack_name and action.step_id in step.depends_on]


def _name(step: FlowStep) -> str:
    return f"step {step.id}" if step.id else "a step"
