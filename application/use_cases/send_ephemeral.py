"""SendEphemeral: posts a message into a channel that one person sees."""

from application.use_cases.chat_use_case import CommandCall
from domain.json_values import JsonObject


class SendEphemeral:
    """Executes SendEphemeral."""

    async def execute(self, call: CommandCall) -> JsonObject:
        """Implements ChatUseCase."""
        given = call.input
        await call.chat.post_ephemeral(given.channel_id, given.text("userId"), given.message_fields)
        return {}
