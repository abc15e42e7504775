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

MAX_TICKETS: Final = 10_000
CONNECTION_SECONDS: Final = 3600
DEBUG_CONNECTION_SECONDS: Final = 360
SOCKET_MODE: Final = "socket_mode"
RTM: Final = "rtm"


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
        }

    async def open(self, request: web.Request) -> web.StreamResponse:
        """Serves the socket that a ticket is for, unless a fault applies or the ticket is invalid."""
        fault = self._conditions.faults.match(HANDSHAKE, {"kind": request.match_info["kind"]})
        if fault is None:
            return await self._open(request)
        self._log.publish(FaultInjected(HANDSHAKE, fault.name))
        return await respond(fault, partial(self._open, request), self._conditions.closing) or reset(request)

    async def _open(self, request: web.Request) -> web.StreamResponse:
        kind, connection_seconds = self._tickets.pop(request.query.get("ticket", ""), ("", 0))
        if kind != request.match_info["kind"]:
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
        fail_if(not call.access.is_classic, "not_allowed_token_type")
        workspace = call.workspace
        myself = {"id": workspace.bot.user_id, "name": workspace.bot.name}
        team = {"id": workspace.team_id, "name": "Simulation", "domain": "simulation"}
        return {"url": self._new_url(RTM, CONNECTION_SECONDS), "self": myself, "team": team}

    def _new_url(self, kind: str, connection_seconds: int) -> str:
        if len(self._tickets) >= MAX_TICKETS:
            del self._tickets[next(iter(self._tickets))]
        ticket = secrets.token_hex(16)
        self._tickets[ticket] = kind, connection_seconds
        return f"ws://{self._listener.host}:{self._listener.port}/sockets/{kind}/?ticket={ticket}"
