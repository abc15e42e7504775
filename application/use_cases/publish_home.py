"""PublishHome: replaces the content of a person's Home tab."""

from application.use_cases.chat_use_case import CommandCall
from application.use_cases.view_results import view_results
from domain.json_values import JsonObject


class PublishHome:
    """Executes PublishHome."""

    async def execute(self, call: CommandCall) -> JsonObject:
        """Implements ChatUseCase."""
        given = call.input
        return view_results(await call.chat.publish_home(given.text("userId"), given.object("view")))
