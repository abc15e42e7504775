"""SendDirectMessage: posts a direct message to a person."""

from application.use_cases.chat_use_case import EXECUTION, CommandCall
from domain.channels import ChannelId
from domain.json_values import JsonObject
from domain.messages import RichMessage


class SendDirectMessage:
    """Executes SendDirectMessage."""

    async def execute(self, call: CommandCall) -> JsonObject:
        """Implements ChatUseCase."""
        given = call.input
        person = ChannelId(given.text("userId") or given.text("email"))
        async with call.services.direct_locks.acquire(person):  # or a slow answer would change the order
            channel_id = await self._conversation(call)
        message = RichMessage(given.message_fields | {"channel": channel_id})
        receipt = await call.services.sender.send(call.request, message, EXECUTION)
        results: JsonObject = {"channelId": receipt.channel_id, "timestamp": receipt.timestamp}
        return results | ({"inDoubt": True} if receipt.in_doubt else {})

    async def _conversation(self, call: CommandCall) -> ChannelId:
        user_id = call.input.text("userId") or (await call.chat.find_user(call.input.text("email"))).id
        return await call.chat.open_direct(user_id)
