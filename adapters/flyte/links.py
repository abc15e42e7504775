"""Flyte's links, found by the suffix of their `rel`."""

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
    """Returns the first usable link of an object whose `rel` has this suffix; None if there is none.

    A `rel` is a URL of the documentation (`http://host/swagger#!/pack/listPacks`), which begins with Flyte's host.
    Relative `href`s are resolved against `base`, the URL of the response.
    """
    links = holder.get("links") if isinstance(holder, dict) else None
    urls = (_url(link, suffix, base) for link in (links if isinstance(links, list) else ()))
    return next(filter(None, urls), None)


def require_link(holder: Json, suffix: str, base: URL) -> URL:
    """Like `find_link`, but raises NotFlyte if there is none."""
    url = find_link(holder, suffix, base)
    if url is None:
        raise errors.not_flyte(base, f"its response has no link {suffix}")
    return url


def result_link(take_action: URL, action_id: str) -> URL | None:
    """Returns the result link of an action from the audit, which has ids but no links; None if it can't be derived.

    This is the only derived link: Flyte's own are `.../actions/take` and `.../actions/<id>/result`.
    """
    if action_id in ("", ".", "..") or "/" in action_id or take_action.parts[-2:] != ("actions", "take"):
        return None
    return take_action.parent / action_id / "result"


def action_id_in(result: URL) -> str:
    """Returns the action's id in the audit: the last but one part of its result link."""
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
