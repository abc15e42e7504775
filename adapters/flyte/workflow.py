"""Workflow on Flyte's HTTP API."""

from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from http import HTTPStatus

import structlog
from yarl import URL

from adapters.flyte import errors, links
from adapters.flyte.audit import AuditUnavailable, FlyteAudit, cause_of
from adapters.flyte.audit_schemas import AuditedAction
from adapters.flyte.body_readers import ActionBody
from adapters.flyte.http_client import FlyteHttpClient
from adapters.flyte.response import FlyteResponse
from adapters.flyte.schemas import (
    command_from,
    event_json,
    pack_json,
    parse_body,
    split_trace_parent,
    with_trace_parent,
)
from adapters.serialization.event_payloads import event_name, event_payload
from adapters.serialization.json_codec import read_json
from adapters.system_clock import SYSTEM_CLOCK
from application.ports.clock import Clock
from application.ports.workflow import Completion, OpenActions, PackDefinition
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
from domain.json_values import Json
from domain.outbox import OutboxEntry

log = structlog.get_logger()

DOCUMENTATION = "https://github.com/ExpediaGroup/flyte-slack/blob/master/README.md"
"""The target of the pack's `help` link."""

_CALLS = ("register", "take", "complete", "publish", "completion_of", "were_published", "open_actions")
"""The methods of the port that send requests."""
_CLOCK_SKEW = timedelta(minutes=1)
_MAX_OPEN_AGE = timedelta(hours=48)

_COMPLETIONS = {
    "SUCCESS": Completion.RECEIVED,
    "FATAL": Completion.RECEIVED,
    "PENDING": Completion.MISSING,
    "NEW": Completion.CONTRADICTORY,
}
"""Flyte inserts an action before its audit record. An action taken in between stays `NEW` in the audit."""


@dataclass(frozen=True, slots=True)
class _Registration:
    """A registration of the pack, with the links that Flyte returned."""

    definition: PackDefinition
    take_action: URL
    event: URL
    audit: URL | None


class FlyteWorkflow:
    """Expedia Group's Flyte. Requests follow its links, except results of actions from its audit, which has none."""

    def __init__(
        self,
        api_url: str,
        *,
        jwt: str = "",
        timeout_seconds: float = 10.0,
        reads_trace_parent: bool = False,
        clock: Clock = SYSTEM_CLOCK,
        watch_client: Callable[[FlyteHttpClient, str], FlyteHttpClient] = lambda client, _call: client,
    ) -> None:
        """`reads_trace_parent`: whether the field `traceparent` of inputs is the pack's, instead of the command's.

        `watch_client` returns the HTTP client, as a method of the port uses it, with something around it.
        """
        self._client = FlyteHttpClient(api_url, jwt=jwt, timeout_seconds=timeout_seconds, clock=clock)
        self._client_of = {call: watch_client(self._client, call) for call in _CALLS}
        self._reads_trace_parent = reads_trace_parent
        self._registration: _Registration | None = None

    def open(self) -> AbstractAsyncContextManager[None]:
        """Holds the HTTP session of all requests."""
        return self._client.open()

    def now(self) -> datetime:
        """Implements the port."""
        return self._client.now()

    async def register(self, definition: PackDefinition) -> None:
        """Implements the port."""
        try:
            self._registration = await self._register(definition)
        except WorkflowInDoubt as doubt:
            raise WorkflowUnreachable(str(doubt)) from doubt  # a repeat does no harm

    async def take(self) -> Action | None:
        """Implements the port. Flyte returns 500 to all but one of the replicas that take the same action."""
        body = ActionBody()
        response = await self._client_of["take"].post(self._registered().take_action, None, body)
        if response.status == HTTPStatus.NO_CONTENT:
            return None
        if response.status == HTTPStatus.INTERNAL_SERVER_ERROR and not response.is_html:
            raise ActionTakenElsewhere("another replica of the pack was faster, or Flyte failed: it returned 500")
        if response.status != HTTPStatus.OK or response.is_html:
            raise errors.unexpected_response(response)
        return self._parse_action(response, lacks_input=body.lacks_input)

    async def complete(
        self, action_id: ActionId, outcome: Outcome, at: datetime, *, trace_parent: str | None = None
    ) -> None:
        """Implements the port. WorkflowServerError is a 500 or a link to another origin, PackNotRegistered a 404."""
        self._registered()
        link = _parse_result_link(action_id)
        try:
            self._client.require_same_origin(link)
        except errors.NotFlyte as error:
            # Affects this action only, as after a change of the base URL. An outage would hold up all others.
            raise WorkflowServerError(str(error)) from error
        await self._post_event("complete", link, outcome, at, trace_parent)

    async def publish(self, event: PackEvent, at: datetime, *, trace_parent: str | None = None) -> None:
        """Implements the port."""
        await self._post_event("publish", self._registered().event, event, at, trace_parent)

    async def completion_of(self, action_id: ActionId, since: datetime | None = None) -> Completion:
        """Implements the port by Flyte's audit, as far back as it is read."""
        try:
            state = await self._audit("completion_of").state_of(
                links.action_id_in(_parse_result_link(action_id)), since
            )
        except AuditUnavailable as error:
            log.warning("audit_can_not_tell", reason=str(error))
            return Completion.UNKNOWN
        return _COMPLETIONS.get(state, Completion.UNKNOWN)

    async def were_published(self, entries: Sequence[OutboxEntry]) -> list[bool]:
        """Implements the port by Flyte's audit, which contains only events that triggered an action."""
        try:
            found = await self._audit("were_published").find_published(entries)
        except AuditUnavailable as error:
            log.warning("audit_can_not_tell", reason=str(error))
            found = set()
        return [entry.key in found for entry in entries]

    async def open_actions(self, since: datetime) -> OpenActions:
        """Implements the port by Flyte's audit, as far back as it is read. Flyte's clock may be a minute behind.

        Omits actions taken more than two days ago: Flyte never forgets an action, and the messages that an earlier pack
        left there should not be posted years later.
        """
        registration = self._registered()
        earliest = self.now() - _MAX_OPEN_AGE
        try:
            found = await self._audit("open_actions").open_actions(
                registration.definition.labels, max(since - _CLOCK_SKEW, earliest), earliest
            )
        except AuditUnavailable as error:
            log.warning("audit_can_not_tell", reason=str(error))
            found = []
        found.sort(key=lambda action: (action.state.time or earliest, action.id))
        is_new = [(action.state.value == "NEW", self._open_action(registration, action)) for action in found]
        return OpenActions(
            taken=[action for new, action in is_new if action and not new],
            waiting=[action for new, action in is_new if action and new],
        )

    async def _register(self, definition: PackDefinition) -> _Registration:
        client, root = self._client_of["register"], self._client.root
        api = parse_body(await client.get(root))
        packs = links.require_link(api, links.PACKS, root)
        pack = parse_body(await client.post(packs, pack_json(definition, DOCUMENTATION)))
        registration = _Registration(
            definition,
            take_action=links.require_link(pack, links.TAKE_ACTION, packs),
            event=links.require_link(pack, links.EVENT, packs),
            audit=links.find_link(api, links.AUDITED_FLOWS, root),
        )
        # Fails here rather than at the first event.
        self._client.require_same_origin(registration.take_action)
        self._client.require_same_origin(registration.event)
        return registration

    def _registered(self) -> _Registration:
        if self._registration is None:
            raise PackNotRegistered("the pack is not registered with Flyte yet")
        return self._registration

    def _audit(self, call: str) -> FlyteAudit:
        registration = self._registered()
        return FlyteAudit(self._client_of[call], registration.audit, registration.definition.name)

    async def _post_event(self, call: str, link: URL, event: Event, at: datetime, trace_parent: str | None) -> None:
        payload = with_trace_parent(event_payload(event), trace_parent)
        response = await self._client_of[call].post(link, event_json(event_name(event), payload, at))
        if response.status != HTTPStatus.ACCEPTED:
            raise errors.unexpected_response(response)

    def _open_action(self, registration: _Registration, audited: AuditedAction) -> Action | None:
        link = links.result_link(registration.take_action, audited.id)
        action = self._action(link, audited.name, audited.input) if link else None
        return replace(action, cause=cause_of(audited)) if action else None

    def _parse_action(self, response: FlyteResponse, *, lacks_input: bool) -> Action | None:
        returned = f"POST {errors.redact(response.url)} returned 200 and"
        try:
            taken = read_json(response.body)
        except ValueError:
            raise WorkflowInDoubt(f"{returned} something other than JSON: an action may be lost") from None
        if not isinstance(taken, dict):
            raise WorkflowInDoubt(f"{returned} something other than a JSON object: an action may be lost")
        name, link = taken.get("command"), links.find_link(taken, links.ACTION_RESULT, response.url)
        if link is None and not name:
            raise WorkflowInDoubt(f"{returned} something other than an action: an action may be lost")
        if link is None:
            command = command_from(name, None, is_too_large=lacks_input)
            log.error("action_without_result_link", command=command_name(command), url=errors.redact(response.url))
            return None
        return self._action(link, name, taken.get("input"), is_too_large=lacks_input)

    def _action(self, link: URL, name: Json, given: Json, *, is_too_large: bool = False) -> Action:
        trace_parent = None
        if self._reads_trace_parent:
            given, trace_parent = split_trace_parent(given)
        return Action(ActionId(str(link)), command_from(name, given, is_too_large=is_too_large), trace_parent)


def _parse_result_link(action_id: ActionId) -> URL:
    """Actions of Flyte are identified by their result links."""
    try:
        link = URL(action_id)
    except ValueError:
        link = URL()
    if not link.absolute:
        raise PackNotRegistered("the action's id is not a result link, so the action is not from Flyte")
    return link
