"""SendDirectMessage: posts a direct message to a person."""

from application.use_cases.chat_use_case import EXECUTION, CommandCall
from domain.json_values import JsonObject
from domain.messages import RichMessage


class SendDirectMessage:
    """Executes SendDirectMessage."""

    async def execute(self, call: CommandCall) -> JsonObject:
        """Implements ChatUseCase."""
        given = call.input
        user_id = given.text("userId") or (await call.chat.find_user(given.text("email"))).id
        channel_id = await call.chat.open_direct(user_id)
        message = RichMessage(given.message_fields | {"channel": channel_id})
        receipt = await call.services.sender.send(call.request, message, EXECUTION)
        results: JsonObject = {"channelId": receipt.channel_id, "timestamp": receipt.timestamp}
        return results | ({"inDoubt": True} if receipt.in_doubt else {})
