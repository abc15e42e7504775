"""A client of Slack's Web API and sockets. It sends each request once, without retries."""

import logging
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from http import HTTPStatus
from typing import TypeVar

from aiohttp import ClientSession, ClientWebSocketResponse, ClientWSTimeout, TraceConfig, WSServerHandshakeError
from slack_sdk.web.async_client import AsyncWebClient
from yarl import URL

from adapters.http.errors import describe
from adapters.http.peer_clock import PeerClock
from adapters.http.session import Redirected, open_session, proxy_for
from adapters.serialization.json_codec import replace_surrogates, replace_surrogates_deep, write_json
from adapters.slack.errors import ApiCall, chat_error, rejection, unreadable_response
from adapters.slack.response import SlackResponse
from adapters.system_clock import SYSTEM_CLOCK
from application.ports.clock import Clock
from domain.errors import Unreachable
from domain.json_values import Json, JsonObject

_SDK_LOGGER = "adapters.slack.sdk"
"""A separate logger for the SDK, which logs responses, socket URLs and their tickets at DEBUG."""
MAX_FRAME_BYTES = 4 * 1024 * 1024
"""The limit of one frame on a socket. Slack's own frames have less than 1 MiB."""
_CLOSE_TIMEOUT_SECONDS = 2.0
_JSON_METHODS = (
    *("chat.postMessage", "chat.postEphemeral", "chat.scheduleMessage", "chat.update"),
    *("views.open", "views.publish", "views.update"),
)
"""Methods with structured arguments. All methods accept forms, and few of those that read accept JSON."""

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class WebResponse:
    """A successful response."""

    body: JsonObject
    headers: Mapping[str, str]
    """Case-insensitive."""


@dataclass(frozen=True, slots=True)
class SentResponse:
    """The response of an address besides the Web API."""

    status: int
    headers: Mapping[str, str]
    """Case-insensitive."""
    text: str

    @property
    def is_success(self) -> bool:
        """Whether the status is 2xx."""
        return HTTPStatus.OK <= self.status < HTTPStatus.MULTIPLE_CHOICES


class SlackWebClient:
    """A client of one Slack, usable within `open`."""

    def __init__(
        self,
        api_url: str,
        token: str,
        timeout_seconds: float = 10.0,
        clock: Clock = SYSTEM_CLOCK,
        trace_configs: Sequence[TraceConfig] = (),
    ) -> None:
        """`trace_configs` observe and may mark each request."""
        self.api_url = api_url if api_url.endswith("/") else f"{api_url}/"
        self._token = token
        self.timeout_seconds = timeout_seconds
        """The timeout of one request in all."""
        self._peer_clock = PeerClock(clock)
        self._trace_configs = trace_configs
        self._session: ClientSession | None = None
        self._client: AsyncWebClient | None = None

    @asynccontextmanager
    async def open(self) -> AsyncIterator[None]:
        """Holds the HTTP session of all requests and sockets."""
        async with open_session(
            timeout_seconds=self.timeout_seconds,
            trace_configs=self._trace_configs,
            peer_clock=self._peer_clock,
            response_class=SlackResponse,
        ) as session:
            self._session, self._client = session, self._new_client(session)
            try:
                yield
            finally:
                self._session = self._client = None

    def now(self) -> datetime:
        """Returns the time by Slack's clock; by `clock` until the first response."""
        return self._peer_clock.now()

    async def call(
        self, call: ApiCall, arguments: Mapping[str, Json] | None = None, token: str | None = None
    ) -> JsonObject:
        """Returns the body of a successful response. Raises ChatError.

        `token` replaces the bot's token.
        """
        return (await self.call_with_headers(call, arguments, token)).body

    async def read(self, call: ApiCall, arguments: Mapping[str, Json], parse: Callable[[JsonObject], T]) -> T:
        """Like `call`, but returns what `parse` makes of the body; its ValueError means an unreadable response."""
        response = await self.call(call, arguments)
        try:
            return parse(response)
        except ValueError as error:
            raise unreadable_response(call) from error

    async def call_with_headers(
        self, call: ApiCall, arguments: Mapping[str, Json] | None = None, token: str | None = None
    ) -> WebResponse:
        """Like `call`, but also returns the headers."""
        if self._client is None:
            raise Unreachable("not_open", "the connection to Slack is not open")
        json, form = encode_arguments(call.method, arguments or {})
        try:
            response = await self._client.api_call(
                call.method,
                json=json,
                data=form,
                headers={"Authorization": f"Bearer {token}"} if token else None,
            )
        except Exception as error:
            # The SDK raises exceptions of many kinds, whatever a server sends: none of them may end the pack.
            raise chat_error(error, call, self.now()) from error
        body = replace_surrogates_deep(response.data) if isinstance(response.data, dict) else None
        if not isinstance(body, dict):
            raise unreadable_response(call)
        return WebResponse(body, response.headers)

    async def send(
        self, url: URL, call: ApiCall, *, message: JsonObject | None = None, content: bytes = b""
    ) -> SentResponse:
        """Posts a message as JSON, or content, to another address than the Web API's, without a token.

        Returns any response. Raises ChatError, also for a redirect.
        """
        if self._session is None:
            raise Unreachable("not_open", "the connection to Slack is not open")
        body, kind = (content, "octet-stream") if message is None else (write_json(message), "json")
        headers = {"Content-Type": f"application/{kind}"}
        try:
            async with self._session.post(url, data=body, headers=headers, proxy=proxy_for(str(url))) as response:
                return SentResponse(response.status, response.headers, replace_surrogates(await response.text()))
        # `from None`: the errors contain the URL.
        except Redirected:
            raise rejection("redirected", call) from None
        except Exception as error:  # noqa: BLE001 - of several libraries
            raise chat_error(error, call, self.now()) from None

    async def connect(self, socket_url: str) -> ClientWebSocketResponse:
        """Opens the WebSocket at a URL from Slack. The caller answers pings. Raises Unreachable."""
        if self._session is None:
            raise Unreachable("not_open", "the connection to Slack is not open")
        try:
            return await self._session.ws_connect(
                socket_url,
                autoping=False,
                timeout=ClientWSTimeout(ws_close=_CLOSE_TIMEOUT_SECONDS),
                max_msg_size=MAX_FRAME_BYTES,
                proxy=proxy_for(socket_url),
            )
        # `from None`: the errors contain the URL, and with it the ticket.
        except WSServerHandshakeError as error:
            raise Unreachable("no_socket", f"Slack refused to open a socket (HTTP {error.status})") from None
        except Exception as error:  # noqa: BLE001 - of several libraries, and the URL is foreign
            raise Unreachable("no_socket", f"no socket could be opened: {describe(error)}") from None

    def _new_client(self, session: ClientSession) -> AsyncWebClient:
        logger = logging.getLogger(_SDK_LOGGER)
        logger.setLevel(logging.WARNING)
        client = AsyncWebClient(
            token=self._token,
            base_url=self.api_url,
            session=session,
            logger=logger,
            retry_handlers=[],  # the SDK's own ones would repeat a post after a lost response
        )
        client.proxy = proxy_for(self.api_url)  # the SDK's own choice ignores NO_PROXY
        return client


def encode_arguments(method: str, arguments: Mapping[str, Json]) -> tuple[JsonObject | None, dict[str, str] | None]:
    """Returns the arguments of a call as JSON or as the fields of a form, whichever the method gets."""
    if method in _JSON_METHODS:
        return dict(arguments), None
    return None, {name: _to_text(value) for name, value in arguments.items() if value is not None}


def _to_text(value: Json) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, list) and all(isinstance(item, str) for item in value):
        return ",".join(map(str, value))  # ids, for example
    return write_json(value).decode()
