"""Short summaries of outcomes for log lines, which contain no message text."""

from dataclasses import dataclass

from application.catalog.commands import COMMANDS
from application.use_cases.command_input import CommandInput
from domain.commands import Command, UnknownCommand, UnreadableCommand
from domain.events import (
    BroadcastFailed,
    ChannelJoined,
    ChannelLeft,
    CommandOutcome,
    Fatal,
    JoinChannelFailed,
    LeaveChannelFailed,
    MessageSent,
    Outcome,
    RichMessageSent,
    SendMessageFailed,
    SendRichMessageFailed,
)
from domain.messages import RichMessage

INVALID_INPUT = "invalid_input"
UNKNOWN_COMMAND = "unknown_command"
INTERNAL_ERROR = "internal_error"
"""The codes of failures that do not come from the chat service."""

_FAILURES = frozenset(spec.failure for spec in COMMANDS)


@dataclass(frozen=True, slots=True)
class Summary:
    """A summary of an outcome without its content."""

    event: str
    """The name of the event that reports it."""
    code: str = ""
    """The code of the error; empty if the command succeeded."""
    channel: str = ""
    """The channel that it concerns; of a broadcast the first one that was not reached. Empty if there is none."""
    timestamp: str = ""
    """The timestamp of the message that was posted or changed; empty if there is none."""


def summary_of(command: Command, outcome: Outcome) -> Summary:
    """Returns how a command ended."""
    match outcome:
        case CommandOutcome(name):
            event = name
        case Fatal():
            event = "FATAL"
        case _:
            event = type(outcome).__name__
    return Summary(event, _code_of(command, outcome), *_place_of(outcome))


def _code_of(command: Command, outcome: Outcome) -> str:
    match outcome:
        case Fatal():
            return _code_of_fatal(command)
        case BroadcastFailed(failures=[first, *_]):
            return _code_in(first.error)
        case SendMessageFailed(error=error) | SendRichMessageFailed(error=error) | BroadcastFailed(error=error):
            return _code_in(error)
        case JoinChannelFailed(error=error) | LeaveChannelFailed(error=error):
            return _code_in(error)
        case CommandOutcome(name, payload) if name in _FAILURES:
            return _code_in(CommandInput(payload).text("error"))
        case _:
            return ""


def _place_of(outcome: Outcome) -> tuple[str, str]:
    channel, timestamp = "", ""
    match outcome:
        case MessageSent(receipt=receipt) | RichMessageSent(receipt=receipt):
            channel, timestamp = receipt.channel_id, receipt.timestamp
        case SendMessageFailed(message=message):
            channel = message.channel_id
        case SendRichMessageFailed(fields=fields):
            channel = RichMessage(fields).channel_id
        case ChannelJoined(channel_id) | ChannelLeft(channel_id):
            channel = channel_id
        case JoinChannelFailed(channel_id=channel_id) | LeaveChannelFailed(channel_id=channel_id):
            channel = channel_id
        case BroadcastFailed(failures=[first, *_]):
            channel = first.channel_id
        case CommandOutcome(payload=payload):
            content = CommandInput(payload)
            channel, timestamp = content.channel_id, content.text("timestamp")
        case _:
            pass
    return channel, timestamp


def _code_in(error: str) -> str:
    """Errors of the chat service begin with their code; all others report missing fields."""
    code = error.partition(":")[0]
    return code if code.replace("-", "_").isidentifier() else INVALID_INPUT


def _code_of_fatal(command: Command) -> str:
    match command:
        case UnknownCommand():
            return UNKNOWN_COMMAND
        case UnreadableCommand():
            return INVALID_INPUT
        case _:
            return INTERNAL_ERROR
