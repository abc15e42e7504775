"""AddReaction and RemoveReaction: the bot's reactions to messages."""

from application.use_cases.chat_use_case import CommandCall
from application.use_cases.command_input import CommandInput
from domain.json_values import JsonObject


class AddReaction:
    """Executes AddReaction."""

    async def execute(self, call: CommandCall) -> JsonObject:
        """Implements ChatUseCase."""
        given = call.input
        await call.chat.add_reaction(given.channel_id, given.text("timestamp"), _reaction(given))
        return {}


class RemoveReaction:
    """Executes RemoveReaction."""

    async def execute(self, call: CommandCall) -> JsonObject:
        """Implements ChatUseCase."""
        given = call.input
        await call.chat.remove_reaction(given.channel_id, given.text("timestamp"), _reaction(given))
        return {}


def _reaction(given: CommandInput) -> str:
    """Flows name reactions with or without colons."""
    return given.text("reaction").strip(":")
