"""UpdateModal: replaces the content of a modal."""

from application.use_cases.chat_use_case import CommandCall
from application.use_cases.view_results import view_results
from domain.json_values import JsonObject


class UpdateModal:
    """Executes UpdateModal."""

    async def execute(self, call: CommandCall) -> JsonObject:
        """Implements ChatUseCase."""
        given = call.input
        updated = await call.chat.update_view(
            given.object("view"),
            view_id=given.text("viewId"),
            external_id=given.text("externalId"),
            view_hash=given.text("viewHash"),
        )
        return view_results(updated)
