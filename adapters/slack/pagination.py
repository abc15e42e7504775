"""Answers that come in pages."""

from collections.abc import AsyncIterator, Mapping

from adapters.slack.errors import ApiCall
from adapters.slack.schemas import parse_next_cursor
from adapters.slack.web_client import SlackWebClient
from domain.errors import Unreachable
from domain.json_values import Json, JsonObject

PAGE_SIZE = 200
"""What Slack recommends for methods that take a `limit` (docs "Pagination")."""


async def paginate(web: SlackWebClient, call: ApiCall, arguments: Mapping[str, Json]) -> AsyncIterator[JsonObject]:
    """All pages of the answer. Unreachable when Slack leads in a circle."""
    cursor, cursors_seen = "", set[str]()
    while cursor not in cursors_seen:
        cursors_seen.add(cursor)
        page = await web.call(call, {**arguments, "limit": PAGE_SIZE, "cursor": cursor or None})
        yield page
        cursor = parse_next_cursor(page)
        if not cursor:
            return
    raise Unreachable("endless_pages", f"Slack gave the same page of {call.method} twice")
