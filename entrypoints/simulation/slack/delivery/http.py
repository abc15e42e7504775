"""Events API by HTTP: signed requests to the app's own address, answered within the deadline or tried again."""

import asyncio
import hashlib
import hmac
import json
import secrets
import time
from typing import Final

import aiohttp

from entrypoints.simulation.slack.delivery.queue import DeliveryQueue, PendingDelivery
from entrypoints.simulation.slack.event_log import SlackLog
from entrypoints.simulation.slack.models import JsonObject

MAX_CONCURRENT_REQUESTS: Final = 50
"""How many requests are under way at once."""
NO_RETRY_HEADER: Final = "x-slack-no-retry"


class HttpDelivery:
    """The way to the app by HTTP; it is there from `open` to `close`."""

    def __init__(self, deliveries: DeliveryQueue, log: SlackLog, signing_secret: str, deadline_seconds: float) -> None:
        self._deliveries = deliveries
        self._log = log
        self._signing_secret = signing_secret
        self._timeout = aiohttp.ClientTimeout(total=deadline_seconds)
        self._url = ""
        self._queue: asyncio.Queue[PendingDelivery] = asyncio.Queue()
        self._session: aiohttp.ClientSession | None = None
        self._worker: asyncio.Task[None] | None = None

    async def open(self, url: str, *, verify: bool) -> None:
        """Deliver to this address; with `verify` it has to answer a challenge first. Raises ConnectionError."""
        await self.close()
        self._url = url
        session = self._session = aiohttp.ClientSession(timeout=self._timeout)
        if verify:
            await self._challenge(session)
        self._worker = asyncio.create_task(self._deliver_all(session), name="the simulated Slack delivers by HTTP")

    async def close(self) -> None:
        """Stop delivering; requests under way are broken off."""
        if self._worker is not None:
            self._worker.cancel()
            await asyncio.wait({self._worker})
        if self._session is not None:
            await self._session.close()
        self._worker = self._session = None

    def send(self, delivery: PendingDelivery) -> bool:
        """Send an event to the app's address, after those before it."""
        if self._worker is None:
            return False
        self._queue.put_nowait(delivery)
        return True

    async def _challenge(self, session: aiohttp.ClientSession) -> None:
        challenge = secrets.token_urlsafe(24)
        body = {"token": "simulation", "type": "url_verification", "challenge": challenge}
        try:
            async with self._post(session, body, {}) as answer:
                text = await answer.text()
        except (aiohttp.ClientError, TimeoutError) as error:
            await self.close()
            raise ConnectionError(f"the app does not answer: {type(error).__name__}") from error
        if answer.status != 200 or _read_challenge(text) != challenge:  # noqa: PLR2004 - HTTP's OK
            await self.close()
            raise ConnectionError(f"the app answers the challenge with status {answer.status}, and not with its value")

    async def _deliver_all(self, session: aiohttp.ClientSession) -> None:
        async with asyncio.TaskGroup() as tasks:
            for number in range(MAX_CONCURRENT_REQUESTS):
                tasks.create_task(self._deliver_next(session), name=f"the simulated Slack's HTTP worker {number}")

    async def _deliver_next(self, session: aiohttp.ClientSession) -> None:
        while True:
            delivery = await self._queue.get()
            if delivery.event_id in self._deliveries.unacknowledged:
                await self._deliver(session, delivery)

    async def _deliver(self, session: aiohttp.ClientSession, delivery: PendingDelivery) -> None:
        retry = {"X-Slack-Retry-Num": str(delivery.attempt), "X-Slack-Retry-Reason": delivery.reason}
        reason, may_retry = "", True
        try:
            async with self._post(session, delivery.body, retry if delivery.attempt else {}) as answer:
                await answer.read()
            if not 200 <= answer.status < 300:  # noqa: PLR2004 - HTTP's successes
                reason, may_retry = "http_error", answer.headers.get(NO_RETRY_HEADER) != "1"
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
        self, session: aiohttp.ClientSession, body: JsonObject, headers: dict[str, str]
    ) -> "aiohttp.client._RequestContextManager":
        data = json.dumps(body).encode()
        signed = signed_headers(self._signing_secret, data, int(time.time()))
        content = {"Content-Type": "application/json", "User-Agent": "Slackbot 1.0 (simulated)"}
        return session.post(self._url, data=data, headers={**content, **signed, **headers}, allow_redirects=False)


def signed_headers(signing_secret: str, body: bytes, timestamp: int) -> dict[str, str]:
    """Sign a request to the app as Slack does: the headers with the time and the signature."""
    signed = f"v0:{timestamp}:".encode() + body
    digest = hmac.new(signing_secret.encode(), signed, hashlib.sha256).hexdigest()
    return {"X-Slack-Request-Timestamp": str(timestamp), "X-Slack-Signature": f"v0={digest}"}


def _read_challenge(text: str) -> str:
    """Read the challenge in any of the forms in which Slack takes it: plain, as a form field, or in JSON."""
    try:
        answer = json.loads(text)
    except ValueError:
        return text.strip().removeprefix("challenge=")
    return str(answer.get("challenge")) if isinstance(answer, dict) else text.strip()
