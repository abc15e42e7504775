"""Receives events by RTM, Slack's legacy WebSocket for the tokens of classic apps.

RTM has no acknowledgements and no redelivery: messages sent during a disconnection are in the history only.
"""

import itertools
import json
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager

from adapters.no_telemetry import NO_TELEMETRY
from adapters.slack.errors import ApiCall, unreadable_response
from adapters.slack.events import parse_event
from adapters.slack.sockets.connection_manager import receive
from adapters.slack.sockets.frames import DisconnectWarning, EventReceived, Frame, Hello, KeepAlive
from adapters.slack.values import json_object, text
from adapters.slack.web_client import SlackWebClient
from application.ports.clock import Clock
from application.ports.rate_limiter import RateLimiter
from application.ports.receiver import IncomingEvent
from application.ports.telemetry import Telemetry
from domain.json_values import JsonObject
from domain.users import Identity

_CONNECT = ApiCall("rtm.connect")
_CONNECTION_FRAMES = ("pong", "reconnect_url", "error")


class SlackRtm:
    """Receiver and SocketProtocol of RTM, while `web` is open."""

    name = "rtm"
    replays_missed = False

    def __init__(
        self,
        web: SlackWebClient,
        clock: Clock,
        pauses: RateLimiter | None = None,
        telemetry: Telemetry = NO_TELEMETRY,
    ) -> None:
        self._web = web
        self._clock = clock
        self._pauses = pauses
        self._telemetry = telemetry
        self._own = Identity("", "")
        self._ping_ids = itertools.count(1)

    def events(self) -> AbstractAsyncContextManager[AsyncIterator[IncomingEvent]]:
        return receive(self, self._web, self._clock, self._pauses, self._telemetry)

    async def request_url(self) -> str:
        response = await self._web.call(_CONNECT)
        url = text(response.get("url"))
        user_id, team_id = (text(json_object(response.get(name)).get("id")) for name in ("self", "team"))
        if not url or not user_id:
            raise unreadable_response(_CONNECT)
        self._own = Identity(user_id, "", team_id)
        return url

    def parse(self, frame: JsonObject) -> Frame:
        kind = frame.get("type")
        if kind == "hello":
            return Hello()
        if kind == "goodbye":
            return DisconnectWarning("goodbye")
        if kind in _CONNECTION_FRAMES or kind is None:  # replies to our own frames have no type
            return KeepAlive()
        event = parse_event(frame, self._own)
        return EventReceived([event]) if event is not None else KeepAlive()

    def acknowledgement(self, envelope_id: str, response: JsonObject | None) -> str:
        raise NotImplementedError(envelope_id, response)

    def ping(self) -> str:
        return json.dumps({"type": "ping", "id": next(self._ping_ids)})
