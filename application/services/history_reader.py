"""Reads periods of the history of channels, within the rate limits of the chat service."""

from collections.abc import Awaitable, Callable
from functools import partial

import structlog

from application.ports.chat import Chat, Page
from application.resilience.backoff import exponential_backoff
from application.resilience.shutdown import Shutdown
from application.services.pauses import Pauses
from application.services.request_pacer import RequestPacer
from domain.channels import ChannelId
from domain.errors import RateLimited, Unreachable
from domain.messages import IncomingMessage

log = structlog.get_logger()

REQUESTS_PER_MINUTE = 40
"""The rate of each method: below the 50 that a chat service allows, since searching for posts needs some as well."""
_BURST = 20
"""Requests that may run ahead of that rate."""
_ATTEMPTS = 3
"""Attempts of one request while the service is unreachable; after that the whole period is read again later."""


class HistoryReader:
    """Reads one page after another; all readings share the limits."""

    def __init__(
        self, chat: Chat, pauses: Pauses, shutdown: Shutdown, *, requests_per_minute: float = REQUESTS_PER_MINUTE
    ) -> None:
        self._chat = chat
        self._pauses = pauses
        self._shutdown = shutdown
        self._pacers = {
            method: RequestPacer(requests_per_minute, _BURST, shutdown) for method in ("history", "replies")
        }

    async def read(self, channel_id: ChannelId, after: str, until: str) -> list[IncomingMessage]:
        """Returns the channel's messages between the timestamps, and those of threads that began then, in order.

        Waits as long as the service asks for. Raises ChatRejected, Unreachable, and ShutdownRequested.
        """
        history = partial(self._chat.history, channel_id, after, until)
        messages, threads = await self._pages("history", history)
        for thread in threads:
            replies = partial(self._chat.replies, channel_id, thread, after, until)
            messages += (await self._pages("replies", replies))[0]
        return sorted({message.timestamp: message for message in messages}.values(), key=lambda found: found.timestamp)

    async def _pages(
        self, method: str, fetch: Callable[[str], Awaitable[Page]]
    ) -> tuple[list[IncomingMessage], list[str]]:
        messages: list[IncomingMessage] = []
        threads: list[str] = []
        cursor, cursors_seen = "", set[str]()
        while cursor not in cursors_seen:
            cursors_seen.add(cursor)
            page = await self._page(method, partial(fetch, cursor))
            messages += page.messages
            threads += page.threads
            cursor = page.next_cursor
            if not cursor:
                return messages, threads
        raise Unreachable("endless_pages", f"the pages of {method} have no end")

    async def _page(self, method: str, fetch: Callable[[], Awaitable[Page]]) -> Page:
        pauses = exponential_backoff(1, 30)
        failures = 0
        while True:
            await self._wait_for_turn(method)
            try:
                return await fetch()
            except RateLimited as limit:
                await self._pauses.begin_method(method, limit.retry_after_seconds)
            except Unreachable:
                failures += 1
                if failures == _ATTEMPTS:
                    raise
                await self._shutdown.sleep(next(pauses))

    async def _wait_for_turn(self, method: str) -> None:
        pacer = self._pacers[method]
        await pacer.wait()
        if await self._pauses.wait(method):
            pacer.end_burst()
