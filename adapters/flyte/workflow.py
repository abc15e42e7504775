"""Flyte as the pack's workflow engine."""

from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from http import HTTPStatus

import structlog
from yarl import URL

from adapters.flyte import errors, links
from adapters.flyte.audit import AuditUnavailable, FlyteAudit
from adapters.flyte.http_client import FlyteHttpClient
from adapters.flyte.response import FlyteResponse
from adapters.flyte.schemas import command_from, event_json, pack_json, parse_body
from adapters.serialization.json_codec import read_json
from adapters.serialization.payloads import event_name, event_payload
from application.ports.workflow import PackDefinition
from domain.actions import Action, ActionId
from domain.commands import command_name
from domain.errors import (
    ActionTakenElsewhere,
    PackNotRegistered,
    WorkflowInDoubt,
    WorkflowServerError,
    WorkflowUnreachable,
)
from domain.events import Event, Outcome, PackEvent
from domain.outbox import OutboxEntry

log = structlog.get_logger()

DOCUMENTATION = "https://github.com/ExpediaGroup/flyte-slack/blob/master/README.md"
"""Where the pack's `help` link leads."""

_CLOCK_SKEW = timedelta(minutes=1)
_MAX_PENDING_AGE = timedelta(hours=48)

_COMPLETED_STATES = ("SUCCESS", "FATAL")


@dataclass(frozen=True, slots=True)
class _Registration:
    """What Flyte said when it took the pack."""

    definition: PackDefinition
    take_action: URL
    event: URL
    audit: URL | None


def _utc_now() -> datetime:
    return datetime.now(UTC)


class FlyteWorkflow:
    """Expedia Group's Flyte, by its HTTP API. It walks Flyte's links: none is built but where the audit has none."""

    def __init__(
        self,
        api_url: str,
        *,
        jwt: str = "",
        timeout_seconds: float = 10.0,
        help_url: str = DOCUMENTATION,
        now: Callable[[], datetime] = _utc_now,
    ) -> None:
        self._connection = FlyteHttpClient(api_url, jwt=jwt, timeout_seconds=timeout_seconds)
        self._help_url = help_url
        self._now = now
        self._registration: _Registration | None = None

    def open(self) -> AbstractAsyncContextManager[None]:
        """Hold the HTTP session for as long as the pack works."""
        return self._connection.open()

    async def register(self, definition: PackDefinition) -> None:
        """See the port."""
        try:
            self._registration = await self._register(definition)
        except WorkflowInDoubt as doubt:
            raise WorkflowUnreachable(str(doubt)) from doubt  # a repeat does no harm

    async def take(self) -> Action | None:
        """See the port. A 500 is what Flyte answers to all but one of the replicas that reach for the same action."""
        response = await self._connection.post(self._registered().take_action, None)
        if response.status == HTTPStatus.NO_CONTENT:
            return None
        if response.status == HTTPStatus.INTERNAL_SERVER_ERROR and not response.is_html:
            raise ActionTakenElsewhere("another replica of the pack was quicker, or Flyte failed: it answered with 500")
        if response.status != HTTPStatus.OK or response.is_html:
            raise errors.unexpected_response(response)
        return _parse_action(response)

    async def complete(self, action_id: ActionId, outcome: Outcome, at: datetime) -> None:
        """See the port. NotTaken is Flyte's 500, and a link to another origin; PackUnknown is its 404."""
        self._registered()
        link = _parse_result_link(action_id)
        try:
            self._connection.require_same_origin(link)
        except errors.NotFlyte as refusal:
            # The trouble of this action alone, as after a change of the base URL. All else would wait for an outage.
            raise WorkflowServerError(str(refusal)) from refusal
        await self._post_event(link, outcome, at)

    async def publish(self, event: PackEvent, at: datetime) -> None:
        """See the port."""
        await self._post_event(self._registered().event, event, at)

    async def is_completed(self, action_id: ActionId) -> bool | None:
        """See the port. Told by Flyte's audit, as far back as it is read."""
        try:
            state = await self._audit().state_of(links.action_id_in(_parse_result_link(action_id)))
        except AuditUnavailable as error:
            log.warning("audit_can_not_tell", reason=str(error))
            return None
        return state in _COMPLETED_STATES if state else None

    async def were_published(self, entries: Sequence[OutboxEntry]) -> list[bool]:
        """See the port. Told by Flyte's audit, where only events show that brought an action about."""
        try:
            found = await self._audit().find_published(entries)
        except AuditUnavailable as error:
            log.warning("audit_can_not_tell", reason=str(error))
            found = set()
        return [entry.key in found for entry in entries]

    async def pending_actions(self, since: datetime) -> list[Action]:
        """See the port. Told by Flyte's audit, as far back as it is read; Flyte's clock may be a minute behind.

        Actions taken more than two days ago are left out in any case. Flyte keeps what a pack forgot for ever: an
        earlier pack may have left messages there that nobody wants to see posted years later.
        """
        registration = self._registered()
        earliest = max(since - _CLOCK_SKEW, self._now() - _MAX_PENDING_AGE)
        try:
            pending = await self._audit().pending_actions(registration.definition.labels, earliest)
        except AuditUnavailable as error:
            log.warning("audit_can_not_tell", reason=str(error))
            return []
        found = ((links.result_link(registration.take_action, action.id), action) for action in pending)
        return [Action(ActionId(str(link)), command_from(action.name, action.input)) for link, action in found if link]

    async def _register(self, definition: PackDefinition) -> _Registration:
        root = self._connection.root
        api = parse_body(await self._connection.get(root))
        packs = links.require_link(api, links.PACKS, root)
        pack = parse_body(await self._connection.post(packs, pack_json(definition, self._help_url)))
        registration = _Registration(
            definition,
            take_action=links.require_link(pack, links.TAKE_ACTION, packs),
            event=links.require_link(pack, links.EVENT, packs),
            audit=links.find_link(api, links.AUDITED_FLOWS, root),
        )
        # Better told now than at the first event.
        self._connection.require_same_origin(registration.take_action)
        self._connection.require_same_origin(registration.event)
        return registration

    def _registered(self) -> _Registration:
        if self._registration is None:
            raise PackNotRegistered("the pack has not been registered with Flyte yet")
        return self._registration

    def _audit(self) -> FlyteAudit:
        registration = self._registered()
        return FlyteAudit(self._connection, registration.audit, registration.definition.name)

    async def _post_event(self, link: URL, event: Event, at: datetime) -> None:
        response = await self._connection.post(link, event_json(event_name(event), event_payload(event), at))
        if response.status != HTTPStatus.ACCEPTED:
            raise errors.unexpected_response(response)


def _parse_action(response: FlyteResponse) -> Action | None:
    where = f"POST {errors.redact(response.url)} was answered with 200 and"
    try:
        taken = read_json(response.body)
    except ValueError:
        raise WorkflowInDoubt(f"{where} something that is not JSON: an action may be lost in it") from None
    if not isinstance(taken, dict):
        raise WorkflowInDoubt(f"{where} something that is not a JSON object: an action may be lost in it")
    command = command_from(taken.get("command"), taken.get("input"))
    link = links.find_link(taken, links.ACTION_RESULT, response.url)
    if link is None:
        log.error("action_without_result_link", command=command_name(command), url=errors.redact(response.url))
        return None
    return Action(ActionId(str(link)), command)


def _parse_result_link(action_id: ActionId) -> URL:
    """Flyte has no other name for an action."""
    try:
        link = URL(action_id)
    except ValueError:
        link = URL()
    if not link.absolute:
        raise PackNotRegistered("this action's id is not a result link: it was not taken from Flyte")
    return link
