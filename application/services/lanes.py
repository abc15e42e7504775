"""Which lane an action belongs to."""

from application.catalog.commands import COMMANDS_BY_NAME
from application.use_cases.command_input import CommandInput
from domain.actions import ActionId
from domain.channels import ChannelId
from domain.commands import ChatCommand, Command, JoinChannel, LeaveChannel, SendMessage, SendRichMessage


def lane_of(action_id: ActionId, command: Command) -> ChannelId:
    """Returns the channel in whose order an action is executed; if in none, a lane of its own."""
    match command:
        case SendMessage(message) | SendRichMessage(message):
            channel = str(message.channel_id)
        case JoinChannel(channel_id) | LeaveChannel(channel_id):
            channel = str(channel_id)
        case ChatCommand(name, fields):
            command_row = COMMANDS_BY_NAME.get(name)  # None: recorded by a newer version
            lane = command_row.lane if command_row else ""
            channel = CommandInput(fields).at(lane) if lane else ""
        case _:
            channel = ""
    return ChannelId(channel) if channel else lane_without_channel(action_id)


def lane_without_channel(action_id: ActionId) -> ChannelId:
    """Returns the lane of an action that is executed in the order of no channel."""
    return ChannelId(f"action {action_id}")
