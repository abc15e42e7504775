"""CancelScheduledMessage: cancels a message that was to be posted later."""

from application.use_cases.chat_use_case import CommandCall
from domain.json_values import JsonObject


class CancelScheduledMessage:
    """Executes CancelScheduledMessage."""

    async def execute(self, call: CommandCall) -> JsonObject:
        """Implements ChatUseCase."""
        given = call.input
        await call.chat.cancel_scheduled(given.channel_id, given.text("scheduledMessageId"))
        return {}
