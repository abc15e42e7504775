"""OpenModal: opens a modal for the person whose interaction brought the trigger."""

from application.use_cases.chat_use_case import CommandCall
from application.use_cases.view_results import view_results
from domain.json_values import JsonObject


class OpenModal:
    """Executes OpenModal."""

    async def execute(self, call: CommandCall) -> JsonObject:
        """Implements ChatUseCase."""
        given = call.input
        return view_results(await call.chat.open_view(given.text("triggerId"), given.object("view")))
