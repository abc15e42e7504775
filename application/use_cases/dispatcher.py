"""The pack's commands: which events each can end in, and which handler executes it."""

from collections.abc import Collection, Mapping
from typing import Any

from application.catalog.commands import COMMANDS, is_known
from application.catalog.events import EVENTS
from application.ports.workflow import CommandDefinition, PackDefinition
from application.use_cases.command_handler import CommandHandler, CommandRequest
from domain import commands, events
from domain.actions import JournalEntry


def pack_definition(name: str, labels: Mapping[str, str], switched_on: Collection[str] = ()) -> PackDefinition:
    """Returns what the pack registers itself with; `switched_on` names the optional events that it sends."""
    definitions = tuple(CommandDefinition(spec.name, (spec.success, spec.failure)) for spec in COMMANDS)
    outcomes = tuple(event for definition in definitions for event in definition.events)
    heard = tuple(spec.name for spec in EVENTS if not spec.is_optional or spec.name in switched_on)
    return PackDefinition(name, labels, definitions, (*outcomes, *heard))


class CommandDispatcher:
    """Hands each command to its handler."""

    def __init__(self, handlers: Mapping[type, CommandHandler[Any]]) -> None:
        """`handlers` has one for each type of command."""
        self._handlers = handlers

    async def dispatch(self, entry: JournalEntry) -> events.Outcome:
        """Executes the action, or resumes it where an earlier run stopped, and returns how it ended."""
        match entry.action.command:
            case commands.UnreadableCommand(_, reason):
                return events.Fatal(f"input is not valid: {reason}")
            case command if not is_known(command):
                return events.Fatal(f'no handler could be found for command "{commands.command_name(command)}"')
            case command:
                handler = self._handlers[type(command)]
                return await handler.execute(CommandRequest(entry.action.id, command, entry.steps, entry.taken_at))
