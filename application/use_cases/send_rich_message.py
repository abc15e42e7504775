"""SendRichMessage: posts a message with any of the chat service's own fields."""

from application.services.keyed_sender import KeyedSender
from application.use_cases.command_handler import CommandRequest
from domain.commands import SendRichMessage, without_token
from domain.errors import ChatError
from domain.events import RichMessageSent, SendRichMessageFailed


class SendRichMessageHandler:
    """Executes SendRichMessage."""

    def __init__(self, sender: KeyedSender) -> None:
        self._sender = sender

    async def execute(self, request: CommandRequest[SendRichMessage]) -> RichMessageSent | SendRichMessageFailed:
        """Implements CommandHandler."""
        message = request.command.message
        fields = message.fields
        if fields.get("token") is not None:
            error = "token_not_allowed: the pack posts with its own token; remove `token` from the input"
            return SendRichMessageFailed(without_token(fields), error)
        if missing := request.command.missing():
            return SendRichMessageFailed(fields, missing)
        try:
            receipt = await self._sender.send(request, message)
        except ChatError as chat_error:
            return SendRichMessageFailed(fields, str(chat_error))
        return RichMessageSent(fields, receipt)
