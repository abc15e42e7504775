"""Receives events by the Events API: Slack's signed HTTP requests, which the HTTP server passes on."""

import asyncio
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from http import HTTPStatus
from urllib.parse import parse_qsl

import structlog
from slack_sdk.signature import Clock as VerifierClock
from slack_sdk.signature import SignatureVerifier

from adapters.serialization.json_codec import read_json, replace_surrogates_deep
from adapters.slack.events import NOTHING_OPTIONAL, EventSelection, parse_callback
from adapters.slack.interactions import Delivery, InteractionParser
from adapters.slack.sockets.arrival_queue import EventQueue
from application.ports.clock import Clock
from application.ports.receiver import ChatEvent, Connected, Disconnected, IncomingEvent, is_interaction
from application.resilience.backoff import exponential_backoff
from domain.errors import ChatError, ChatRejected
from domain.json_values import Json, JsonObject
from domain.users import Identity

log = structlog.get_logger()

_ACK_TIMEOUT_SECONDS = 2.5
"""Slack waits three seconds for a response, and then retries."""
_INTERACTION_GRACE_SECONDS = 0.25
"""An interaction that is stored at the last moment must not be reported to its user as failed."""
_MAX_FORM_FIELDS = 100
_SIGNATURE = re.compile("v0=[0-9a-f]{64}")
_MAX_AGE_SECONDS = 300
"""Slack's rule against replays, which the verifier applies too."""
_UNSIGNED = HTTPStatus.UNAUTHORIZED, "the request is not signed with the app's signing secret, or too old"
_NOT_READY = HTTPStatus.SERVICE_UNAVAILABLE, "not ready, try again"
_NOT_STORED = HTTPStatus.SERVICE_UNAVAILABLE, "not stored yet, try again"


class SlackEventsApi:
    """Receiver of the events in the requests passed to `handle_request`.

    `identify` (`Chat.identify`) is awaited before the first event. A request waits up to `ack_timeout_seconds` for its
    event to be acknowledged. Signatures expire by `slack_now`, Slack's time (default: `clock`). `selection` names the
    optional events; `command_reply` is shown to the users of slash commands.
    """

    def __init__(
        self,
        signing_secret: str,
        identify: Callable[[], Awaitable[Identity]],
        clock: Clock,
        ack_timeout_seconds: float = _ACK_TIMEOUT_SECONDS,
        slack_now: Callable[[], datetime] | None = None,
        selection: EventSelection = NOTHING_OPTIONAL,
        command_reply: str = "",
    ) -> None:
        self._verifier = SignatureVerifier(signing_secret, clock=_VerifierClock(slack_now or clock.now))
        self._identify = identify
        self._clock = clock
        self._ack_timeout_seconds = ack_timeout_seconds
        self._selection = selection
        self._interactions = InteractionParser(command_reply)
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

    async def handle_request(self, headers: Mapping[str, str], body: bytes) -> tuple[int, str | JsonObject]:
        """Returns the status and content of the response to a request: events, or a form with an interaction.

        Never raises. 200: the event is acknowledged, or the pack has no use for it. 401: the request was not signed by
        Slack within the last five minutes. 503: the event was not acknowledged in time; Slack repeats events, and
        shows the user of an interaction an error.
        """
        if not self._is_signed(headers, body):
            log.warning("slack_request_refused", reason="the signature does not match, or is too old", bytes=len(body))
            return _UNSIGNED
        content = _parse_json(body)
        if isinstance(content, dict) and content.get("type") == "url_verification":
            return HTTPStatus.OK, str(content.get("challenge", ""))
        if self._queue is None:
            return _NOT_READY
        form = {} if content is not None else _parse_form(body)
        delivery = self._parse_form(form) if form else Delivery(parse_callback(content, self._own, self._selection))
        if delivery.events and not await self._wait_for_ack(delivery.events, self._queue):
            return _NOT_STORED
        return HTTPStatus.OK, delivery.response or ""

    def _parse_form(self, form: JsonObject) -> Delivery:
        payload = form.get("payload")
        if payload is None:
            return self._interactions.parse_command(form, self._own)
        return self._interactions.parse(_parse_json(str(payload).encode()), self._own)

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
                    await queue.put([Disconnected(reported)])
                await asyncio.sleep(next(delays))
            except Exception as error:  # noqa: BLE001 - raised to the consumer
                await queue.fail(error)
                return
        await queue.put([Connected()])
        self._queue = queue

    async def _wait_for_ack(self, events: Sequence[ChatEvent], queue: EventQueue) -> bool:
        grace_seconds = _INTERACTION_GRACE_SECONDS if any(map(is_interaction, events)) else 0.0
        acknowledged: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        self._pending.add(acknowledged)

        async def acknowledge() -> None:
            _resolve(acknowledged, is_acknowledged=True)

        try:
            async with asyncio.timeout(self._ack_timeout_seconds + grace_seconds):
                await queue.put(events, acknowledge)
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
        except (ValueError, OverflowError):  # the latter for hundreds of digits
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


def _parse_json(body: bytes) -> Json:
    try:
        return replace_surrogates_deep(read_json(body))
    except ValueError:
        return None


def _parse_form(body: bytes) -> JsonObject:
    """Returns the fields of a form; none if there are too many."""
    try:
        return dict(parse_qsl(body.decode("utf-8", "replace"), keep_blank_values=True, max_num_fields=_MAX_FORM_FIELDS))
    except ValueError:
        return {}


def _resolve(acknowledged: asyncio.Future[bool], *, is_acknowledged: bool) -> None:
    if not acknowledged.done():
        acknowledged.set_result(is_acknowledged)
