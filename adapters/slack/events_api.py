"""Receives events by the Events API: Slack's signed HTTP requests, which the HTTP server passes on."""

import asyncio
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from datetime import datetime
from http import HTTPStatus

import structlog
from slack_sdk.signature import Clock as VerifierClock
from slack_sdk.signature import SignatureVerifier

from adapters.serialization.json_codec import read_json, replace_surrogates_deep
from adapters.slack.events import parse_callback
from adapters.slack.sockets.arrival_queue import EventQueue
from application.ports.clock import Clock
from application.ports.receiver import ChatEvent, Connected, Disconnected, IncomingEvent
from application.resilience.backoff import exponential_backoff
from domain.errors import ChatError, ChatRejected
from domain.json_values import Json
from domain.users import Identity

log = structlog.get_logger()

_ACK_TIMEOUT_SECONDS = 2.5
"""Slack waits three seconds for a response, and then retries."""
_SIGNATURE = re.compile("v0=[0-9a-f]{64}")
_MAX_AGE_SECONDS = 300
"""Slack's rule against replays, which the verifier applies too."""
_UNSIGNED = HTTPStatus.UNAUTHORIZED, "the request is not signed with the app's signing secret, or too old"
_NOT_READY = HTTPStatus.SERVICE_UNAVAILABLE, "not ready, try again"
_NOT_STORED = HTTPStatus.SERVICE_UNAVAILABLE, "not stored yet, try again"
_ACCEPTED = HTTPStatus.OK, ""


class SlackEventsApi:
    """Receiver of the events in the requests passed to `handle_request`.

    `identify` (`Chat.identify`) is awaited before the first event. A request waits up to `ack_timeout_seconds` for its
    event to be acknowledged. Signatures expire by `slack_now`, Slack's time (default: `clock`).
    """

    def __init__(
        self,
        signing_secret: str,
        identify: Callable[[], Awaitable[Identity]],
        clock: Clock,
        ack_timeout_seconds: float = _ACK_TIMEOUT_SECONDS,
        slack_now: Callable[[], datetime] | None = None,
    ) -> None:
        self._verifier = SignatureVerifier(signing_secret, clock=_VerifierClock(slack_now or clock.now))
        self._identify = identify
        self._clock = clock
        self._ack_timeout_seconds = ack_timeout_seconds
        self._own = Identity("", "")
        self._queue: EventQueue | None = None
        self._pending: set[asyncio.Future[bool]] = set()

    @asynccontextmanager
    async def events(self) -> AsyncIterator[AsyncIterator[IncomingEvent]]:
        queue = EventQueue(self._clock)
        opening = asyncio.create_task(self._open(queue), name="slack events api")
        try:
            yield queue
        finally:
            self._queue = None
            opening.cancel()
            await asyncio.wait([opening])
            for acknowledged in self._pending:
                _resolve(acknowledged, is_acknowledged=False)

    @property
    def is_receiving(self) -> bool:
        """Whether requests are answered; before that they get 503."""
        return self._queue is not None

    def refuse(self, headers: Mapping[str, str]) -> tuple[int, str] | None:
        """Returns the status and text of the response to a request that can't be Slack's, whatever its body says.

        None if only the body can tell: `handle_request` then does.
        """
        if self._may_be_signed({name.lower(): value for name, value in headers.items()}):
            return None
        log.warning("slack_request_refused", reason="not signed, or too old")
        return _UNSIGNED

    async def handle_request(self, headers: Mapping[str, str], body: bytes) -> tuple[int, str]:
        """Returns the status and text of the response to a request. Never raises.

        200: the event is acknowledged, or the pack has no use for it. 401: the request was not signed by Slack within
        the last five minutes. 503: the event was not acknowledged in time; Slack retries.
        """
        if not self._is_signed(headers, body):
            log.warning("slack_request_refused", reason="the signature does not match, or is too old", bytes=len(body))
            return _UNSIGNED
        content = _parse(body)
        if isinstance(content, dict) and content.get("type") == "url_verification":
            return HTTPStatus.OK, str(content.get("challenge", ""))
        if self._queue is None:
            return _NOT_READY
        event = parse_callback(content, self._own)
        if event is None or await self._wait_for_ack(event, self._queue):
            return _ACCEPTED
        return _NOT_STORED

    async def _open(self, queue: EventQueue) -> None:
        delays = exponential_backoff(1.0, 30.0)
        reported = ""
        while not self._own.user_id:
            try:
                self._own = await self._identify()
            except ChatRejected as refusal:
                await queue.fail(refusal)
                return
            except ChatError as error:
                if str(error) != reported:
                    reported = str(error)
                    await queue.put(Disconnected(reported))
                await asyncio.sleep(next(delays))
        await queue.put(Connected())
        self._queue = queue

    async def _wait_for_ack(self, event: ChatEvent, queue: EventQueue) -> bool:
        acknowledged: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        self._pending.add(acknowledged)

        async def acknowledge() -> None:
            _resolve(acknowledged, is_acknowledged=True)

        try:
            async with asyncio.timeout(self._ack_timeout_seconds):
                await queue.put(event, acknowledge)
                return await acknowledged
        except TimeoutError:
            return False
        finally:
            self._pending.discard(acknowledged)

    def _may_be_signed(self, headers: Mapping[str, str]) -> bool:
        if not _SIGNATURE.fullmatch(headers.get("x-slack-signature", "")):
            return False
        try:
            age_seconds = self._verifier.clock.now() - int(headers.get("x-slack-request-timestamp", ""))
        except ValueError:
            return False
        return abs(age_seconds) <= _MAX_AGE_SECONDS

    def _is_signed(self, headers: Mapping[str, str], body: bytes) -> bool:
        try:
            return self._verifier.is_valid_request(body, dict(headers))
        except Exception:  # noqa: BLE001 - the verifier raises various exceptions for malformed headers
            return False


class _VerifierClock(VerifierClock):
    def __init__(self, now: Callable[[], datetime]) -> None:
        self._now = now

    def now(self) -> float:
        return self._now().timestamp()


def _parse(body: bytes) -> Json:
    try:
        return replace_surrogates_deep(read_json(body))
    except ValueError:
        return None  # a form: interactions and slash commands, which the pack does not use


def _resolve(acknowledged: asyncio.Future[bool], *, is_acknowledged: bool) -> None:
    if not acknowledged.done():
        acknowledged.set_result(is_acknowledged)
