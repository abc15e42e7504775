"""Receives events by Socket Mode, the WebSocket that an app opens with its app-level token."""

import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager

import structlog

from adapters.no_telemetry import NO_TELEMETRY
from adapters.slack.errors import ApiCall, unreadable_response
from adapters.slack.events import NOTHING_OPTIONAL, EventSelection, parse_callback
from adapters.slack.interactions import Delivery, InteractionParser
from adapters.slack.sockets.connection_manager import receive, refusal_backoff_seconds
from adapters.slack.sockets.frames import DisconnectWarning, EventReceived, Frame, Hello, Ignored, KeepAlive, Refused
from adapters.slack.values import json_object
from adapters.slack.web_client import SlackWebClient
from application.ports.clock import Clock
from application.ports.rate_limiter import RateLimiter
from application.ports.receiver import IncomingEvent
from application.ports.telemetry import Telemetry
from domain.json_values import Json, JsonObject
from domain.users import Identity

log = structlog.get_logger()

_OPEN = ApiCall("apps.connections.open", token_name="FLYTE_SLACK_APP_TOKEN")  # noqa: S106 - the variable's name
_REFUSAL_REASONS = {
    "too_many_websockets": "the app has as many connections as Slack allows (10); stop some of its other replicas",
    "link_disabled": "Socket Mode is switched off; switch it on in the app's settings",
}


class SlackSocketMode:
    """Receiver and SocketProtocol of Socket Mode, while `web` is open.

    `identify` (`Chat.identify`) is awaited once, before the first connection. `selection` names the optional events;
    `command_reply` is shown to the users of slash commands.
    """

    name = "socket mode"
    replays_missed = True

    def __init__(
        self,
        web: SlackWebClient,
        app_token: str,
        identify: Callable[[], Awaitable[Identity]],
        clock: Clock,
        pauses: RateLimiter | None = None,
        selection: EventSelection = NOTHING_OPTIONAL,
        command_reply: str = "",
        telemetry: Telemetry = NO_TELEMETRY,
    ) -> None:
        self._web = web
        self._app_token = app_token
        self._identify = identify
        self._clock = clock
        self._pauses = pauses
        self._own = Identity("", "")
        self._selection = selection
        self._interactions = InteractionParser(command_reply)
        self._telemetry = telemetry

    def events(self) -> AbstractAsyncContextManager[AsyncIterator[IncomingEvent]]:
        return receive(self, self._web, self._clock, self._pauses, self._telemetry)

    async def request_url(self) -> str:
        if not self._own.user_id:
            self._own = await self._identify()
        response = await self._web.call(_OPEN, token=self._app_token)
        url = response.get("url")
        if not isinstance(url, str):
            raise unreadable_response(_OPEN)
        return url

    def parse(self, frame: JsonObject) -> Frame:
        kind, envelope_id = frame.get("type"), frame.get("envelope_id")
        if kind == "hello":
            connections = frame.get("num_connections")
            return Hello(connections if isinstance(connections, int) else None)
        if kind == "disconnect":
            return _parse_disconnect(frame.get("reason"))
        if not isinstance(envelope_id, str) or not envelope_id:
            log.warning("slack_envelope_without_id", type=str(kind)[:50])
            return KeepAlive()
        delivery = self._parse_payload(kind, frame.get("payload"))
        if delivery is None:
            log.debug("slack_envelope_ignored", type=str(kind)[:50])
            return Ignored(envelope_id)
        response = delivery.response if frame.get("accepts_response_payload") is True else None
        if not delivery.events:
            return Ignored(envelope_id, response)
        return EventReceived(delivery.events, envelope_id, response)

    def acknowledgement(self, envelope_id: str, response: JsonObject | None) -> str:
        frame: JsonObject = {"envelope_id": envelope_id}
        return json.dumps(frame if response is None else frame | {"payload": response})

    def _parse_payload(self, kind: Json, payload: Json) -> Delivery | None:
        match kind:
            case "events_api":
                return Delivery(parse_callback(payload, self._own, self._selection))
            case "interactive":
                return self._interactions.parse(payload, self._own)
            case "slash_commands":
                return self._interactions.parse_command(json_object(payload), self._own)
            case _:
                return None

    def ping(self) -> str:
        return ""


def _parse_disconnect(reason: Json) -> DisconnectWarning | Refused:
    """Reasons other than refusals, such as `warning` and `refresh_requested`, announce a disconnection."""
    name = reason if isinstance(reason, str) else "unknown"
    if explanation := _REFUSAL_REASONS.get(name):
        return Refused(f"{name}: {explanation}", refusal_backoff_seconds())
    return DisconnectWarning(name[:50])
