"""Receiver by the Events API: Slack's signed HTTP requests, which the entry point passes on."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from http import HTTPStatus

import structlog
from slack_sdk.signature import Clock as VerifierClock
from slack_sdk.signature import SignatureVerifier

from adapters.serialization.json_codec import read_json, replace_surrogates_deep
from adapters.slack.events import callback_event
from adapters.slack.sockets.arrival_queue import Inbox
from application.ports.clock import Clock
from application.ports.receiver import ChatEvent, Connected, Disconnected, IncomingEvent
from application.resilience.backoff import exponential_backoff
from domain.errors import ChatError, ChatRejected
from domain.json_values import Json
from domain.users import Identity

log = structlog.get_logger()

_PATIENCE_SECONDS = 2.5
"""Slack waits three seconds for an answer, and then tries again."""
_NOT_SIGNED = HTTPStatus.UNAUTHORIZED, "the request is not signed with the app's signing secret, or too old"
_NOT_READY = HTTPStatus.SERVICE_UNAVAILABLE, "not ready, try again"
_NOT_SAFE = HTTPStatus.SERVICE_UNAVAILABLE, "not safe yet, try again"
_TAKEN = HTTPStatus.OK, ""


class SlackEventsApi:
    """Receiver of what is given to `receive`.

    `identify`: who the pack is (`Chat.identify`); asked before the first arrival. `patience_seconds`: how long a
    request waits for its arrival to become safe.
    """

    def __init__(
        self,
        signing_secret: str,
        identify: Callable[[], Awaitable[Identity]],
        clock: Clock,
        patience_seconds: float = _PATIENCE_SECONDS,
    ) -> None:
        self._verifier = SignatureVerifier(signing_secret, clock=_TimeOfDay(clock))
        self._identify = identify
        self._clock = clock
        self._patience_seconds = patience_seconds
        self._own_user_id = ""
        self._inbox: Inbox | None = None
        self._unsafe: set[asyncio.Future[bool]] = set()

    @asynccontextmanager
    async def events(self) -> AsyncIterator[AsyncIterator[IncomingEvent]]:
        inbox = Inbox(self._clock)
        opening = asyncio.create_task(self._open(inbox), name="slack events api")
        try:
            yield inbox
        finally:
            self._inbox = None
            opening.cancel()
            await asyncio.wait([opening])
            for safe in self._unsafe:
                _resolve(safe, is_safe=False)

    async def receive(self, headers: Mapping[str, str], body: bytes) -> tuple[int, str]:
        """The status and text to answer to one request with these headers and this raw body.

        200 when what it tells is safe, or of no use; 401 when Slack did not sign it in the last five minutes; 503, upon
        which Slack tries again, when it is not safe in time. Never raises.
        """
        if not self._is_signed(headers, body):
            log.warning("slack_request_refused", reason="not signed, or too old", bytes=len(body))
            return _NOT_SIGNED
        content = _parsed(body)
        if isinstance(content, dict) and content.get("type") == "url_verification":
            return HTTPStatus.OK, str(content.get("challenge", ""))
        if self._inbox is None:
            return _NOT_READY
        event = callback_event(content, self._own_user_id)
        if event is None or await self._make_safe(event, self._inbox):
            return _TAKEN
        return _NOT_SAFE

    async def _open(self, inbox: Inbox) -> None:
        pauses = exponential_backoff(1.0, 30.0)
        announced = ""
        while not self._own_user_id:
            try:
                self._own_user_id = (await self._identify()).user_id
            except ChatRejected as refusal:
                await inbox.fail(refusal)
                return
            except ChatError as error:
                if str(error) != announced:
                    announced = str(error)
                    await inbox.put(Disconnected(announced))
                await self._clock.sleep(next(pauses))
        await inbox.put(Connected())
        self._inbox = inbox

    async def _make_safe(self, event: ChatEvent, inbox: Inbox) -> bool:
        safe: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        self._unsafe.add(safe)

        async def acknowledge() -> None:
            _resolve(safe, is_safe=True)

        try:
            async with asyncio.timeout(self._patience_seconds):
                await inbox.put(event, acknowledge)
                return await safe
        except TimeoutError:
            return False
        finally:
            self._unsafe.discard(safe)

    def _is_signed(self, headers: Mapping[str, str], body: bytes) -> bool:
        try:
            return self._verifier.is_valid_request(body, dict(headers))
        except Exception:  # noqa: BLE001 - the verifier raises all kinds of things for what nobody signed
            return False


class _TimeOfDay(VerifierClock):
    def __init__(self, clock: Clock) -> None:
        self._clock = clock

    def now(self) -> float:
        return self._clock.now().timestamp()


def _parsed(body: bytes) -> Json:
    try:
        return replace_surrogates_deep(read_json(body))
    except ValueError:
        return None  # a form: interactions and slash commands, which the pack has no use for


def _resolve(safe: asyncio.Future[bool], *, is_safe: bool) -> None:
    if not safe.done():
        safe.set_result(is_safe)
