"""GetUserInfo: looks up a person."""

from application.catalog.people import person_fields
from application.use_cases.chat_use_case import CommandCall
from domain.json_values import JsonObject


class GetUserInfo:
    """Executes GetUserInfo."""

    async def execute(self, call: CommandCall) -> JsonObject:
        """Implements ChatUseCase."""
        given = call.input
        if user_id := given.text("userId"):
            user = await call.chat.look_up(user_id)
        else:
            user = await call.chat.find_user(given.text("email"))
        return {"user": person_fields(user)}
