"""The interface of the use cases of chat commands, each of which makes the requests of one command."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol, runtime_checkable

from application.ports.chat import Chat
from application.ports.message_keys import MessageKeys
from application.services.channel_directory import ChannelDirectory
from application.services.channel_locks import ChannelLocks
from application.services.message_sender import MessageSender
from application.use_cases.command_handler import CommandRequest
from application.use_cases.command_input import CommandInput
from domain.actions import StepName
from domain.commands import ChatCommand
from domain.json_values import JsonObject

EXECUTION = StepName("execution")
"""The journal step of the request whose effect may be in doubt."""


@dataclass(frozen=True, slots=True)
class Services:
    """The tools of use cases besides the chat service."""

    sender: MessageSender
    channels: ChannelDirectory
    message_keys: MessageKeys
    direct_locks: ChannelLocks
    """The order in which the conversations with each person are looked up."""
    allowed_methods: tuple[str, ...]
    """The methods that flows may call, by name or as `pins.*`."""
    commands_by_method: Mapping[str, str]
    """The commands that stand for methods."""


@dataclass(frozen=True, slots=True)
class CommandCall:
    """One execution of a command."""

    request: CommandRequest[ChatCommand]
    input: CommandInput
    services: Services
    chat: Chat
    """Repeats requests as long as the action has time."""
    prepared: JsonObject = field(default_factory=dict)
    """The result of `prepare`, perhaps from an earlier run."""


class ChatUseCase(Protocol):
    """Makes the requests of a command. All methods raise ChatError and ShutdownRequested."""

    async def execute(self, call: CommandCall) -> JsonObject:
        """Makes the request, and returns the results that the success event adds.

        A command that is not safe to repeat makes only one request here.
        """


@runtime_checkable
class Findable(ChatUseCase, Protocol):
    """A use case whose effect can be looked for."""

    async def find(self, call: CommandCall) -> JsonObject | None:
        """Returns the results if the request took effect; otherwise None.

        Raises ChatRejected if that can't be determined.
        """


@runtime_checkable
class Preparable(ChatUseCase, Protocol):
    """A use case that first makes requests without a visible effect, whose results it needs to look for its effect."""

    async def prepare(self, call: CommandCall) -> JsonObject:
        """Makes these requests, and returns what is to be kept of them."""
