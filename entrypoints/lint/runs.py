"""Checks of how a run continues from step to step."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import Final

from application.catalog.commands import COMMANDS_BY_NAME
from application.catalog.events import EVENTS_BY_NAME
from entrypoints.lint.dependencies import earlier_steps, producers, required_steps, steps_that_can_run
from entrypoints.lint.findings import Problem
from entrypoints.lint.flow_text import FlowText, StepText
from entrypoints.lint.packs import Packs
from entrypoints.lint.words import both, either, instead_of
from entrypoints.simulation.flyte.document_fields import unknown
from entrypoints.simulation.flyte.models import FATAL, Event, Pack
from entrypoints.simulation.flyte.step_evaluator import RenderError, is_true
from entrypoints.simulation.pongo2.rendering import TemplateEnvironment
from entrypoints.simulation.pongo2.template import Template
from entrypoints.suggestions import most_similar

_START: Final = datetime(2000, 1, 1, tzinfo=UTC)


def unknown_steps(flow: FlowText, _: Packs) -> Iterator[Problem]:
    """A step that depends on one that the flow does not have."""
    ids = [step.id for step in flow.steps if step.id]
    for step in flow.steps if flow.is_whole else ():
        names = step.keys.get("dependsOn")
        for index, name in enumerate(names if isinstance(names, list) else ()):
            if isinstance(name, str) and name not in ids:
                message = f"this step never runs, because of the {unknown('step', name, ids)}"
                yield Problem((*step.path, "dependsOn", index), message, 0)


def circular_steps(flow: FlowText, _: Packs) -> Iterator[Problem]:
    """Steps that wait for one another."""
    can_run = steps_that_can_run(flow)
    for step in flow.steps if flow.is_whole else ():
        if step not in can_run and step in required_steps(flow, step):
            names = both(f"'{name}'" for name in step.depends_on)
            message = f"this step never runs, because it waits for {names}, which waits for this step"
            if step.id in step.depends_on:
                message = "this step never runs, because it waits for itself"
            advice = "name a step before it, or leave dependsOn out in the step that starts the run"
            yield Problem((*step.path, "dependsOn"), f"{message}; {advice}")


def events_that_never_come(flow: FlowText, packs: Packs) -> Iterator[Problem]:
    """A step within a run that waits for an event that no command of the flow results in."""
    for step in flow.steps if flow.is_whole else ():
        event = step.event
        is_circular = step in required_steps(flow, step)
        if not step.depends_on or not event.pack or not event.name or is_circular:
            continue
        senders = producers(flow, step)
        if not senders:
            yield Problem((*event.path, "packName"), _no_command_to(event.pack, flow), 0)
            continue
        if event.pack == packs.slack and not packs.knows_event(event.name):
            continue
        answers = [packs.answers(event.pack, sender.command.name) for sender in senders]
        possible = {FATAL, *(name for known in answers for name in known or ())}
        if None not in answers and event.name not in possible:
            required = required_steps(flow, step)
            likely = [sender for sender in senders if sender in required] or senders
            message = _never(step, likely, packs)
            yield Problem((*event.path, "name"), message, 0)


def answers_without_a_step(flow: FlowText, packs: Packs) -> Iterator[Problem]:
    """A command whose answers no step waits for, although the flow goes on after it."""
    for step in flow.steps if flow.is_whole else ():
        pack, name = step.command.pack, step.command.name
        answers = packs.answers(pack, name)
        if answers is None:
            continue
        awaited = {other.event.name for other in flow.steps if other.event.pack == pack}
        followers = [other for other in flow.steps if other is not step and step.id and step.id in other.depends_on]
        if any(_is_misnamed(flow, follower, packs) for follower in followers):
            continue
        goes_on = any(follower.event.name != FATAL for follower in followers)
        missed = [answer for answer in dict.fromkeys(answers) if answer not in awaited]
        if (goes_on and len(missed) == len(set(answers))) or _is_pointless(step, packs, missed):
            message = (
                f"no step waits for {either(missed)}, {'the answers' if len(missed) > 1 else 'the answer'} to {name}"
            )
        elif goes_on and missed and packs.is_scripted(pack):
            message = f"no step waits for {either(missed)}, which {pack} can answer to {name}"
        else:
            continue
        advice = f"add a step with the event {missed[0]}"
        yield Problem((*step.command.path, "name"), f"{message}; {advice}, or correct the event of one", 0)


def endless_flows(flow: FlowText, packs: Packs) -> Iterator[Problem]:
    """A flow that starts itself again with each answer to its commands."""
    starters = [step for step in flow.steps if not step.depends_on]
    for start in starters if flow.is_whole else ():
        sender = _restarts(flow, start, start, packs, [])
        if sender is not None:
            answers = packs.answers(sender.command.pack, sender.command.name) or ()
            is_direct = start.event.name in answers
            link = "which is answered with" if is_direct else "whose answers lead to"
            about = f"{sender.command.name}, {link} {start.event.name} again"
            message = f"every {start.event.name} starts this step, and leads to {about}: the flow never ends"
            advice = "make the step depend on the one whose answer it waits for, or add criteria that end it"
            yield Problem((*start.event.path, "name"), f"{message}; {advice}", 0)


def steps_that_run_twice(flow: FlowText, packs: Packs) -> Iterator[Problem]:
    """A step without `dependsOn` that waits for the answer to a command of its own flow, and so runs twice for it."""
    for step in flow.steps if flow.is_whole else ():
        if step.depends_on or _restarts(flow, step, step, packs, []):
            continue
        sender = next((other for other in producers(flow, step) if _starts(step, other, packs)), None)
        if sender is not None:
            answer = f"each {step.event.name} that answers {sender.command.name} of {_named(sender)}"
            message = f"this step runs twice for {answer}, in that run and in a new one"
            advice = f"let it depend on '{sender.id}'" if sender.id else "give that step an id to depend on"
            yield Problem((*step.event.path, "name"), f"{message}; {advice}", 0)


def _starts(step: StepText, sender: StepText, packs: Packs) -> bool:
    """Whether an answer to a command starts a step, as far as that is known without an event."""
    answers = packs.answers(sender.command.pack, sender.command.name) or ()
    return sender is not step and step.event.name in answers and _is_met(step, sender, packs)


def _is_misnamed(flow: FlowText, step: StepText, packs: Packs) -> bool:
    """Whether a step waits for an event that is misspelt, which explains why answers have no step."""
    event = step.event
    return not producers(flow, step) or (event.pack == packs.slack and not packs.knows_event(event.name))


def _restarts(
    flow: FlowText, goal: StepText, start: StepText, packs: Packs, seen: Sequence[StepText]
) -> StepText | None:
    """Returns the step whose command's answer starts a step again and again; None if there is none."""
    if start in seen:
        return None
    within = [step for step in flow.steps if step is start or (start in earlier_steps(flow, step))]
    for step in within:
        if step is not start and step.has_criteria:
            continue
        answers = packs.answers(step.command.pack, step.command.name) or ()
        for other in flow.steps:
            is_started = other.event.pack == step.command.pack and other.event.name in answers
            if other.depends_on or not is_started or not _is_met(other, step, packs):
                continue
            if other is goal or _restarts(flow, goal, other, packs, [*seen, start]):
                return step
    return None


def _is_met(step: StepText, sender: StepText, packs: Packs) -> bool:
    """Whether an answer to a command meets the criteria of a step, as far as its payload is known without an event."""
    criteria = next((at.template for at in step.templates if at.part == "criteria" and at.template.source), None)
    payload = packs.payload(step.event.pack, step.event.name)
    if criteria is None or payload is None:
        return criteria is None
    given = sender.input if isinstance(sender.input, dict) else {}
    constants = {key: value for key, value in given.items() if Template(str(value), is_deferred=True).is_constant}
    pack = Pack.create(step.event.pack, {})
    event = Event(pack, step.event.name, {**payload.sample, **constants}, _START, _START)
    try:
        return is_true("criteria", criteria, {"Event": event.as_struct(), "Context": {}}, TemplateEnvironment())
    except RenderError:
        return False


def _is_pointless(step: StepText, packs: Packs, missed: Sequence[str]) -> bool:
    """Whether the command only looks something up, and no step waits for what it finds."""
    spec = COMMANDS_BY_NAME.get(step.command.name) if step.command.pack == packs.slack else None
    return spec is not None and spec.name.startswith("Get") and spec.success in missed


def _named(step: StepText) -> str:
    return f"step '{step.id}'" if step.id else "a step without an id"


def _no_command_to(pack: str, flow: FlowText) -> str:
    commanded = sorted({step.command.pack for step in flow.steps} - {""})
    similar = most_similar(pack, commanded)
    advice = f"did you mean {similar}?" if similar else "leave dependsOn out if the event comes from outside"
    return f"no step sends a command to {pack}, and a run gets only the answers to its own commands; {advice}"


def _never(step: StepText, senders: Sequence[StepText], packs: Packs) -> str:
    event = step.event
    names = [name for sender in senders for name in packs.answers(event.pack, sender.command.name) or ()]
    possible = list(dict.fromkeys(names))
    if event.pack == packs.slack:
        commands = both(dict.fromkeys(sender.command.name for sender in senders))
        reason = f"{commands} cannot result in {event.name}, and a run gets only the answers to its own commands"
        similar = "" if event.name in EVENTS_BY_NAME else most_similar(event.name, possible)
        advice = f"did you mean {similar}?" if similar else f"wait for {either(possible)}, or leave dependsOn out"
        return f"{reason}; {advice}"
    commands = both(dict.fromkeys(sender.command.name for sender in senders))
    return f"{event.pack} never answers {commands} with {event.name}; {instead_of(event.name, possible)}"
