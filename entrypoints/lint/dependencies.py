"""Which steps come before which within a run."""

from collections.abc import Collection, Iterator

from entrypoints.lint.flow_text import FlowText, StepText


def producers(flow: FlowText, step: StepText) -> list[StepText]:
    """Returns the steps whose commands go to the pack of the event that a step waits for."""
    return [other for other in flow.steps if other.command.pack == step.event.pack]


def earlier_steps(flow: FlowText, step: StepText) -> list[StepText]:
    """Returns the steps that can have run before another one in the same run, nearest first."""
    found: list[StepText] = []
    waiting = list(_just_before(flow, step))
    while waiting:
        earlier = waiting.pop(0)
        if earlier not in found and step not in required_steps(flow, earlier):
            found.append(earlier)
            waiting += _just_before(flow, earlier)
    return found


def required_steps(flow: FlowText, step: StepText) -> list[StepText]:
    """Returns the steps that a step depends on, those that they depend on, and so on; itself if it waits for itself."""
    found: list[StepText] = []
    waiting = [step]
    while waiting:
        ids = waiting.pop(0).depends_on
        more = [other for other in flow.steps if other.id in ids and other not in found]
        found += more
        waiting += more
    return found


def steps_that_can_run(flow: FlowText) -> list[StepText]:
    """Returns the steps that start a run, or depend on one that can run."""
    reachable = [step for step in flow.steps if not step.depends_on]
    added = True
    while added:
        ids = {step.id for step in reachable}
        more = [step for step in flow.steps if step not in reachable and not ids.isdisjoint(step.depends_on)]
        reachable += more
        added = bool(more)
    return reachable


def _just_before(flow: FlowText, step: StepText) -> Iterator[StepText]:
    if not step.depends_on:
        return
    producing: Collection[StepText] = producers(flow, step)
    for other in flow.steps:
        if other is not step and ((other.id and other.id in step.depends_on) or other in producing):
            yield other
