"""UpdateMessage: changes a message of the bot."""

from application.use_cases.chat_use_case import CommandCall
from domain.json_values import JsonObject


class UpdateMessage:
    """Executes UpdateMessage."""

    async def execute(self, call: CommandCall) -> JsonObject:
        """Implements ChatUseCase."""
        given = call.input
        await call.chat.update(given.channel_id, given.text("timestamp"), given.passed_on)
        return {}
