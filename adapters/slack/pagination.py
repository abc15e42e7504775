"""Pages of responses, by cursor."""

from collections.abc import AsyncIterator, Mapping

from adapters.slack.errors import ApiCall
from adapters.slack.schemas import parse_next_cursor
from adapters.slack.web_client import SlackWebClient
from domain.errors import Unreachable
from domain.json_values import Json, JsonObject

PAGE_SIZE = 200
"""Slack's recommendation for `limit`."""
_MAX_ENTRIES = 1_000_000
"""More than any workspace has."""


async def paginate(
    web: SlackWebClient, call: ApiCall, arguments: Mapping[str, Json], page_size: int = PAGE_SIZE
) -> AsyncIterator[JsonObject]:
    """Yields all pages of a response. Raises Unreachable if Slack repeats a cursor, or never stops."""
    cursor, cursors_seen = "", set[str]()
    while cursor not in cursors_seen and len(cursors_seen) * page_size < _MAX_ENTRIES:
        cursors_seen.add(cursor)
        page = await web.call(call, {**arguments, "limit": page_size, "cursor": cursor or None})
        yield page
        cursor = parse_next_cursor(page)
        if not cursor:
            return
    raise Unreachable("endless_pages", f"Slack's pages of {call.method} have no end")
