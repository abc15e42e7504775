"""Looks events and actions up in Flyte's audit: an expensive query for a large Flyte, for use in doubt only."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from http import HTTPStatus
from typing import TypeAlias

import structlog
from yarl import URL

from adapters.flyte import errors
from adapters.flyte.audit_schemas import AuditedAction
from adapters.flyte.body_readers import AuditBody
from adapters.flyte.http_client import FlyteHttpClient
from adapters.serialization.event_payloads import event_name, event_payload
from adapters.serialization.timestamps import parse_ts
from application.catalog.events import EVENTS_BY_NAME
from domain.errors import WorkflowServerError
from domain.events import ReceivedEvent, ReceivedMessage
from domain.interactions import BlockAction, MessageChange, Reaction
from domain.json_values import Json
from domain.messages import IncomingMessage, incoming_key
from domain.outbox import InboundEvent, OutboxEntry
from domain.users import User

log = structlog.get_logger()

_PAGE_SIZE = 200
_MAX_PAGES = 3
"""Few and long pages, since Flyte scans all its actions for each."""
_MAX_PAGES_SINCE = 50
"""The limit for queries with a start time: a busy Flyte makes a thousand runs a minute."""
_MIN_PAGE_SIZE = 20
_MAX_QUERIES_PER_PAGE = 4
"""The number of queries for a page that is too large to be read at once."""

_TRANSIENT_STATUSES = (
    HTTPStatus.TOO_MANY_REQUESTS,
    HTTPStatus.INTERNAL_SERVER_ERROR,
    HTTPStatus.BAD_GATEWAY,
    HTTPStatus.SERVICE_UNAVAILABLE,
)
"""Statuses of failures that may pass. Not 504: a query that took too long would do so again."""

_CLOCK_SKEW = timedelta(hours=1)
"""How much further the pack's clock may have been ahead of Flyte's at an earlier time than it is now."""


_Identity: TypeAlias = tuple[str, ...]
"""The name of an event, and the values that identify it."""


class AuditUnavailable(Exception):
    """Flyte has no audit, denies access to it, or takes too long."""


class FlyteAudit:
    """Flyte's record of flow runs."""

    def __init__(self, client: FlyteHttpClient, link: URL | None, pack_name: str) -> None:
        self._client = client
        self._link = link
        self._pack_name = pack_name

    async def state_of(self, action_id: str, taken_at: datetime | None = None) -> str:
        """Returns the state of one of the pack's actions; empty if it is not in the audit. Raises AuditUnavailable.

        Searches the newest runs, or those since the action was taken, by the pack's clock.
        """
        states: list[str] = []

        def visit(action: AuditedAction) -> None:
            if action.id == action_id:
                states.append(action.state.value)

        since = self._by_server_clock(taken_at) if taken_at else None
        await self._search(visit, lambda: bool(states), since=since, actionPackName=self._pack_name)
        return states[0] if states else ""

    async def open_actions(
        self, labels: Mapping[str, str], since: datetime, new_since: datetime
    ) -> list[AuditedAction]:
        """Returns the pack's actions without a result: those taken since a time (`PENDING`), and those `NEW`.

        Of the latter, those on the same pages that were created since `new_since`. Raises AuditUnavailable.
        """
        found: list[AuditedAction] = []
        earliest = {"PENDING": since, "NEW": new_since}

        def visit(action: AuditedAction) -> None:
            start = earliest.get(action.state.value)
            is_ours = action.pack_name == self._pack_name and action.pack_labels.items() <= labels.items()
            if start is not None and is_ours and (action.state.time is None or action.state.time >= start):
                found.append(action)

        await self._search(visit, since=since, actionPackName=self._pack_name)
        return found

    async def find_published(self, entries: Sequence[OutboxEntry]) -> set[str]:
        """Returns the keys of the entries whose event triggered an action. Raises AuditUnavailable.

        Searches runs with actions for this pack first, and then all runs, for flows that only use its events.
        """
        wanted = {_identity_of(entry): entry for entry in entries}
        if not wanted:
            return set()
        since = self._by_server_clock(min(map(_earliest_arrival, entries)))
        found = await self._search_published(wanted, since, actionPackName=self._pack_name)
        if len(found) == len(wanted):
            return found
        try:
            return found | await self._search_published(wanted, since)
        except (AuditUnavailable, WorkflowServerError) as error:
            log.warning("audit_incomplete", reason=str(error))
            return found

    def _by_server_clock(self, time: datetime) -> datetime:
        """Returns the earliest time that Flyte's clock may have shown at this time of the pack's clock."""
        return time - max(timedelta(), self._client.clock_ahead()) - _CLOCK_SKEW

    async def _search_published(
        self, wanted: Mapping[_Identity, OutboxEntry], since: datetime, **filters: str
    ) -> set[str]:
        found: set[str] = set()

        def visit(action: AuditedAction) -> None:
            trigger = action.trigger
            is_ours = trigger.pack.name == self._pack_name
            entry = wanted.get(_identity(trigger.event, trigger.payload)) if is_ours else None
            if entry is not None and trigger.created_at in (None, entry.received_at):
                found.add(entry.key)

        await self._search(visit, lambda: len(found) == len(wanted), since=since, **filters)
        return found

    async def _search(
        self,
        visit: Callable[[AuditedAction], None],
        is_done: Callable[[], bool] = lambda: False,
        *,
        since: datetime | None = None,
        **filters: str,
    ) -> None:
        """Visits the actions of the newest runs: of a few pages, or of the runs that changed `since` a time."""
        pages = _MAX_PAGES if since is None else _MAX_PAGES_SINCE
        start, limit = 0, _PAGE_SIZE
        for _ in range(pages * _MAX_QUERIES_PER_PAGE):
            page = AuditBody(visit)
            is_cut = await self._read(page, filters | {"start": str(start), "limit": str(limit)})
            if is_done() or not (is_cut or (page.runs == limit and not _is_older(page, since))):
                return
            start += page.runs
            if is_cut:
                limit = max(page.runs, _MIN_PAGE_SIZE)
            if not page.runs:
                log.warning("audit_run_skipped", reason="its page is too large", start=start)
                start += 1
            if start >= pages * _PAGE_SIZE:
                return

    async def _read(self, page: AuditBody, query: Mapping[str, str]) -> bool:
        """Reads a page. Returns whether it is too large to be read to its end."""
        if self._link is None:
            raise AuditUnavailable("Flyte has no link to an audit")
        try:
            response = await self._client.get(self._link.update_query(query), page)
        except errors.ResponseTooLarge:
            return True
        except (errors.RequestTimedOut, errors.NotFlyte) as error:
            raise AuditUnavailable(str(error)) from error
        if response.status == HTTPStatus.OK:
            if not page.is_complete:
                raise AuditUnavailable(f"the audit at {errors.redact(response.url)} has no list of flows")
            return False
        reason = errors.unexpected_response(response)
        raise reason if response.status in _TRANSIENT_STATUSES else AuditUnavailable(str(reason))


def cause_of(action: AuditedAction) -> str:
    """Returns the key of the message that triggered an action of the pack; empty if another event did."""
    trigger, payload = action.trigger, action.trigger.payload
    if trigger.pack.name != action.pack_name or trigger.event != ReceivedMessage.__name__:
        return ""
    return incoming_key(_text_at("channelId", payload), _text_at("timestamp", payload))


def _is_older(page: AuditBody, since: datetime | None) -> bool:
    return since is not None and page.last_changed_at is not None and page.last_changed_at < since


def _identity_of(entry: OutboxEntry) -> _Identity:
    event = entry.event
    user = User(event.user_id)
    published = ReceivedMessage(event, user) if isinstance(event, IncomingMessage) else ReceivedEvent(event, user)
    return _identity(event_name(published), event_payload(published))


def _identity(event: str, payload: Json) -> _Identity:
    """Returns what distinguishes an event of the pack from all others."""
    spec = EVENTS_BY_NAME.get(event)
    return (event, *(_text_at(path, payload) for path in spec.identity)) if spec else (event,)


def _text_at(path: str, payload: Json) -> str:
    for name in path.split("."):
        payload = payload.get(name) if isinstance(payload, dict) else None
    return payload if isinstance(payload, str) else ""


def _earliest_arrival(entry: OutboxEntry) -> datetime:
    """Our clock may have been ahead when the event was received; the event has the time of another clock."""
    return min(entry.received_at, parse_ts(_happened_at(entry.event)) or entry.received_at)


def _happened_at(event: InboundEvent) -> str:
    """Returns the chat service's timestamp of an event; empty if it has none."""
    match event:
        case IncomingMessage():
            return event.timestamp
        case Reaction() | MessageChange():
            return event.event_timestamp
        case BlockAction():
            return event.action_timestamp
        case _:
            return ""
