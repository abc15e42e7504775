"""The addresses of the simulated Slack: the Web API and the sockets, with the faults planned for them."""

import asyncio
import json
import secrets
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final

from aiohttp import web

from entrypoints.simulation.slack_faults import HANDSHAKE, HELLO, Fault, Faults, NoAnswer, Reset, Slow, WrongAnswer
from entrypoints.simulation.slack_limits import Limits
from entrypoints.simulation.slack_log import Call, SlackLog
from entrypoints.simulation.slack_records import JsonObject
from entrypoints.simulation.slack_rtm import Rtm
from entrypoints.simulation.slack_socket_mode import CONNECTION_SECONDS, SocketMode
from entrypoints.simulation.slack_sockets import Socket, reset_connection
from entrypoints.simulation.slack_web_api import Access, ApiCall, Method, SlackError, provided_scopes
from entrypoints.simulation.slack_world import SlackWorld

MOST_TICKETS: Final = 10_000
POST_BODY: Final = ("POST", "PUT")


@dataclass(slots=True)
class Conditions:
    """How the simulated Slack is to behave for now."""

    faults: Faults = field(default_factory=Faults)
    limits: Limits = field(default_factory=Limits)
    latency_seconds: float = 0.0
    ping_seconds: float = 5.0
    closing: asyncio.Event = field(default_factory=asyncio.Event)

    async def pause(self, seconds: float | None) -> None:
        """Take this long, for ever with None; the closing of the server ends it."""
        try:
            async with asyncio.timeout(seconds):
                await self.closing.wait()
        except TimeoutError:
            return


class WebApi:
    """The Web API under one address: `/api/{method}`."""

    def __init__(
        self, world: SlackWorld, access: Access, log: SlackLog, conditions: Conditions, methods: Mapping[str, Method]
    ) -> None:
        self._world = world
        self._access = access
        self._log = log
        self._conditions = conditions
        self._methods = methods

    async def handle(self, request: web.Request) -> web.Response:
        """Answer one call as planned, or as Slack would."""
        method = request.match_info["method"]
        try:
            arguments, token = await _read_arguments(request)
        except SlackError as error:
            return self._answer(error.body)
        if self._conditions.latency_seconds:
            await self._conditions.pause(self._conditions.latency_seconds)
        fault = self._conditions.faults.befalling(method, arguments)
        if fault is None:
            return self._perform(method, arguments, token)
        return await self._go_wrong(request, fault, method, lambda: self._perform(method, arguments, token))

    async def _go_wrong(
        self, request: web.Request, fault: Fault, method: str, perform: Callable[[], web.Response]
    ) -> web.Response:
        self._log.counters["faults"] += 1
        self._log.note("fault", method=method, name=fault.name)
        answer = None
        if isinstance(fault, Slow) and not fault.performed:
            await self._conditions.pause(fault.seconds)
        if fault.performed or isinstance(fault, Slow):
            answer = perform()
        else:
            self._note_call(method, {}, fault.name)
        if isinstance(fault, Slow) and fault.performed:
            await self._conditions.pause(fault.seconds)
        return await carry_out(self._conditions, request, fault, answer)

    def _perform(self, name: str, arguments: JsonObject, token: str) -> web.Response:
        method = self._methods.get(name)
        if method is None:
            self._note_call(name, arguments, "unknown_method")
            return self._answer({"ok": False, "error": "unknown_method", "req_method": name})
        call = ApiCall(name, arguments, self._world, self._access, self._log)
        try:
            if method.token:
                self._access.check(token, method.token)
            wait = self._conditions.limits.retry_after(name, method.tier, str(arguments.get("channel") or ""))
            if wait is not None:
                self._log.counters["ratelimited"] += 1
                self._note_call(name, arguments, "ratelimited")
                body = {"ok": False, "error": "ratelimited"}
                return self._answer(body, status=429, headers={"Retry-After": str(wait)})
            if method.scopes:
                call.require_scope(*method.scopes)
            body = method.run(call)
        except SlackError as refusal:
            body = refusal.body
        self._note_call(name, arguments, "" if body["ok"] else str(body.get("error", "")))
        accepted = ",".join(method.scopes)
        return self._answer(body, headers={"x-accepted-oauth-scopes": accepted})

    def _note_call(self, method: str, arguments: JsonObject, error: str) -> None:
        self._log.calls.append(Call(method, arguments, time.monotonic(), error))
        self._log.counters[method] += 1
        self._log.note("call", method=method, error=error)

    def _answer(self, body: JsonObject, status: int = 200, headers: Mapping[str, str] | None = None) -> web.Response:
        all_headers = {"x-oauth-scopes": provided_scopes(self._access), **(headers or {})}
        return web.json_response(body, status=status, headers=all_headers)


class SocketEndpoints:
    """The addresses at which sockets are opened, each with a ticket that serves once."""

    def __init__(self, socket_mode: SocketMode, rtm: Rtm, log: SlackLog, conditions: Conditions) -> None:
        self._socket_mode = socket_mode
        self._rtm = rtm
        self._log = log
        self._conditions = conditions
        self._tickets: dict[str, int] = {}

    def new_ticket(self, connection_seconds: int = CONNECTION_SECONDS) -> str:
        """Make a ticket for one connection."""
        if len(self._tickets) >= MOST_TICKETS:
            del self._tickets[next(iter(self._tickets))]
        ticket = secrets.token_hex(16)
        self._tickets[ticket] = connection_seconds
        return ticket

    async def link(self, request: web.Request) -> web.StreamResponse:
        """Open a Socket Mode connection."""
        return await self._serve(Socket("socket_mode", request), request)

    async def rtm(self, request: web.Request) -> web.StreamResponse:
        """Open an RTM connection."""
        return await self._serve(Socket("rtm", request), request)

    async def _serve(self, socket: Socket, request: web.Request) -> web.StreamResponse:
        fault = self._conditions.faults.befalling(HANDSHAKE, {"kind": socket.kind})
        if isinstance(fault, Slow):
            await self._conditions.pause(fault.seconds)
        elif fault is not None:
            self._log.note("fault", method=HANDSHAKE, name=fault.name)
            return await carry_out(self._conditions, request, fault, None)
        connection_seconds = self._tickets.pop(request.query.get("ticket", ""), None)
        if connection_seconds is None:
            self._log.counters["refused_tickets"] += 1
            return web.Response(status=403, text="the ticket is unknown or was used already")
        hear = self._socket_mode.hear if socket.kind == "socket_mode" else lambda text: self._rtm.hear(socket, text)
        self._log.counters["connections"] += 1
        try:
            return await socket.serve(
                lambda: self._greet(socket, connection_seconds), hear, self._conditions.ping_seconds
            )
        finally:
            self._socket_mode.closed(socket) if socket.kind == "socket_mode" else self._rtm.closed(socket)
            self._log.note("disconnected", connection=socket.number, transport=socket.kind)

    def _greet(self, socket: Socket, connection_seconds: int) -> None:
        fault = self._conditions.faults.befalling(HELLO, {"kind": socket.kind})
        if isinstance(fault, Slow):
            asyncio.get_running_loop().call_later(fault.seconds, self._open, socket, connection_seconds)
        elif isinstance(fault, NoAnswer):
            socket.silence()
        elif fault is not None:
            socket.drop()
        else:
            self._open(socket, connection_seconds)

    def _open(self, socket: Socket, connection_seconds: int) -> None:
        if socket.kind == "socket_mode":
            self._socket_mode.open(socket, connection_seconds)
        else:
            self._rtm.open(socket)
        self._log.note("connected", connection=socket.number, transport=socket.kind)


async def carry_out(
    conditions: Conditions, request: web.Request, fault: Fault, answer: web.Response | None
) -> web.Response:
    """Do what a fault says, after whatever work was done already; `answer` is what that work would have said."""
    if isinstance(fault, WrongAnswer):
        return web.Response(
            status=fault.status, body=fault.body, content_type=fault.content_type, headers=fault.headers
        )
    if isinstance(fault, NoAnswer):
        await conditions.pause(None)
    if isinstance(fault, Reset) or answer is None or isinstance(fault, NoAnswer):
        reset_connection(request.transport)
        return web.Response(status=503)
    return answer


async def _read_arguments(request: web.Request) -> tuple[JsonObject, str]:
    """Read the arguments and the token of a call, wherever they stand. Raises SlackError for broken JSON."""
    arguments: JsonObject = dict(request.query)
    if request.content_type == "application/json":
        arguments |= await _read_json(request)
    elif request.method in POST_BODY:
        arguments |= {name: value for name, value in (await request.post()).items() if isinstance(value, str)}
    token = request.headers.get("Authorization", "").removeprefix("Bearer ").strip()
    if not token and request.content_type != "application/json":
        token = str(arguments.pop("token", ""))
    return arguments, token


async def _read_json(request: web.Request) -> JsonObject:
    body = await request.read()
    if not body:
        return {}
    try:
        arguments = json.loads(body)
    except ValueError:
        raise SlackError("invalid_json") from None
    if not isinstance(arguments, dict):
        raise SlackError("json_not_object")
    return arguments
