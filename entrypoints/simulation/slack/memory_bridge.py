"""Connects the pack with a simulated Slack in the same process, without sockets: for virtual time."""

import asyncio
from collections.abc import AsyncIterator, Coroutine, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any, Final, cast

from slack_sdk.errors import SlackApiError
from yarl import URL

from adapters.serialization.json_codec import read_json, write_json
from adapters.slack.chat import SlackChat
from adapters.slack.errors import ApiCall, chat_error
from adapters.slack.events import EventSelection, parse_callback
from adapters.slack.interactions import InteractionParser
from adapters.slack.sockets.arrival_queue import EventQueue
from adapters.slack.web_client import SentResponse, SlackWebClient, WebResponse, encode_arguments
from application.ports.clock import Clock
from application.ports.receiver import Connected, Disconnected, IncomingEvent
from domain.json_values import Json, JsonObject
from entrypoints.simulation.slack.app_use.answers import SLASH_COMMANDS
from entrypoints.simulation.slack.delivery.interaction import Interaction
from entrypoints.simulation.slack.delivery.queue import PendingDelivery
from entrypoints.simulation.slack.delivery.socket_mode import ACKNOWLEDGEMENT_SECONDS
from entrypoints.simulation.slack.server import SlackServer
from entrypoints.simulation.slack.web_api.api import SlackError

_OK: Final = 200
_REFUSED: Final = 400


class SlackMemoryBridge:
    """The pack's own chat and receiver, on a simulated Slack that runs `in_process`."""

    def __init__(self, slack: SlackServer, clock: Clock, selection: EventSelection, command_reply: str = "") -> None:
        self.chat: Final = SlackChat(_MemoryClient(slack))
        self.receiver: Final = MemoryConnection(slack, self.chat, clock, selection, command_reply)


class _MemoryClient(SlackWebClient):
    """Calls the methods of the simulated Web API. Arguments and responses are copied, as by a network."""

    def __init__(self, slack: SlackServer) -> None:
        super().__init__(slack.api_url, slack.bot_token)
        self._slack = slack

    def now(self) -> datetime:
        return datetime.fromtimestamp(self._slack.now(), UTC)

    async def call_with_headers(
        self, call: ApiCall, arguments: Mapping[str, Json] | None = None, token: str | None = None
    ) -> WebResponse:
        json, form = encode_arguments(call.method, arguments or {})
        given = _copy(json) if json is not None else dict(form or {})
        answer = self._slack.web_api.call(call.method, given, token or self._slack.bot_token)
        if not answer.body["ok"]:
            refusal = SlackApiError(call.method, answer.body)  # type: ignore[no-untyped-call] # slack_sdk's
            raise chat_error(refusal, call, self.now())
        return WebResponse(_copy(answer.body), answer.headers)

    async def send(
        self,
        url: URL,
        call: ApiCall,  # noqa: ARG002 - nothing can be lost on the way
        *,
        message: JsonObject | None = None,
        content: bytes = b"",
    ) -> SentResponse:
        if message is None:
            is_known = self._slack.files.take_content(url.name, content)
            return SentResponse(_OK if is_known else _REFUSED, {}, "")
        try:
            self._slack.response_urls.respond(url.name, _copy(message))
        except SlackError as refusal:
            return SentResponse(_REFUSED, {}, write_json(refusal.body).decode())
        return SentResponse(_OK, {}, "ok")


class MemoryConnection:
    """Implements Receiver, and the simulated Slack's Transport. The connection can be interrupted."""

    def __init__(
        self, slack: SlackServer, chat: SlackChat, clock: Clock, selection: EventSelection, command_reply: str
    ) -> None:
        self._slack = slack
        self._chat = chat
        self._clock = clock
        self._selection = selection
        self._interactions = InteractionParser(command_reply)
        self._queue: EventQueue | None = None
        self._disconnected_at: float | None = None
        """In the event loop's time; None while connected."""
        self._timer: asyncio.TimerHandle | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        slack.deliveries.transport = self

    # Receiver

    @asynccontextmanager
    async def events(self) -> AsyncIterator[AsyncIterator[IncomingEvent]]:
        """Implements Receiver."""
        self._own = await self._chat.identify()
        self._queue = EventQueue(self._clock)
        await self._queue.put([Connected()])
        self._slack.deliveries.flush()
        try:
            yield self._queue
        finally:
            self._queue = None
            self._cancel_timer()
            for task in self._tasks:
                task.cancel()

    # Transport

    @property
    def is_open(self) -> bool:
        """Implements Transport."""
        return self._queue is not None and self._disconnected_at is None

    def send(self, delivery: PendingDelivery) -> bool:
        """Implements Transport."""
        if self._queue is None or not self.is_open:
            return False
        self._run(self._deliver(self._queue, delivery))
        return True

    def send_interaction(self, interaction: Interaction) -> bool:
        """Implements Transport."""
        if self._queue is None or not self.is_open:
            return False
        self._run(self._interact(self._queue, interaction))
        return True

    # Interruptions

    def disconnect(self, seconds: float | None) -> None:
        """Interrupts the connection for this time, or until `reconnect`; events wait, and interactions fail."""
        if self._disconnected_at is None and self._queue is not None:
            self._disconnected_at = asyncio.get_running_loop().time()
            self._run(self._queue.put([Disconnected("no connection to Slack could be made")]))
        self._cancel_timer()
        if seconds is not None:
            self._timer = asyncio.get_running_loop().call_later(seconds, self.reconnect)

    def reconnect(self) -> None:
        """Restores the connection, and delivers what was held back."""
        self._cancel_timer()
        if self._disconnected_at is None or self._queue is None:
            return
        gap_seconds = asyncio.get_running_loop().time() - self._disconnected_at
        self._disconnected_at = None
        self._run(self._queue.put([Connected(gap_seconds)]))
        self._slack.deliveries.flush()

    async def _deliver(self, queue: EventQueue, delivery: PendingDelivery) -> None:
        async def acknowledge() -> None:
            self._slack.deliveries.acknowledge(delivery)

        events = parse_callback(delivery.body, self._own, self._selection)
        await (queue.put(events, acknowledge) if events else acknowledge())

    async def _interact(self, queue: EventQueue, interaction: Interaction) -> None:
        is_command = interaction.envelope_type == SLASH_COMMANDS
        parse = self._interactions.parse_command if is_command else self._interactions.parse
        parsed = parse(_copy(interaction.payload), self._own)
        deadline = asyncio.get_running_loop().call_later(ACKNOWLEDGEMENT_SECONDS, interaction.fail, "timeout")

        async def acknowledge() -> None:
            deadline.cancel()
            interaction.acknowledge(parsed.response)

        await (queue.put(parsed.events, acknowledge) if parsed.events else acknowledge())

    def _run(self, work: Coroutine[Any, Any, None]) -> None:
        """Starts a delivery in a task, since it may have to wait for the consumer of the events."""
        task = asyncio.create_task(work, name="delivery in the process")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _cancel_timer(self) -> None:
        if self._timer:
            self._timer.cancel()
            self._timer = None


def _copy(content: JsonObject) -> JsonObject:
    return cast("JsonObject", read_json(write_json(content)))
