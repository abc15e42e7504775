"""GetPermalink: looks up the address of a message."""

from application.use_cases.chat_use_case import CommandCall
from domain.json_values import JsonObject


class GetPermalink:
    """Executes GetPermalink."""

    async def execute(self, call: CommandCall) -> JsonObject:
        """Implements ChatUseCase."""
        given = call.input
        return {"permalink": await call.chat.permalink(given.channel_id, given.text("timestamp"))}
