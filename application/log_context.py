"""The fields that all log lines about one entry share, whichever part of the pack writes them.

`ref` is the key of the message or action that `outbox list` and `journal list` print, and `cause` the key of the
message that an action answers. A task that works on an entry names it once; the tasks that it starts inherit this.
"""

from collections.abc import Iterator
from contextlib import contextmanager

from structlog.contextvars import bind_contextvars, clear_contextvars, get_contextvars

from application.use_cases.command_input import CommandInput
from domain.actions import Action, action_key
from domain.commands import ChatCommand, Command, SendMessage, SendRichMessage
from domain.messages import incoming_key
from domain.outbox import OutboxEntry

_REACTIONS = frozenset({"AddReaction", "RemoveReaction"})
"""Their `timestamp` is that of any message, not of one that the bot posted."""


def log_about_event(entry: OutboxEntry) -> None:
    """From now on, the lines of this task are about the entry."""
    bind_contextvars(ref=entry.key)


def log_about_action(action: Action) -> None:
    """From now on, the lines of this task are about the action."""
    bind_contextvars(**fields_of(action))


@contextmanager
def log_about_the_pack() -> Iterator[None]:
    """Within the context, lines are about the pack as a whole, although the work on one entry has caused them."""
    fields = get_contextvars()
    clear_contextvars()
    try:
        yield
    finally:
        bind_contextvars(**fields)


def fields_of(action: Action) -> dict[str, str]:
    """Returns the fields of a line about an action, for tasks that work on others as well."""
    cause = cause_of(action)
    return {"ref": action_key(action.id)} | ({"cause": cause} if cause else {})


def cause_of(action: Action) -> str:
    """Returns the key of the message that an action answers; empty if that is not known."""
    return action.cause or _answered_message(action.command)


def _answered_message(command: Command) -> str:
    """Returns the key of the message into whose thread the command posts, or to which it reacts; empty if none."""
    match command:
        case SendMessage(message) | SendRichMessage(message):
            return _key(message.channel_id, message.thread_timestamp)
        case ChatCommand(name, fields):
            given = CommandInput(fields)
            return _key(given.channel_id, given.text("timestamp" if name in _REACTIONS else "threadTimestamp"))
        case _:
            return ""


def _key(channel_id: str, timestamp: str) -> str:
    return incoming_key(channel_id, timestamp) if channel_id and timestamp else ""
