"""A Slack of our own on loopback: all that a bot can tell of Slack, with people to play and faults to plan."""

from collections import Counter
from collections.abc import Callable, Collection, Iterable
from types import TracebackType
from typing import Final, Self

from aiohttp import web

from entrypoints.simulation.connections import reset_connection
from entrypoints.simulation.faults import FaultPlan
from entrypoints.simulation.slack.conditions import Conditions
from entrypoints.simulation.slack.delivery.endpoint import SocketEndpoint
from entrypoints.simulation.slack.delivery.http import HttpDelivery
from entrypoints.simulation.slack.delivery.queue import RETRY_SECONDS, Acknowledgement, DeliveryQueue, PendingDelivery
from entrypoints.simulation.slack.delivery.rtm import RtmConnections
from entrypoints.simulation.slack.delivery.socket_mode import ACKNOWLEDGEMENT_SECONDS, SocketMode
from entrypoints.simulation.slack.delivery.websocket import Socket
from entrypoints.simulation.slack.event_log import Call, Changes, Log, Post, SlackLog
from entrypoints.simulation.slack.events import WorkspaceEvent, event_callback, new_event_id
from entrypoints.simulation.slack.models import JsonObject
from entrypoints.simulation.slack.people import SlackPeople
from entrypoints.simulation.slack.rate_limits import RateLimits
from entrypoints.simulation.slack.web_api import chat, conversations, users
from entrypoints.simulation.slack.web_api.api import Access
from entrypoints.simulation.slack.web_api.endpoint import WebApiEndpoint
from entrypoints.simulation.slack.workspace import WorkspaceState

BOT_SCOPES: Final = frozenset(
    {
        "app_mentions:read",
        *("channels:history", "channels:join", "channels:manage", "channels:read"),
        *("chat:write", "chat:write.customize"),
        *("groups:history", "groups:read", "groups:write"),
        *("im:history", "im:read", "im:write", "mpim:history", "mpim:read", "mpim:write"),
        *("reactions:read", "reactions:write", "users:read", "users:read.email"),
    }
)
MAX_REQUEST_BYTES: Final = 8 * 1024 * 1024


class SlackServer(SlackPeople):
    """Slack, as far as a bot can tell, for as long as the `async with` block lasts.

    Point any bot at `api_url` with the tokens. With `classic` the token is a classic app's: RTM works, and events go
    there only; otherwise `rtm.connect` is refused, and events go through Socket Mode, or by HTTP after `deliver_to`.
    `subscriptions` names the events that the app subscribes to (`message.channels`, `app_mention`, ...), None for all.
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
    ) -> None:
        super().__init__(WorkspaceState(self._on_workspace_event, bot_name=bot_name))
        self.host: Final = host
        self.port = port
        self.signing_secret: Final = signing_secret
        self.access: Final = Access(bot_token, app_token, set(scopes), classic, accept_any_token)
        self.subscriptions = subscriptions
        self.log: Final = SlackLog()
        self.conditions: Final = Conditions(latency_seconds=latency_seconds, ping_seconds=ping_seconds)
        self.deliveries: Final = DeliveryQueue(self.log, retry_seconds)
        self.socket_mode: Final = SocketMode(self.deliveries, self.log, self.workspace, acknowledgement_seconds)
        self.deliveries.transport = self.socket_mode
        self._http = HttpDelivery(self.deliveries, self.log, signing_secret, acknowledgement_seconds)
        self._sockets = SocketEndpoint(self.log, self.conditions, self.socket_mode)
        self._runner: web.AppRunner | None = None

    # Lifecycle

    async def __aenter__(self) -> Self:
        methods = {
            **chat.METHODS,
            **conversations.METHODS,
            **users.METHODS,
            **self._sockets.methods,
        }
        web_api = WebApiEndpoint(self.workspace, self.access, self.log, self.conditions, methods)
        application = web.Application(client_max_size=MAX_REQUEST_BYTES)
        application.router.add_route("*", "/api/{method}", web_api.handle)
        application.router.add_get("/sockets/{kind}/", self._sockets.open)
        self._runner = web.AppRunner(application, access_log=None, shutdown_timeout=0.5)
        await self._runner.setup()
        try:
            await self.come_up()
        except OSError:
            await self._runner.cleanup()
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.conditions.closing.set()
        await self._http.close()
        await self.go_down()
        if self._runner is not None:
            await self._runner.cleanup()
        # After the last socket: what it had in hand would be tried again.
        self.socket_mode.close()
        self.deliveries.close()
        self.log.end()

    async def go_down(self) -> None:
        """Refuse new connections and break those that are open, as when Slack can't be reached."""
        if self._runner is None:
            return
        for site in list(self._runner.sites):
            await site.stop()
        for connection in list(self._runner.server.connections if self._runner.server else ()):
            reset_connection(connection.transport)

    async def come_up(self) -> None:
        """Be there (again), at the same address as before."""
        if self._runner is None:
            return
        site = web.TCPSite(self._runner, self.host, self.port, reuse_address=True)
        await site.start()
        self.port = self._runner.addresses[0][1]
        self._sockets.address = f"{self.host}:{self.port}"

    # Where it is and what opens it

    @property
    def url(self) -> str:
        """The server's address."""
        return f"http://{self.host}:{self.port}"

    @property
    def api_url(self) -> str:
        """The base URL of the Web API, with a slash at its end."""
        return f"{self.url}/api/"

    @property
    def bot_token(self) -> str:
        """The bot's token."""
        return self.access.bot_token

    @property
    def app_token(self) -> str:
        """The app-level token, for Socket Mode."""
        return self.access.app_token

    # How it behaves

    @property
    def faults(self) -> FaultPlan:
        """What is planned to go wrong."""
        return self.conditions.faults

    @property
    def limits(self) -> RateLimits:
        """The rate limits; off until switched on."""
        return self.conditions.limits

    @property
    def latency_seconds(self) -> float:
        """How long every call of the Web API takes before anything is done."""
        return self.conditions.latency_seconds

    @latency_seconds.setter
    def latency_seconds(self, seconds: float) -> None:
        self.conditions.latency_seconds = seconds

    @property
    def history_lag_seconds(self) -> float:
        """How long a message takes until it can be read back by `conversations.history` and `conversations.replies`."""
        return self.workspace.history_lag_seconds

    @history_lag_seconds.setter
    def history_lag_seconds(self, seconds: float) -> None:
        self.workspace.history_lag_seconds = seconds

    def reject_tokens(self, code: str) -> None:
        """Let every call be refused with this code (`token_revoked`, `account_inactive`, ...); '' for none any more."""
        self.access.forced_error = code

    # What happened

    @property
    def posts(self) -> Log[Post]:
        """What the bot posted, in order."""
        return self.log.posts

    @property
    def calls(self) -> Log[Call]:
        """All calls of the Web API, in order."""
        return self.log.calls

    @property
    def counters(self) -> Counter[str]:
        """How often what happened: methods by name, `posts`, `events`, `deliveries`, `acknowledged`, ..."""
        return self.log.counters

    @property
    def acknowledged(self) -> dict[str, Acknowledgement]:
        """The events that the app acknowledged, by event id."""
        return self.deliveries.acknowledged

    @property
    def unacknowledged(self) -> dict[str, PendingDelivery]:
        """The events that the app has not acknowledged, those given up among them, by event id."""
        return self.deliveries.unacknowledged

    def is_acknowledged(self, channel: str, ts: str) -> bool:
        """Say whether the app acknowledged an event about this message."""
        return (channel, ts) in self.deliveries.acknowledged_messages

    async def wait_for(self, predicate: Callable[[], object], timeout: float = 5.0) -> None:  # noqa: ASYNC109 - the caller's patience
        """Return when the predicate holds, looking again after everything that happens. Raises TimeoutError."""
        await self.log.wait_for(predicate, timeout)

    def subscribe(self) -> Changes:
        """Watch everything that happens from now on: an asynchronous iterator of what happens."""
        return self.log.watch()

    # Sockets

    @property
    def rtm(self) -> RtmConnections:
        """The open RTM connections."""
        return self._sockets.rtm

    @property
    def connections(self) -> list[Socket]:
        """The sockets that are open, of Socket Mode and RTM."""
        return [*self.socket_mode.connections, *self.rtm.connections]

    def disconnect(self, reason: str = "refresh_requested", *, close_after_seconds: float = 1.0) -> None:
        """Tell every socket that it will be closed, and close it; `warning` only warns, RTM says goodbye."""
        for socket in list(self.socket_mode.connections):
            self.socket_mode.disconnect(socket, reason, close_after_seconds)
        for socket in list(self.rtm.connections):
            self.rtm.goodbye(socket, close_after_seconds)

    def drop_sockets(self) -> None:
        """Break every open socket."""
        for socket in self.connections:
            socket.drop()

    def silence_sockets(self) -> None:
        """Let every open socket stay open and dead: no event, no ping, no answer. New ones are well."""
        for socket in self.connections:
            socket.silence()

    def raw_frame(self, frame: str | bytes) -> None:
        """Send anything at all to every open socket."""
        for socket in self.connections:
            socket.send(frame)

    def raw_envelope(self, kind: str, payload: JsonObject, *, accepts_response_payload: bool = False) -> str:
        """Send a slash command or an interaction to one connection; `socket_mode.responses` gets its answer."""
        return self.socket_mode.send_raw(kind, payload, accepts_response_payload=accepts_response_payload)

    # Events

    async def deliver_to(self, url: str, *, verify: bool = True) -> None:
        """Deliver events by signed HTTP requests to this address from now on, in the place of Socket Mode.

        As when it is set up in Slack, the address has to answer a challenge first, unless `verify` is False. Raises
        ConnectionError when it does not.
        """
        await self._http.open(url, verify=verify)
        self.deliveries.transport = self._http
        self.deliveries.flush()

    async def deliver_by_socket(self) -> None:
        """Deliver events by Socket Mode again."""
        await self._http.close()
        self.deliveries.transport = self.socket_mode
        self.deliveries.flush()

    def raw_event(self, event: JsonObject, *, event_id: str = "") -> str:
        """Deliver any event as it is, whatever the bot is a member of or subscribed to; returns the event id."""
        self.rtm.broadcast(event)
        return self._deliver(event, event_id or new_event_id())

    def raw_body(self, body: JsonObject) -> str:
        """Deliver any body of the Events API as it is; returns the id under which it is kept."""
        event_id = str(body.get("event_id") or new_event_id())
        self.deliveries.add(event_id, body)
        return event_id

    def redeliver(self, event_ids: Iterable[str] | None = None) -> int:
        """Deliver acknowledged events again, all of those still known by default; returns how many."""
        return self.deliveries.redeliver(event_ids)

    def discard_unacknowledged(self) -> int:
        """Lose every event that the app has not acknowledged, as Slack does in the end; returns how many."""
        return self.deliveries.discard_unacknowledged()

    def _on_workspace_event(self, occurrence: WorkspaceEvent) -> None:
        self.log.note("event", event=occurrence.event, reaches_bot=occurrence.reaches_bot)
        if not occurrence.reaches_bot:
            return
        if occurrence.in_rtm:
            self.rtm.broadcast(occurrence.event)
        if occurrence.subscription is None or self.access.is_classic:
            return
        if self.subscriptions is None or occurrence.subscription in self.subscriptions:
            self._deliver(occurrence.event, new_event_id())

    def _deliver(self, event: JsonObject, event_id: str) -> str:
        world = self.workspace
        ids = {"team_id": world.team_id, "app_id": world.app_id, "bot_user_id": world.bot.user_id}
        self.deliveries.add(event_id, event_callback(event, event_id, **ids))
        return event_id
