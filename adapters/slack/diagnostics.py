"""Read-only diagnostics of Slack: reachability, tokens, scopes, channels and sockets."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from slack_sdk.signature import SignatureVerifier

from adapters.http.dates import server_time
from adapters.slack.errors import ApiCall, unreadable_response
from adapters.slack.schemas import parse_identity
from adapters.slack.sockets.handshake import SocketProtocol, open_socket_at
from adapters.slack.sockets.rtm import SlackRtm
from adapters.slack.sockets.socket_mode import SlackSocketMode
from adapters.slack.web_client import SlackWebClient
from application.ports.clock import Clock
from domain.channels import ChannelId
from domain.json_values import Json
from domain.users import Identity

_SCOPES = "x-oauth-scopes"


@dataclass(frozen=True, slots=True)
class TokenReport:
    """The owner and the scopes of the bot's token."""

    identity: Identity
    bot_name: str
    team_name: str
    scopes: frozenset[str] | None
    """None if Slack does not say."""


@dataclass(frozen=True, slots=True)
class ChannelReport:
    """A channel as the bot sees it."""

    name: str
    is_private: bool
    is_member: bool
    is_archived: bool


class SlackDiagnostics:
    """Queries Slack while `web` is open. Changes and posts nothing."""

    def __init__(self, web: SlackWebClient, clock: Clock) -> None:
        self._web = web
        self._clock = clock

    async def server_time(self) -> datetime | None:
        """Returns Slack's time; None if its response does not tell. Needs no token. Raises ChatError."""
        response = await self._web.call_with_headers(ApiCall("api.test"))
        return server_time(response.headers)

    async def token(self) -> TokenReport:
        """Reports on the bot's token. Raises ChatError."""
        call = ApiCall("auth.test")
        response = await self._web.call_with_headers(call)
        try:
            identity = parse_identity(response.body)
        except ValueError as error:
            raise unreadable_response(call) from error
        bot_name, team_name = (_text(response.body.get(name)) for name in ("user", "team"))
        return TokenReport(identity, bot_name, team_name, _scopes(response.headers))

    async def channel(self, channel_id: ChannelId) -> ChannelReport:
        """Reports on a channel. Raises ChatError."""
        call = ApiCall("conversations.info", channel_id)
        channel = (await self._web.call(call, {"channel": channel_id})).get("channel")
        if not isinstance(channel, dict):
            raise unreadable_response(call)
        flags = (channel.get(flag) is True for flag in ("is_private", "is_member", "is_archived"))
        return ChannelReport(_text(channel.get("name")), *flags)

    def socket_mode(self, app_token: str, identity: Identity) -> "SocketDiagnostics":
        """Returns the diagnostics of Socket Mode."""

        async def identify() -> Identity:
            return identity

        return SocketDiagnostics(SlackSocketMode(self._web, app_token, identify, self._clock), self._web, self._clock)

    def rtm(self) -> "SocketDiagnostics":
        """Returns the diagnostics of RTM."""
        return SocketDiagnostics(SlackRtm(self._web, self._clock), self._web, self._clock)


class SocketDiagnostics:
    """Opens a socket and closes it after the hello.

    Events delivered on it meanwhile are not acknowledged, so Slack redelivers them to the pack.
    """

    def __init__(self, protocol: SocketProtocol, web: SlackWebClient, clock: Clock) -> None:
        self._protocol = protocol
        self._web = web
        self._clock = clock

    async def request_url(self) -> str:
        """Returns the URL of a new socket, with a ticket in it: never show it. Raises ChatError."""
        return await self._protocol.request_url()

    async def probe(self, url: str) -> int | None:
        """Opens and closes the socket; returns the app's number of open sockets, or None if Slack does not say.

        Raises Unreachable or SocketRefused.
        """
        connection, hello = await open_socket_at(url, self._protocol, self._web)
        await connection.close()
        return hello.connections


def signed_challenge(signing_secret: str, challenge: str, clock: Clock) -> tuple[dict[str, str], bytes]:
    """Returns headers and body of a request to verify an app's Request URL, which responds with the challenge."""
    body = json.dumps({"type": "url_verification", "challenge": challenge}).encode()
    timestamp = str(int(clock.now().timestamp()))
    signature = SignatureVerifier(signing_secret).generate_signature(timestamp=timestamp, body=body)
    return {
        "Content-Type": "application/json",
        "X-Slack-Request-Timestamp": timestamp,
        "X-Slack-Signature": str(signature),
    }, body


def _scopes(headers: Mapping[str, str]) -> frozenset[str] | None:
    listed = headers.get(_SCOPES)
    return None if listed is None else frozenset(filter(None, (scope.strip() for scope in listed.split(","))))


def _text(value: Json) -> str:
    return value if isinstance(value, str) else ""
