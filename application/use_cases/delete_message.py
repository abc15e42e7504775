"""DeleteMessage: deletes a message of the bot."""

from application.use_cases.chat_use_case import CommandCall
from domain.errors import ChatRejected
from domain.json_values import JsonObject

_GONE = "message_not_found"


class DeleteMessage:
    """Executes DeleteMessage. Keys of the message are free afterwards."""

    async def execute(self, call: CommandCall) -> JsonObject:
        """Implements ChatUseCase."""
        channel_id, timestamp = call.input.channel_id, call.input.text("timestamp")
        try:
            await call.chat.delete(channel_id, timestamp)
        except ChatRejected as rejection:
            if rejection.code == _GONE:
                await call.services.message_keys.free(channel_id, timestamp)
            raise
        await call.services.message_keys.free(channel_id, timestamp)
        return {}
