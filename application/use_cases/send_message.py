"""SendMessage: posts a text into a channel or a thread."""

from application.services.keyed_sender import KeyedSender
from application.use_cases.command_handler import CommandRequest
from domain.commands import SendMessage
from domain.errors import ChatError
from domain.events import MessageSent, SendMessageFailed


class SendMessageHandler:
    """Executes SendMessage."""

    def __init__(self, sender: KeyedSender) -> None:
        self._sender = sender

    async def execute(self, request: CommandRequest[SendMessage]) -> MessageSent | SendMessageFailed:
        """Implements CommandHandler."""
        message = request.command.message
        if missing := request.command.missing():
            return SendMessageFailed(message, missing)
        try:
            receipt = await self._sender.send(request, message)
        except ChatError as error:
            return SendMessageFailed(message, str(error))
        return MessageSent(message, receipt)
