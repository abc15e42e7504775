"""The pack's commands: which events each can end in, and which handler executes it."""

from collections.abc import Mapping
from typing import Any

from application.ports.workflow import CommandDefinition, PackDefinition
from application.use_cases.command_handler import CommandHandler, CommandRequest
from domain import commands, events
from domain.actions import JournalEntry

_OUTCOMES: Mapping[type, tuple[type, type]] = {
    commands.SendMessage: (events.MessageSent, events.SendMessageFailed),
    commands.SendRichMessage: (events.RichMessageSent, events.SendRichMessageFailed),
    commands.Broadcast: (events.BroadcastSent, events.BroadcastFailed),
    commands.JoinChannel: (events.ChannelJoined, events.JoinChannelFailed),
    commands.LeaveChannel: (events.ChannelLeft, events.LeaveChannelFailed),
}


def pack_definition(name: str, labels: Mapping[str, str]) -> PackDefinition:
    """Returns what the pack registers itself with."""
    definitions = tuple(
        CommandDefinition(command.__name__, tuple(outcome.__name__ for outcome in outcomes))
        for command, outcomes in _OUTCOMES.items()
    )
    outcomes = tuple(event for definition in definitions for event in definition.events)
    return PackDefinition(name, labels, definitions, (*outcomes, events.ReceivedMessage.__name__))


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
            case commands.UnknownCommand(name):
                return events.Fatal(f'no handler could be found for command "{name}"')
            case command:
                handler = self._handlers[type(command)]
                return await handler.execute(CommandRequest(entry.action.id, command, entry.steps, entry.taken_at))
