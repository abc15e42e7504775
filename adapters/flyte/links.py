"""Flyte's links: found by the end of their `rel`, never built."""

from yarl import URL

from adapters.flyte import errors
from domain.json_values import Json

PACKS = "pack/listPacks"
HEALTH = "info/health"
TAKE_ACTION = "takeAction"
EVENT = "event"
ACTION_RESULT = "actionResult"
AUDITED_FLOWS = "flowAudit/findFlows"


def find_link(holder: Json, suffix: str, base: URL) -> URL | None:
    """The first link of an answer's `links` whose `rel` ends so; None when there is no usable one.

    `rel`s are whole URLs of the documentation (`http://host/swagger#!/pack/listPacks`); what they begin with depends
    on the host. A relative `href` is read from `base`, where the answer came from.
    """
    links = holder.get("links") if isinstance(holder, dict) else None
    for link in links if isinstance(links, list) else ():
        url = _url(link, suffix, base)
        if url is not None:
            return url
    return None


def require_link(holder: Json, suffix: str, base: URL) -> URL:
    """The same; WorkflowUnreachable when there is none: what answered is not Flyte."""
    url = find_link(holder, suffix, base)
    if url is None:
        raise errors.not_flyte(base, f"its answer has no link {suffix}")
    return url


def result_link(take_action: URL, action_id: str) -> URL | None:
    """The result link of an action that the audit tells of, which shows an id and no link; None when it can't be told.

    The one link that is derived: Flyte's own are `.../actions/take` and `.../actions/<id>/result`.
    """
    if action_id in ("", ".", "..") or "/" in action_id or take_action.parts[-2:] != ("actions", "take"):
        return None
    return take_action.parent / action_id / "result"


def action_id_in(result: URL) -> str:
    """Flyte's id of an action, as its audit shows it: the last but one part of the action's result link."""
    return result.parts[-2] if len(result.parts) > 1 else ""


def _url(link: Json, suffix: str, base: URL) -> URL | None:
    if not isinstance(link, dict):
        return None
    rel, href = link.get("rel"), link.get("href")
    if not isinstance(rel, str) or not isinstance(href, str) or not href or not rel.endswith(suffix):
        return None
    try:
        url = base.join(URL(href)).with_user(None).with_fragment(None)
    except ValueError:
        return None
    return url if url.scheme in ("http", "https") and url.host else None
