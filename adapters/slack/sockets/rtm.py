"""Receiver by RTM, Slack's legacy WebSocket, which the tokens of classic apps can use.

Slack neither waits for acknowledgements there nor delivers twice: what was said while nobody listened is in the
history only.
"""

import itertools
import json
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager

from adapters.slack.errors import Question, unreadable_answer
from adapters.slack.events import chat_event
from adapters.slack.sockets.connection_manager import listening
from adapters.slack.sockets.frames import Delivery, Hello, Leaving, Meaning, Nothing
from adapters.slack.web_client import SlackWeb
from application.ports.clock import Clock
from application.ports.receiver import IncomingEvent
from domain.json_values import JsonObject

_CONNECT = Question("rtm.connect")
_ABOUT_THE_CONNECTION = ("pong", "reconnect_url", "error")


class SlackRtm:
    """Receiver by RTM, while `web` is open."""

    def __init__(self, web: SlackWeb, clock: Clock) -> None:
        self._web = web
        self._clock = clock

    def events(self) -> AbstractAsyncContextManager[AsyncIterator[IncomingEvent]]:
        return listening(RtmDialect(self._web), self._web, self._clock)


class RtmDialect:
    """How Slack speaks by RTM."""

    name = "rtm"
    redelivers = False

    def __init__(self, web: SlackWeb) -> None:
        self._web = web
        self._own_user_id = ""
        self._ping_ids = itertools.count(1)

    async def new_address(self) -> str:
        answer = await self._web.call(_CONNECT)
        url, itself = answer.get("url"), answer.get("self")
        own_user_id = itself.get("id") if isinstance(itself, dict) else None
        if not isinstance(url, str) or not isinstance(own_user_id, str):
            raise unreadable_answer(_CONNECT)
        self._own_user_id = own_user_id
        return url

    def read(self, frame: JsonObject) -> Meaning:
        kind = frame.get("type")
        if kind == "hello":
            return Hello()
        if kind == "goodbye":
            return Leaving("goodbye")
        if kind in _ABOUT_THE_CONNECTION or kind is None:  # without a type: answers to frames of ours
            return Nothing()
        event = chat_event(frame, self._own_user_id)
        return Delivery(event) if event is not None else Nothing()

    def acknowledgement(self, envelope_id: str) -> str:
        raise NotImplementedError(envelope_id)

    def ping(self) -> str:
        return json.dumps({"type": "ping", "id": next(self._ping_ids)})
