"""CallSlack: calls any method of the chat service's Web API that the operator allows."""

import json
import re
from collections.abc import Collection, Mapping
from typing import Final

from application.use_cases.chat_use_case import CommandCall
from domain.errors import ChatRejected
from domain.json_values import JsonObject

METHOD: Final = re.compile(r"[a-z]+(\.[A-Za-z]+)+")
NEVER_ALLOWED: Final = ("auth.", "oauth.", "apps.", "admin.", "tooling.", "rtm.", "openid.")
"""They concern the app and its tokens, not the workspace."""
_MAX_RESPONSE_BYTES = 256 * 1024


class CallSlack:
    """Executes CallSlack."""

    async def execute(self, call: CommandCall) -> JsonObject:
        """Implements ChatUseCase."""
        method, arguments = call.input.text("method"), call.input.object("arguments")
        _check(method, call.services.allowed_methods, call.services.commands_by_method)
        response = await call.chat.call_method(method, arguments)
        return {"response": response if _fits(response) else {"ok": True, "truncated": True}}


def _fits(response: JsonObject) -> bool:
    """Whether an event can hold the response."""
    try:
        text = json.dumps(response, allow_nan=False, ensure_ascii=False, separators=(",", ":"))
    except ValueError:  # NaN and the infinities have no JSON form
        return False
    return len(text.encode()) <= _MAX_RESPONSE_BYTES


def _check(method: str, allowed: Collection[str], commands_by_method: Mapping[str, str]) -> None:
    """Raises ChatRejected unless flows may call the method."""
    if not METHOD.fullmatch(method):
        raise ChatRejected("invalid_method", "method must be the name of a method, like pins.add")
    if method.startswith(NEVER_ALLOWED):
        raise ChatRejected("method_not_allowed", f"{method} concerns the app itself; flows may never call it")
    if command := commands_by_method.get(method.lower()):
        raise ChatRejected("method_not_allowed", f"send {command} instead of {method}")
    if not any(_covers(pattern, method) for pattern in allowed):
        raise ChatRejected("method_not_allowed", f"add {method} to FLYTE_SLACK_ALLOWED_METHODS, and restart the pack")


def _covers(pattern: str, method: str) -> bool:
    return method.startswith(pattern[:-1]) if pattern.endswith(".*") else method == pattern
