"""Tells in which workspace something happened."""

from typing import TypeVar

from application.ports.receiver import OtherWorkspaceEvent, WorkspaceEvent
from domain.json_values import JsonObject
from domain.users import Identity

E = TypeVar("E", bound=WorkspaceEvent)


def in_workspace(event: E, body: JsonObject, own: Identity) -> E | OtherWorkspaceEvent:
    """Returns the event, marked if it happened in another workspace than the pack's."""
    team_id = other_workspace(body, own)
    return OtherWorkspaceEvent(team_id, event) if team_id else event


def other_workspace(body: JsonObject, identity: Identity) -> str:
    """Returns the workspace in which an event happened; empty if it is the pack's own, or may be."""
    if not identity.team_id or identity.is_organization_wide or body.get("is_ext_shared_channel"):
        return ""
    authorizations = body.get("authorizations")
    places = [body, *(authorizations if isinstance(authorizations, list) else ())]
    names = ("team_id", "context_team_id", "enterprise_id", "context_enterprise_id")
    named = [place.get(name) for place in places if isinstance(place, dict) for name in names]
    teams = [team for team in named if isinstance(team, str) and team]
    is_own = any(team in (identity.team_id, identity.enterprise_id) for team in teams)
    return "" if is_own or not teams else teams[0]
