"""Users, looked up once for a while."""

import asyncio
from collections import OrderedDict
from dataclasses import dataclass

from adapters.slack.errors import ApiCall, unreadable_response
from adapters.slack.schemas import parse_user
from adapters.slack.web_client import SlackWebClient
from application.ports.clock import Clock
from domain.errors import ChatError
from domain.users import User

_KEPT_SECONDS = 600.0
_KEPT_USERS = 10_000


@dataclass(frozen=True, slots=True)
class _Kept:
    user: User
    until: float


class UserCache:
    """`users.info` with a memory: bounded, and no older than ten minutes. Failures are not kept."""

    def __init__(self, web: SlackWebClient, clock: Clock) -> None:
        self._web = web
        self._clock = clock
        self._kept: OrderedDict[str, _Kept] = OrderedDict()
        self._under_way: dict[str, asyncio.Future[User | ChatError]] = {}

    async def look_up(self, user_id: str) -> User:
        """That user; whoever asks while the call is under way shares its answer."""
        while True:
            if user := self._recall(user_id):
                return user
            under_way = self._under_way.get(user_id)
            if under_way is None:
                return await self._ask_for_all(user_id)
            # Not awaited itself: being cancelled here must not cancel it for the others.
            await asyncio.wait([under_way])
            if not under_way.cancelled():  # otherwise who asked was cancelled, and somebody else must ask
                return _answer(under_way.result())

    async def _ask_for_all(self, user_id: str) -> User:
        answer: asyncio.Future[User | ChatError] = asyncio.get_running_loop().create_future()
        self._under_way[user_id] = answer
        try:
            user = await self._ask(user_id)
        except ChatError as error:
            answer.set_result(error)
            raise
        else:
            self._keep(user)
            answer.set_result(user)
            return user
        finally:
            del self._under_way[user_id]
            answer.cancel()

    async def _ask(self, user_id: str) -> User:
        call = ApiCall("users.info", user_id)
        answer = await self._web.call(call, {"user": user_id})
        try:
            return parse_user(answer, user_id)
        except ValueError as error:
            raise unreadable_response(call) from error

    def _recall(self, user_id: str) -> User | None:
        kept = self._kept.get(user_id)
        if kept is None or kept.until <= self._clock.monotonic():
            return None
        self._kept.move_to_end(user_id)
        return kept.user

    def _keep(self, user: User) -> None:
        self._kept[user.id] = _Kept(user, self._clock.monotonic() + _KEPT_SECONDS)
        self._kept.move_to_end(user.id)
        if len(self._kept) > _KEPT_USERS:
            self._kept.popitem(last=False)


def _answer(answer: User | ChatError) -> User:
    if isinstance(answer, ChatError):
        raise answer
    return answer
