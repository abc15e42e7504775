"""Checks of names: those of this pack, of its events and of its commands."""

import difflib
from collections.abc import Iterator
from typing import Final

from application.catalog.commands import COMMANDS_BY_NAME
from application.catalog.events import EVENTS_BY_NAME
from entrypoints.lint.findings import Problem
from entrypoints.lint.flow_text import FlowText, Reference
from entrypoints.lint.packs import OUTCOMES, Packs
from entrypoints.lint.words import either, instead_of

_SAME_NAME: Final = 0.85
"""How similar a pack's name must be to be a misspelling of ours."""


def unknown_events(flow: FlowText, packs: Packs) -> Iterator[Problem]:
    """An event that this pack does not have."""
    for step in flow.steps:
        event = step.event
        if event.pack != packs.slack or not event.name or packs.knows_event(event.name) or "{{" in event.name:
            continue
        meant = packs.meant_event(event.name)
        advice = f"did you mean {meant}?" if meant else f"write {either((*EVENTS_BY_NAME, 'the answer to a command'))}"
        yield Problem((*event.path, "name"), f"the pack {packs.slack} has no event {event.name}; {advice}", 0)


def unknown_commands(flow: FlowText, packs: Packs) -> Iterator[Problem]:
    """A command that this pack does not have."""
    for step in flow.steps:
        command = step.command
        if command.pack == packs.slack and command.name not in {"", *COMMANDS_BY_NAME} and "{{" not in command.name:
            advice = instead_of(command.name, COMMANDS_BY_NAME)
            message = f"the pack {packs.slack} has no command {command.name}; {advice}"
            yield Problem((*command.path, "name"), message, 0)


def misspelt_packs(flow: FlowText, packs: Packs) -> Iterator[Problem]:
    """A pack's name that is nearly the name of this pack."""
    for step in flow.steps:
        for reference, names in ((step.event, (*EVENTS_BY_NAME, *OUTCOMES)), (step.command, COMMANDS_BY_NAME)):
            if _is_misspelt(reference, packs.slack) and (
                reference.name in names or reference.pack.casefold() == packs.slack.casefold()
            ):
                message = f"there is no pack {reference.pack}; did you mean {packs.slack}?"
                yield Problem((*reference.path, "packName"), message, 0)


def _is_misspelt(reference: Reference, name: str) -> bool:
    pack = reference.pack
    if pack == name or not pack:
        return False
    if pack.strip().casefold() == name.casefold():
        return True
    is_variant = pack.startswith(name) or name.startswith(pack)
    return not is_variant and difflib.SequenceMatcher(None, pack, name).ratio() >= _SAME_NAME
