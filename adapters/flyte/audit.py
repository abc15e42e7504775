"""Looks events and actions up in Flyte's audit: an expensive query for a large Flyte, for use in doubt only."""

from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import datetime, timedelta
from http import HTTPStatus

import structlog
from yarl import URL

from adapters.flyte import errors
from adapters.flyte.audit_schemas import AuditedAction, Trigger, parse_runs
from adapters.flyte.http_client import FlyteHttpClient
from adapters.flyte.response import FlyteResponse
from adapters.serialization.json_codec import read_json
from domain.errors import WorkflowServerError
from domain.outbox import OutboxEntry

log = structlog.get_logger()

_PAGE_SIZE = 200
_MAX_PAGES = 3
"""Few and long pages, since Flyte scans all its actions for each."""
_MAX_PAGES_SINCE = 50
"""For queries with a start time: a busy Flyte makes a thousand runs a minute."""

_TRANSIENT_STATUSES = (HTTPStatus.INTERNAL_SERVER_ERROR, HTTPStatus.BAD_GATEWAY, HTTPStatus.SERVICE_UNAVAILABLE)
"""Without 504: a query that took too long would do so again."""

_CLOCK_SKEW = timedelta(hours=1)
"""How far Flyte's clock may be behind the pack's."""


class AuditUnavailable(Exception):
    """Flyte has no audit, denies access to it, or takes too long."""


class FlyteAudit:
    """Flyte's record of flow runs."""

    def __init__(self, client: FlyteHttpClient, link: URL | None, pack_name: str) -> None:
        self._client = client
        self._link = link
        self._pack_name = pack_name

    async def state_of(self, action_id: str) -> str:
        """Returns the state of one of the pack's actions; empty if it is not in the audit. Raises AuditUnavailable."""
        async for action in self._actions(actionPackName=self._pack_name):
            if action.id == action_id:
                return action.state.value
        return ""

    async def pending_actions(self, labels: Mapping[str, str], since: datetime) -> list[AuditedAction]:
        """Returns the actions that the pack took since then and has not completed. Raises AuditUnavailable."""
        return [
            action
            async for action in self._actions(since=since, actionPackName=self._pack_name)
            if action.state.value == "PENDING"
            and action.pack_name == self._pack_name
            and action.pack_labels.items() <= labels.items()
            and (action.state.time is None or action.state.time >= since)
        ]

    async def find_published(self, entries: Sequence[OutboxEntry]) -> set[str]:
        """The keys of those entries whose event has brought an action about. AuditUnavailable.

        Searches runs with actions for this pack first, and then all runs, for flows that only use its events.
        """
        wanted = {entry.key: entry.received_at for entry in entries}
        if not wanted:
            return set()
        found = await self._search_published(wanted, actionPackName=self._pack_name)
        if len(found) == len(wanted):
            return found
        try:
            return found | await self._search_published(wanted)
        except (AuditUnavailable, WorkflowServerError) as error:
            log.warning("audit_incomplete", reason=str(error))
            return found

    async def _search_published(self, wanted: Mapping[str, datetime], **filters: str) -> set[str]:
        found: set[str] = set()
        since = min(wanted.values()) - _CLOCK_SKEW
        async for action in self._actions(since=since, **filters):
            key = self._message_key(action.trigger)
            if key in wanted and action.trigger.created_at in (None, wanted[key]):
                found.add(key)
            if len(found) == len(wanted):
                break
        return found

    def _message_key(self, trigger: Trigger) -> str:
        payload = trigger.payload
        if trigger.event != "ReceivedMessage" or trigger.pack.name != self._pack_name or not isinstance(payload, dict):
            return ""
        return f"{payload.get('channelId')}:{payload.get('timestamp')}"

    async def _actions(self, *, since: datetime | None = None, **filters: str) -> AsyncIterator[AuditedAction]:
        """Yields the actions of the newest runs: of a few pages, or of the runs that changed `since` a time."""
        for page in range(_MAX_PAGES if since is None else _MAX_PAGES_SINCE):
            runs = await self._page(filters | {"start": str(page * _PAGE_SIZE), "limit": str(_PAGE_SIZE)})
            for run in runs:
                for action in run:
                    yield action
            if len(runs) < _PAGE_SIZE or (since is not None and _is_older(runs[-1], since)):
                return

    async def _page(self, query: Mapping[str, str]) -> list[list[AuditedAction]]:
        if self._link is None:
            raise AuditUnavailable("Flyte has no link to an audit")
        try:
            response = await self._client.get(self._link.update_query(query))
        except (errors.RequestTimedOut, errors.NotFlyte) as error:
            raise AuditUnavailable(str(error)) from error
        if response.status == HTTPStatus.OK and not response.is_html:
            return _parse(response)
        reason = errors.unexpected_response(response)
        raise reason if response.status in _TRANSIENT_STATUSES else AuditUnavailable(str(reason))


def _parse(response: FlyteResponse) -> list[list[AuditedAction]]:
    try:
        return parse_runs(read_json(response.body))
    except ValueError as error:
        raise AuditUnavailable(f"the audit at {errors.redact(response.url)} can't be read: {error}") from error


def _is_older(run: list[AuditedAction], since: datetime) -> bool:
    times = [action.state.time for action in run if action.state.time is not None]
    return bool(times) and max(times) < since
