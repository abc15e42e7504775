"""Post a text into a channel or a thread."""

from application.services.message_sender import MessageSender
from domain.actions import ActionId, Step
from domain.commands import SendMessage as Command
from domain.errors import ChatError
from domain.events import MessageSent, SendMessageFailed


class SendMessage:
    """The command `SendMessage`."""

    def __init__(self, posting: MessageSender) -> None:
        self._posting = posting

    async def __call__(
        self, action_id: ActionId, command: Command, step: Step | None
    ) -> MessageSent | SendMessageFailed:
        """Carry it out. `step`: what an earlier run noted of it."""
        if missing := command.missing():
            return SendMessageFailed(command.message, missing)
        try:
            return MessageSent(command.message, await self._posting.send(action_id, command.message, step))
        except ChatError as error:
            return SendMessageFailed(command.message, str(error))
