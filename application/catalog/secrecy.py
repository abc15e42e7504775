"""Hides and forgets sensitive values: capabilities, and the contents of files.

Whoever knows a capability can act with it: open a modal, answer an interaction, store a file.
"""

import hashlib
from collections.abc import Callable, Collection
from dataclasses import replace

from application.catalog.commands import COMMANDS_BY_NAME
from domain.actions import JournalEntry, Step
from domain.commands import ChatCommand, Command
from domain.events import CommandOutcome, Outcome
from domain.json_values import Json, JsonObject
from domain.messages import Receipt

CAPABILITIES = frozenset({"triggerId", "trigger_id", "responseUrl", "response_url", "uploadUrl", "upload_url"})
"""The keys whose values are capabilities, in commands, events, requests and responses."""

CONTENTS = frozenset(field.name for spec in COMMANDS_BY_NAME.values() for field in spec.fields if field.is_content)
"""The keys of commands whose values are contents of files."""

HIDDEN = "(hidden)"


def hide_capabilities(value: Json) -> Json:
    """Returns the value with HIDDEN in place of each capability, at any depth. Empty ones stay."""
    return _replace(value, CAPABILITIES, lambda _: HIDDEN)


def forget_capabilities(entry: JournalEntry) -> JournalEntry:
    """Returns the entry with a digest in place of each capability."""
    command = _without_capabilities(entry.action.command)
    steps = {name: _forget_in_step(step) for name, step in entry.steps.items()}
    outcome = entry.outcome and _forget_in_outcome(entry.outcome)
    return replace(entry, action=replace(entry.action, command=command), steps=steps, outcome=outcome)


def forget_content(command: Command) -> Command:
    """Returns the command with a digest in place of the content of a file."""
    spec = COMMANDS_BY_NAME.get(command.name) if isinstance(command, ChatCommand) else None
    if not isinstance(command, ChatCommand) or spec is None:
        return command
    return _replaced_in(command, [field.name for field in spec.fields if field.is_content])


def is_same_command(known: Command, given: Command) -> bool:
    """Returns whether a stored command, with digests in place of secrets and contents, equals the given one."""
    return known == _without_capabilities(forget_content(given))


def _without_capabilities(command: Command) -> Command:
    return _replaced_in(command, CAPABILITIES) if isinstance(command, ChatCommand) else command


def _replaced_in(command: ChatCommand, names: Collection[str]) -> ChatCommand:
    return replace(command, input=_replace_in_object(command.input, names, _digest))


def _forget_in_step(step: Step) -> Step:
    if step.result is None or isinstance(step.result, Receipt):
        return step
    return replace(step, result=_replace_in_object(step.result, CAPABILITIES, _digest))


def _forget_in_outcome(outcome: Outcome) -> Outcome:
    if not isinstance(outcome, CommandOutcome):
        return outcome
    return replace(outcome, payload=_replace_in_object(outcome.payload, CAPABILITIES, _digest))


def _replace_in_object(value: JsonObject, names: Collection[str], substitute: Callable[[str], str]) -> JsonObject:
    return {
        name: substitute(str(item)) if item and name in names else _replace(item, names, substitute)
        for name, item in value.items()
    }


def _replace(value: Json, names: Collection[str], substitute: Callable[[str], str]) -> Json:
    if isinstance(value, dict):
        return _replace_in_object(value, names, substitute)
    if isinstance(value, list | tuple):
        return [_replace(item, names, substitute) for item in value]
    return value


def _digest(value: str) -> str:
    """Equal values have equal digests, so that a command is recognized when it is given out again."""
    return f"(forgotten {hashlib.sha256(value.encode()).hexdigest()[:32]})"
