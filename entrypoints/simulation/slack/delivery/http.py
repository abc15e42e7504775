"""The Events API by HTTP: signed requests to the app's address, answered before a deadline or retried."""

import asyncio
import hashlib
import hmac
import json
import secrets
from collections.abc import Callable
from http import HTTPStatus
from typing import Final
from urllib.parse import urlencode

import aiohttp

from entrypoints.simulation.slack.delivery.interaction import Interaction
from entrypoints.simulation.slack.delivery.queue import DeliveryQueue, PendingDelivery
from entrypoints.simulation.slack.event_log import SlackLog
from entrypoints.simulation.slack.models import JsonObject

MAX_CONCURRENT_REQUESTS: Final = 50
NO_RETRY_HEADER: Final = "x-slack-no-retry"
_JSON: Final = "application/json"
_FORM: Final = "application/x-www-form-urlencoded"


class HttpDelivery:
    """Delivers events by HTTP, from `open` to `close`."""

    def __init__(
        self,
        deliveries: DeliveryQueue,
        log: SlackLog,
        signing_secret: str,
        deadline_seconds: float,
        now: Callable[[], float],
    ) -> None:
        self._deliveries = deliveries
        self._log = log
        self._signing_secret = signing_secret
        self._now = now
        self._timeout = aiohttp.ClientTimeout(total=deadline_seconds)
        self._url = ""
        self._queue: asyncio.Queue[PendingDelivery] = asyncio.Queue()
        self._session: aiohttp.ClientSession | None = None
        self._workers: list[asyncio.Task[None]] = []
        self._interactions: set[asyncio.Task[None]] = set()

    async def open(self, url: str, *, verify: bool) -> None:
        """Delivers to this address, which with `verify` has to answer a challenge. Raises ConnectionError."""
        await self.close()
        self._url = url
        session = self._session = aiohttp.ClientSession(timeout=self._timeout)
        if verify:
            await self._challenge(session)
        self._workers = [
            asyncio.create_task(self._deliver_all(session), name=f"HTTP delivery {number} of the simulated Slack")
            for number in range(MAX_CONCURRENT_REQUESTS)
        ]

    @property
    def is_open(self) -> bool:
        """Implements Transport."""
        return bool(self._workers)

    async def close(self) -> None:
        """Stops to deliver, and cancels requests in progress."""
        tasks = [*self._workers, *self._interactions]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        if self._session is not None:
            await self._session.close()
        self._workers, self._session = [], None

    def send(self, delivery: PendingDelivery) -> bool:
        """Implements Transport."""
        if not self._workers:
            return False
        self._queue.put_nowait(delivery)
        return True

    def send_interaction(self, interaction: Interaction) -> bool:
        """Implements Transport."""
        if not self._workers or self._session is None:
            return False
        task = asyncio.create_task(self._interact(self._session, interaction), name="interaction with the app")
        self._interactions.add(task)
        task.add_done_callback(self._interactions.discard)
        return True

    async def _interact(self, session: aiohttp.ClientSession, interaction: Interaction) -> None:
        is_command = interaction.envelope_type == "slash_commands"
        fields = interaction.payload if is_command else {"payload": json.dumps(interaction.payload)}
        try:
            async with self._post(session, urlencode(fields).encode(), {}, content_type=_FORM) as response:
                text = await response.text()
        except (aiohttp.ClientError, TimeoutError) as error:
            interaction.fail("timeout" if isinstance(error, TimeoutError) else "connection failed")
            return
        if HTTPStatus.OK <= response.status < HTTPStatus.MULTIPLE_CHOICES:
            interaction.acknowledge(_read_response(text))
        else:
            interaction.fail(f"status {response.status}")

    async def _challenge(self, session: aiohttp.ClientSession) -> None:
        challenge = secrets.token_urlsafe(24)
        body = {"token": "simulation", "type": "url_verification", "challenge": challenge}
        try:
            async with self._post(session, json.dumps(body).encode(), {}) as response:
                text = await response.text()
        except (aiohttp.ClientError, TimeoutError) as error:
            await self.close()
            raise ConnectionError(f"the app does not respond: {type(error).__name__}") from error
        if response.status != HTTPStatus.OK or _read_challenge(text) != challenge:
            await self.close()
            raise ConnectionError(f"the app responds to the challenge with status {response.status} and another value")

    async def _deliver_all(self, session: aiohttp.ClientSession) -> None:
        while True:
            delivery = await self._queue.get()
            if delivery.event_id in self._deliveries.unacknowledged:
                await self._deliver(session, delivery)

    async def _deliver(self, session: aiohttp.ClientSession, delivery: PendingDelivery) -> None:
        retry = {"X-Slack-Retry-Num": str(delivery.attempt), "X-Slack-Retry-Reason": delivery.reason}
        reason, may_retry = "", True
        try:
            data = json.dumps(delivery.body).encode()
            async with self._post(session, data, retry if delivery.attempt else {}) as response:
                await response.read()
            if not HTTPStatus.OK <= response.status < HTTPStatus.MULTIPLE_CHOICES:
                reason, may_retry = "http_error", response.headers.get(NO_RETRY_HEADER) != "1"
        except TimeoutError:
            reason = "http_timeout"
        except aiohttp.ClientError:
            reason = "connection_failed"
        if reason:
            self._log.count("http_failures")
            self._deliveries.fail(delivery, reason, may_retry=may_retry)
        else:
            self._deliveries.acknowledge(delivery)

    def _post(
        self, session: aiohttp.ClientSession, data: bytes, headers: dict[str, str], *, content_type: str = _JSON
    ) -> "aiohttp.client._RequestContextManager":
        signed = signed_headers(self._signing_secret, data, int(self._now()))
        content = {"Content-Type": content_type, "User-Agent": "Slackbot 1.0 (simulated)"}
        return session.post(self._url, data=data, headers={**content, **signed, **headers}, allow_redirects=False)


def signed_headers(signing_secret: str, body: bytes, timestamp: int) -> dict[str, str]:
    """Returns the headers with which Slack signs a request: its time and its signature."""
    signed = f"v0:{timestamp}:".encode() + body
    digest = hmac.new(signing_secret.encode(), signed, hashlib.sha256).hexdigest()
    return {"X-Slack-Request-Timestamp": str(timestamp), "X-Slack-Signature": f"v0={digest}"}


def _read_challenge(text: str) -> str:
    """Reads the challenge in any form that Slack accepts: plain text, a form field, or JSON."""
    try:
        answer = json.loads(text)
    except ValueError:
        return text.strip().removeprefix("challenge=")
    return str(answer.get("challenge")) if isinstance(answer, dict) else text.strip()


def _read_response(text: str) -> JsonObject | str | None:
    """Returns the message in the body of an acknowledgement; None without one."""
    try:
        content = json.loads(text) if text else None
    except ValueError:
        return text
    return content if isinstance(content, dict) else text or None
