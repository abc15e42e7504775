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
                await self._free_keys(call)
            raise
        await self._free_keys(call)
        return {}

    async def _free_keys(self, call: CommandCall) -> None:
        channel_id = await call.services.channels.resolve(call.input.channel_id)
        await call.services.message_keys.free(channel_id, call.input.text("timestamp"))
