"""Requests to Slack's Web API as spans."""

from typing import Any, Final

from opentelemetry.trace import SpanKind

from adapters.opentelemetry.attributes import SEND, messaging
from adapters.opentelemetry.calls import request
from adapters.opentelemetry.spans import Attributes, Tracer, current
from application.resilience.interception import PortCall

_POST: Final = "chat.postMessage"


class SlackRequests:
    """Policy for a client whose every call is one request, with an argument that has the `method`.

    Requests that belong to no message and no action have no spans.
    """

    def __init__(self, tracer: Tracer) -> None:
        self._tracer = tracer

    async def execute(self, call: PortCall) -> Any:
        """Implements Policy."""
        span = current.get()
        if span is None or not span.is_sampled:
            return await call.perform()
        method = next((argument.method for argument in call.arguments if hasattr(argument, "method")), call.method)
        kind = SpanKind.PRODUCER if method == _POST else SpanKind.CLIENT
        with request(self._tracer, span, method, kind, {"messaging.system": "slack"}) as sent:
            result = await call.perform()
            if method == _POST and isinstance(result, dict):
                sent.describe(_of_post(result))
        return result


def _of_post(response: dict[str, Any]) -> Attributes:
    channel_id = str(response.get("channel", ""))
    return messaging(SEND, channel_id, f"{channel_id}:{response.get('ts', '')}")
