"""Slack users, cached."""

from async_lru import alru_cache

from adapters.slack.errors import ApiCall
from adapters.slack.schemas import parse_user
from adapters.slack.web_client import SlackWebClient
from domain.users import User

_TTL_SECONDS = 600.0
_MAX_USERS = 10_000


class UserCache:
    """Looks users up with `users.info`, and remembers up to `max_users` of them for `ttl_seconds` each."""

    def __init__(self, web: SlackWebClient, max_users: int = _MAX_USERS, ttl_seconds: float = _TTL_SECONDS) -> None:
        self._web = web
        self._fetch_cached = alru_cache(maxsize=max_users, ttl=ttl_seconds)(self._fetch)

    def knows(self, user_id: str) -> bool:
        """Returns whether the user is remembered, or is being looked up at the moment."""
        return self._fetch_cached.cache_contains(user_id)

    async def look_up(self, user_id: str) -> User:
        """Returns the user. Simultaneous look-ups share one request and its ChatError; errors are not cached."""
        return await self._fetch_cached(user_id)

    async def _fetch(self, user_id: str) -> User:
        call = ApiCall("users.info", user_id)
        return await self._web.read(call, {"user": user_id}, lambda response: parse_user(response, user_id))
