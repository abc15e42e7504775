"""ScheduleMessage: has a message posted later."""

import math
from datetime import UTC, datetime

from application.use_cases.chat_use_case import CommandCall
from domain.errors import ChatRejected
from domain.json_values import Json, JsonObject


class ScheduleMessage:
    """Executes ScheduleMessage."""

    async def execute(self, call: CommandCall) -> JsonObject:
        """Implements ChatUseCase."""
        given = call.input
        post_at = time_to_post(given.fields["postAt"])
        return {"scheduledMessageId": await call.chat.schedule(given.channel_id, post_at, given.message_fields)}

    async def find(self, call: CommandCall) -> JsonObject | None:
        """Implements Findable."""
        given = call.input
        post_at = time_to_post(given.fields["postAt"])
        found = await call.chat.find_scheduled(given.channel_id, post_at, given.text("message"))
        return None if found is None else {"scheduledMessageId": found}


def time_to_post(given: Json) -> datetime:
    """Returns the time that is given in RFC 3339 or in Unix seconds. Raises ChatRejected."""
    try:
        return _unix_time(float(str(given)))
    except ValueError:
        pass
    try:
        time = datetime.fromisoformat(str(given).strip())
    except ValueError:
        time = None
    if time is None or time.tzinfo is None:
        example = "2026-12-01T09:00:00+01:00 or 1796112000"
        raise ChatRejected("invalid_time", f"postAt must be RFC 3339 with an offset, or Unix seconds, like {example}")
    return time.replace(microsecond=0)


def _unix_time(seconds: float) -> datetime:
    try:
        return datetime.fromtimestamp(math.floor(seconds), UTC)
    except (ValueError, OverflowError, OSError):
        raise ChatRejected("invalid_time", "postAt is out of range; give Unix seconds, not milliseconds") from None
