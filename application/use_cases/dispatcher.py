"""What the pack offers: each command, the use case behind it, and the events that it can end in."""

from collections.abc import Mapping
from typing import assert_never

from application.ports.workflow import CommandDefinition, PackDefinition
from application.use_cases.broadcast import Broadcast
from application.use_cases.join_channel import JoinChannel
from application.use_cases.leave_channel import LeaveChannel
from application.use_cases.send_message import SendMessage
from application.use_cases.send_rich_message import SendRichMessage
from domain import commands, events
from domain.actions import JournalEntry, Step
from domain.channels import ChannelId

_ENDINGS: Mapping[type, tuple[type, type]] = {
    commands.SendMessage: (events.MessageSent, events.SendMessageFailed),
    commands.SendRichMessage: (events.RichMessageSent, events.SendRichMessageFailed),
    commands.Broadcast: (events.BroadcastSent, events.BroadcastFailed),
    commands.JoinChannel: (events.ChannelJoined, events.JoinChannelFailed),
    commands.LeaveChannel: (events.ChannelLeft, events.LeaveChannelFailed),
}


def pack_definition(name: str, labels: Mapping[str, str]) -> PackDefinition:
    """The pack as it registers itself."""
    offers = tuple(
        CommandDefinition(command.__name__, tuple(ending.__name__ for ending in endings))
        for command, endings in _ENDINGS.items()
    )
    outcomes = tuple(event for offer in offers for event in offer.events)
    return PackDefinition(name, labels, offers, (*outcomes, events.ReceivedMessage.__name__))


class CommandDispatcher:
    """Carries out any command."""

    def __init__(
        self,
        send_message: SendMessage,
        send_rich_message: SendRichMessage,
        broadcast: Broadcast,
        join_channel: JoinChannel,
        leave_channel: LeaveChannel,
    ) -> None:
        self._send_message = send_message
        self._send_rich_message = send_rich_message
        self._broadcast = broadcast
        self._join_channel = join_channel
        self._leave_channel = leave_channel

    async def dispatch(self, entry: JournalEntry) -> events.Outcome:  # noqa: PLR0911 - one for each command
        """Carry the action out, or go on where an earlier run stopped, and say how it ended."""
        action_id, command = entry.action.id, entry.action.command
        match command:
            case commands.SendMessage():
                return await self._send_message(action_id, command, _only(entry.steps))
            case commands.SendRichMessage():
                return await self._send_rich_message(action_id, command, _only(entry.steps))
            case commands.Broadcast():
                return await self._broadcast(action_id, command, entry.steps)
            case commands.JoinChannel():
                return await self._join_channel(command)
            case commands.LeaveChannel():
                return await self._leave_channel(command)
            case commands.UnreadableCommand(_, reason):
                return events.Fatal(f"input is not valid: {reason}")
            case commands.UnknownCommand(name):
                return events.Fatal(f'no handler could be found for command "{name}"')
            case _:
                assert_never(command)


def _only(steps: Mapping[ChannelId, Step]) -> Step | None:
    return next(iter(steps.values()), None)
