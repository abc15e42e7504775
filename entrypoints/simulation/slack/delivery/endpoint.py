"""Opens the sockets of the simulated Slack, and gives out their addresses."""

import secrets
from functools import partial
from typing import Final

from aiohttp import web

from entrypoints.simulation.faults import Hang, Slow, respond
from entrypoints.simulation.listener import HttpListener, reset
from entrypoints.simulation.slack.conditions import Conditions
from entrypoints.simulation.slack.delivery.rtm import RtmConnections
from entrypoints.simulation.slack.delivery.socket_mode import SocketMode
from entrypoints.simulation.slack.delivery.websocket import Socket
from entrypoints.simulation.slack.event_log import FaultInjected, SlackLog, SocketClosed, SocketOpened
from entrypoints.simulation.slack.faults import HANDSHAKE, HELLO
from entrypoints.simulation.slack.models import JsonObject
from entrypoints.simulation.slack.web_api.api import Method, MethodCall, fail_if
from entrypoints.simulation.slack.workspace import TEAM_DOMAIN, TEAM_NAME

MAX_TICKETS: Final = 10_000
CONNECTION_SECONDS: Final = 3600
DEBUG_CONNECTION_SECONDS: Final = 360
SOCKET_MODE: Final = "socket_mode"
RTM: Final = "rtm"
RTM_LISTS: Final = {"channel": "channels", "group": "groups", "im": "ims", "mpim": "mpims"}
"""The types of conversations, and the lists of them in `rtm.start`."""


class SocketEndpoint:
    """Opens sockets, each with a ticket that is valid once."""

    def __init__(self, listener: HttpListener, log: SlackLog, conditions: Conditions, socket_mode: SocketMode) -> None:
        self.rtm: Final = RtmConnections(socket_mode.workspace, log, partial(self._new_url, RTM, CONNECTION_SECONDS))
        self._hubs: Final[dict[str, SocketMode | RtmConnections]] = {SOCKET_MODE: socket_mode, RTM: self.rtm}
        self._listener = listener
        self._log = log
        self._conditions = conditions
        self._tickets: dict[str, tuple[str, int]] = {}

    @property
    def methods(self) -> dict[str, Method]:
        """The methods of the Web API that give out the addresses of sockets."""
        return {
            "apps.connections.open": Method(self._open_socket_mode, 1, token="app"),  # noqa: S106 - a kind of token
            "rtm.connect": Method(self._connect_rtm, 1),
            "rtm.start": Method(self._start_rtm, 1),
        }

    def add_routes(self, router: web.UrlDispatcher) -> None:
        """Serves the sockets that tickets are for, at addresses of Slack's form.

        RTM has the ticket in the path, because its clients overwrite the query.
        """
        router.add_get("/link/", self._open_link)
        router.add_get("/websocket/{ticket}", self._open_websocket)

    async def _open_link(self, request: web.Request) -> web.StreamResponse:
        return await self._open(request, SOCKET_MODE, request.query.get("ticket", ""))

    async def _open_websocket(self, request: web.Request) -> web.StreamResponse:
        return await self._open(request, RTM, request.match_info["ticket"])

    async def _open(self, request: web.Request, kind: str, ticket: str) -> web.StreamResponse:
        """Opens a socket, unless a fault applies or the ticket is invalid."""
        serve = partial(self._serve, request, kind, ticket)
        fault = self._conditions.faults.match(HANDSHAKE, {"kind": kind})
        if fault is None:
            return await serve()
        self._log.publish(FaultInjected(HANDSHAKE, fault.name))
        return await respond(fault, serve, self._conditions.closing) or reset(request)

    async def _serve(self, request: web.Request, kind: str, ticket: str) -> web.StreamResponse:
        found, connection_seconds = self._tickets.pop(ticket, ("", 0))
        if found != kind:
            self._log.count("refused_tickets")
            return web.Response(status=403, text="the ticket is unknown or was used already")
        self._log.count("connections")
        socket, hub = Socket(kind, request), self._hubs[kind]
        on_open = partial(self._on_open, socket, connection_seconds)
        try:
            return await socket.serve(on_open, partial(hub.handle_frame, socket), self._conditions.ping_seconds)
        finally:
            hub.remove(socket)
            self._log.publish(SocketClosed(socket.number, kind))

    def _on_open(self, socket: Socket, connection_seconds: int) -> None:
        self._hubs[socket.kind].connections.append(socket)
        fault = self._conditions.faults.match(HELLO, {"kind": socket.kind})
        if isinstance(fault, Slow):
            socket.call_later(fault.seconds, self._welcome, socket, connection_seconds)
        elif isinstance(fault, Hang):
            socket.silence()
        elif fault is not None:
            socket.drop()
        else:
            self._welcome(socket, connection_seconds)

    def _welcome(self, socket: Socket, connection_seconds: int) -> None:
        self._hubs[socket.kind].welcome(socket, connection_seconds)
        self._log.publish(SocketOpened(socket.number, socket.kind))

    def _open_socket_mode(self, call: MethodCall) -> JsonObject:
        seconds = DEBUG_CONNECTION_SECONDS if call.flag("debug_reconnects") else CONNECTION_SECONDS
        return {"url": self._new_url(SOCKET_MODE, seconds)}

    def _connect_rtm(self, call: MethodCall) -> JsonObject:
        """`rtm.connect`: the address of a socket, and who connects."""
        fail_if(not call.access.is_classic, "not_allowed_token_type")
        workspace = call.workspace
        myself = {"id": workspace.bot.user_id, "name": workspace.bot.name}
        team = {"id": workspace.team_id, "name": TEAM_NAME, "domain": TEAM_DOMAIN}
        return {"url": self._new_url(RTM, CONNECTION_SECONDS), "self": myself, "team": team}

    def _start_rtm(self, call: MethodCall) -> JsonObject:
        """`rtm.start`: the same, and all that the bot sees."""
        workspace, bot = call.workspace, call.bot.user_id
        seen = [channel for channel in workspace.channels.values() if not channel.is_private or bot in channel.members]
        conversations = {
            name: [channel.as_json(bot) for channel in seen if channel.channel_type == kind]
            for kind, name in RTM_LISTS.items()
        }
        users = [user.as_json(workspace.team_id) for user in workspace.users.values()]
        bots = [workspace.bot_as_json()]
        return self._connect_rtm(call) | conversations | {"users": users, "bots": bots, "cache_ts": 0}

    def _new_url(self, kind: str, connection_seconds: int) -> str:
        if len(self._tickets) >= MAX_TICKETS:
            del self._tickets[next(iter(self._tickets))]
        ticket = secrets.token_hex(16)
        self._tickets[ticket] = kind, connection_seconds
        address = f"ws://{self._listener.host}:{self._listener.port}"
        return f"{address}/websocket/{ticket}" if kind == RTM else f"{address}/link/?ticket={ticket}"
