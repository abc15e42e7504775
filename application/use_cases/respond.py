"""Respond: answers an interaction at its address."""

from application.use_cases.chat_use_case import CommandCall
from domain.json_values import JsonObject


class Respond:
    """Executes Respond."""

    async def execute(self, call: CommandCall) -> JsonObject:
        """Implements ChatUseCase."""
        given = call.input
        fields = given.message_fields
        if response_type := given.text("responseType"):
            fields["response_type"] = response_type
        for name, theirs in (("replaceOriginal", "replace_original"), ("deleteOriginal", "delete_original")):
            if given.is_set(name):
                fields[theirs] = True
        await call.chat.respond(given.text("responseUrl"), fields)
        return {}
