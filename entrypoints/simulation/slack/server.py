"""A simulated Slack on loopback: the Web API, Socket Mode, RTM and the Events API, with people and fault injection."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Collection, Coroutine, Iterable
from contextlib import asynccontextmanager
from types import TracebackType
from typing import Any, Final, Self, TypeVar

from aiohttp import web

from entrypoints.simulation.listener import HttpListener
from entrypoints.simulation.slack.app_users import AppUsers
from entrypoints.simulation.slack.causes import read_mark
from entrypoints.simulation.slack.conditions import Conditions
from entrypoints.simulation.slack.delivery.endpoint import SocketEndpoint
from entrypoints.simulation.slack.delivery.http import HttpDelivery
from entrypoints.simulation.slack.delivery.interaction import Interactions
from entrypoints.simulation.slack.delivery.queue import RETRY_SECONDS, DeliveryQueue, Transport
from entrypoints.simulation.slack.delivery.socket_mode import ACKNOWLEDGEMENT_SECONDS, SocketMode
from entrypoints.simulation.slack.delivery.websocket import Socket
from entrypoints.simulation.slack.event_log import EventRaised, SlackLog
from entrypoints.simulation.slack.events import event_callback, new_event_id
from entrypoints.simulation.slack.models import JsonObject
from entrypoints.simulation.slack.web_api import channel_settings, chat, conversations, reactions, team, users
from entrypoints.simulation.slack.web_api.api import Access, Method
from entrypoints.simulation.slack.web_api.calls import WebApi
from entrypoints.simulation.slack.web_api.endpoint import WebApiEndpoint
from entrypoints.simulation.slack.web_api.files import Files
from entrypoints.simulation.slack.web_api.response_urls import ResponseUrls
from entrypoints.simulation.slack.web_api.scheduled import ScheduledMessages
from entrypoints.simulation.slack.web_api.views import Views
from entrypoints.simulation.slack.workspace import WorkspaceState

Truth = TypeVar("Truth")

BOT_SCOPES: Final = frozenset(
    {
        *("app_mentions:read", "commands"),
        *("channels:history", "channels:join", "channels:manage", "channels:read"),
        *("chat:write", "chat:write.customize"),
        *("groups:history", "groups:read", "groups:write"),
        *("im:history", "im:read", "im:write", "mpim:history", "mpim:read", "mpim:write"),
        *("emoji:read", "files:read", "files:write", "pins:read", "pins:write", "reactions:read", "reactions:write"),
        *("team:read", "usergroups:read", "users.profile:read", "users:read", "users:read.email"),
    }
)
MAX_REQUEST_BYTES: Final = 8 * 1024 * 1024
_SHUTDOWN_SECONDS: Final = 0.5


class SlackServer(AppUsers):
    """A Slack workspace with one app, open for as long as the `async with` block lasts.

    Point any bot at `api_url` with `bot_token` and `app_token`. With `classic` the token is a classic app's: RTM works,
    and events go there only; otherwise `rtm.connect` is refused, and events go through Socket Mode, or by HTTP after
    `deliver_to`. `subscriptions` names the events that the app subscribes to (`message.channels`, `app_mention`, ...),
    None for all.
    """

    def __init__(
        self,
        host: str = "127.0.0.1",
        port: int = 0,
        *,
        bot_token: str = "xoxb-simulation",  # noqa: S107 - opens nothing but this server
        app_token: str = "xapp-simulation",  # noqa: S107 - likewise
        signing_secret: str = "simulated-signing-secret",  # noqa: S107 - likewise
        bot_name: str = "bot",
        scopes: Iterable[str] = BOT_SCOPES,
        subscriptions: Collection[str] | None = None,
        classic: bool = False,
        accept_any_token: bool = False,
        acknowledgement_seconds: float = ACKNOWLEDGEMENT_SECONDS,
        retry_seconds: Iterable[float] = RETRY_SECONDS,
        latency_seconds: float = 0.0,
        ping_seconds: float = 5.0,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._clock = clock
        self._clock_offset_seconds = 0.0
        self.bot_token: Final = bot_token
        self.app_token: Final = app_token
        self.signing_secret: Final = signing_secret
        self.subscriptions = subscriptions
        self.access: Final = Access(bot_token, app_token, set(scopes), classic, accept_any_token)
        self.conditions: Final = Conditions(latency_seconds, ping_seconds)
        self.faults: Final = self.conditions.faults
        self.limits: Final = self.conditions.limits
        self.log: Final = SlackLog()
        self.posts: Final = self.log.posts
        self.ephemeral_posts: Final = self.log.ephemeral_posts
        self.calls: Final = self.log.calls
        self.counters: Final = self.log.counters
        self.deliveries: Final = DeliveryQueue(self.log, retry_seconds)
        self.acknowledged: Final = self.deliveries.acknowledged
        self.unacknowledged: Final = self.deliveries.unacknowledged
        workspace = WorkspaceState(self._on_event, bot_name=bot_name, now=self.now)
        responses = ResponseUrls(workspace, self.access, self.log, self.conditions, lambda: self.url)
        super().__init__(workspace, self.deliveries, Interactions(self.log), Views(workspace, self.log), responses)
        self.socket_mode: Final = SocketMode(self.deliveries, self.log, workspace, acknowledgement_seconds)
        self.deliveries.transport = self.socket_mode
        self._http = HttpDelivery(self.deliveries, self.log, signing_secret, acknowledgement_seconds, self.now)
        self._listener = HttpListener(host, port, self.now)
        self._sockets = SocketEndpoint(self._listener, self.log, self.conditions, self.socket_mode)
        self.rtm: Final = self._sockets.rtm
        self.files: Final = Files(self.workspace, self.log, self.conditions, lambda: self.url)
        self._scheduled = ScheduledMessages(self.workspace, self.log)
        self._scheduler: asyncio.Task[None] | None = None
        self.web_api: Final = WebApi(self.workspace, self.access, self.log, self.limits, self.methods)

    async def __aenter__(self) -> Self:
        web_api = WebApiEndpoint(self.web_api, self.conditions, self.log)
        application = web.Application(client_max_size=MAX_REQUEST_BYTES, middlewares=[read_mark])
        application.router.add_route("*", "/api/{method}", web_api.handle)
        self._sockets.add_routes(application.router)
        self.files.add_routes(application.router)
        self.response_urls.add_routes(application.router)
        await self._listener.open(application, shutdown_seconds=_SHUTDOWN_SECONDS)
        self._start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.conditions.closing.set()
        await self._http.close()
        await self._listener.close()
        # After the last socket is closed, which schedules its unacknowledged events for another attempt.
        self.socket_mode.close()
        await self._stop()

    @asynccontextmanager
    async def in_process(self) -> AsyncIterator[None]:
        """Runs without any socket: the app calls `web_api`, and `deliveries.transport` is a part of its process."""
        self._start()
        try:
            yield
        finally:
            await self._stop()

    def _start(self) -> None:
        self._scheduler = asyncio.create_task(self._scheduled.run(), name="scheduled messages of the simulated Slack")

    async def _stop(self) -> None:
        self.deliveries.close()
        if self._scheduler is not None:
            self._scheduler.cancel()
            await asyncio.gather(self._scheduler, return_exceptions=True)
        self.log.close()

    @property
    def methods(self) -> dict[str, Method]:
        """The methods of the Web API, by name."""
        modules = chat, conversations, channel_settings, reactions, users, team
        parts = self._sockets, self.files, self.views, self._scheduled
        tables = (*(module.METHODS for module in modules), *(part.methods for part in parts))
        return {name: method for table in tables for name, method in table.items()}

    def now(self) -> float:
        """Returns the time by this Slack's clock, in seconds since 1970."""
        return self._clock() + self._clock_offset_seconds

    @property
    def clock_offset_seconds(self) -> float:
        """How far this Slack's clock is ahead of the machine's."""
        return self._clock_offset_seconds

    @clock_offset_seconds.setter
    def clock_offset_seconds(self, seconds: float) -> None:
        self._clock_offset_seconds = seconds
        self._scheduled.wake()

    @property
    def port(self) -> int:
        """The port it listens on."""
        return self._listener.port

    @property
    def url(self) -> str:
        """The server's address."""
        return self._listener.url

    @property
    def api_url(self) -> str:
        """The base URL of the Web API, with a slash at its end."""
        return f"{self.url}/api/"

    async def go_down(self) -> None:
        """Refuses new connections and resets those that are open, as when Slack is unreachable."""
        await self._listener.stop()
        self._listener.reset_connections()

    async def come_up(self) -> None:
        """Accepts connections again, at the same address."""
        await self._listener.start()

    def wait_for(self, condition: Callable[[], Truth], timeout: float = 5.0) -> Coroutine[Any, Any, Truth]:
        """Waits until a condition holds; see `EventFeed.wait_for`."""
        return self.log.wait_for(condition, timeout)

    def is_acknowledged(self, channel: str, ts: str) -> bool:
        """Returns whether the app acknowledged an event about this message."""
        return (channel, ts) in self.deliveries.acknowledged_messages

    # Sockets

    @property
    def connections(self) -> list[Socket]:
        """The open sockets, of Socket Mode and RTM."""
        return [*self.socket_mode.connections, *self.rtm.connections]

    @property
    def has_receiver(self) -> bool:
        """Whether events reach an app: a socket is open, or an address has been verified."""
        transport = self.deliveries.transport
        return bool(self.rtm.connections) or (transport is not None and transport.is_open)

    def disconnect(self, reason: str = "refresh_requested", *, close_after_seconds: float = 1.0) -> None:
        """Announces to every socket that it will be closed, and closes it unless the reason is `warning`."""
        for socket in list(self.socket_mode.connections):
            self.socket_mode.disconnect(socket, reason, close_after_seconds)
        for socket in list(self.rtm.connections):
            self.rtm.goodbye(socket, close_after_seconds)

    def drop_sockets(self) -> None:
        """Resets every open socket."""
        for socket in list(self.socket_mode.connections):
            self.socket_mode.drop(socket)
        for socket in list(self.rtm.connections):
            socket.drop()

    def silence_sockets(self) -> None:
        """Leaves every open socket open but dead: no event, no ping, no response. New ones work."""
        for socket in self.connections:
            socket.silence()

    def raw_frame(self, frame: str | bytes) -> None:
        """Sends any frame to every open socket."""
        for socket in self.connections:
            socket.send(frame)

    # Events

    async def deliver_to(self, url: str, *, verify: bool = True) -> None:
        """Delivers events by signed HTTP requests to this address from now on, instead of Socket Mode.

        As in Slack's own settings, the address has to answer a challenge first, unless `verify` is False. Raises
        ConnectionError when it does not.
        """
        await self._http.open(url, verify=verify)
        self._use(self._http)

    async def deliver_by_socket(self) -> None:
        """Delivers events by Socket Mode again."""
        await self._http.close()
        self._use(self.socket_mode)

    def raw_event(self, event: JsonObject, *, event_id: str = "") -> str:
        """Delivers any event, whatever the bot is a member of or subscribed to; returns the event id."""
        self.rtm.broadcast(event)
        return self._deliver(event, event_id or new_event_id())

    def raw_body(self, body: JsonObject) -> str:
        """Delivers any body of the Events API; returns its event id, made up if it has none."""
        event_id = str(body.get("event_id") or new_event_id())
        self.deliveries.add(event_id, body)
        return event_id

    def _use(self, transport: Transport) -> None:
        self.deliveries.transport = transport
        self.deliveries.flush()

    def _on_event(self, raised: EventRaised) -> None:
        self.log.publish(raised)
        if not raised.reaches_bot:
            return
        if raised.in_rtm:
            self.rtm.broadcast(raised.event)
        if raised.subscription is None or self.access.is_classic:
            return
        if self.subscriptions is None or raised.subscription in self.subscriptions:
            self._deliver(raised.event, new_event_id())

    def _deliver(self, event: JsonObject, event_id: str) -> str:
        ids = {"team_id": self.team_id, "app_id": self.workspace.app_id, "bot_user_id": self.bot_user_id}
        self.deliveries.add(event_id, event_callback(event, event_id, int(self.now()), **ids))
        return event_id
