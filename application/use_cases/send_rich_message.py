"""Post a message with any of Slack's own fields."""

from application.services.message_sender import MessageSender
from domain.actions import ActionId, Step
from domain.commands import SendRichMessage as Command
from domain.commands import without_token
from domain.errors import ChatError
from domain.events import RichMessageSent, SendRichMessageFailed


class SendRichMessage:
    """The command `SendRichMessage`."""

    def __init__(self, posting: MessageSender) -> None:
        self._posting = posting

    async def __call__(
        self, action_id: ActionId, command: Command, step: Step | None
    ) -> RichMessageSent | SendRichMessageFailed:
        """Carry it out. `step`: what an earlier run noted of it."""
        fields = command.message.fields
        if fields.get("token") is not None:
            error = "token_not_allowed: the pack posts with its own token; take `token` out of the input"
            return SendRichMessageFailed(without_token(fields), error)
        if missing := command.missing():
            return SendRichMessageFailed(fields, missing)
        try:
            return RichMessageSent(fields, await self._posting.send(action_id, command.message, step))
        except ChatError as error:
            return SendRichMessageFailed(fields, str(error))
