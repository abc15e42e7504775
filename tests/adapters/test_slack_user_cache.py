import asyncio
from collections.abc import AsyncIterator

import pytest

from adapters.slack.user_cache import UserCache
from adapters.slack.web_client import SlackWebClient
from domain.errors import ChatRejected, Unreachable
from entrypoints.simulation.faults import Hang
from entrypoints.simulation.slack import faults
from entrypoints.simulation.slack.server import SlackServer

ENDPOINT = "users.info"


@pytest.fixture
async def slack() -> AsyncIterator[SlackServer]:
    async with SlackServer() as slack:
        yield slack


@pytest.fixture
async def web(slack: SlackServer) -> AsyncIterator[SlackWebClient]:
    web = SlackWebClient(slack.api_url, slack.bot_token, timeout_seconds=5)
    async with web.open():
        yield web


async def test_a_user_is_requested_once(slack: SlackServer, web: SlackWebClient) -> None:
    user_id = slack.add_user("alice", display_name="Ali")
    users = UserCache(web)
    assert [(await users.look_up(user_id)).name for _ in range(3)] == ["Ali"] * 3
    assert slack.counters[ENDPOINT] == 1


async def test_a_user_is_requested_again_after_the_time_to_live(slack: SlackServer, web: SlackWebClient) -> None:
    user_id = slack.add_user("alice")
    users = UserCache(web, ttl_seconds=0.05)
    async with asyncio.timeout(5):
        while slack.counters[ENDPOINT] < 2:
            assert (await users.look_up(user_id)).id == user_id
            await asyncio.sleep(0)


async def test_the_least_recently_used_user_is_dropped_from_a_full_cache(
    slack: SlackServer, web: SlackWebClient
) -> None:
    alice, bob, carol = (slack.add_user(name) for name in ("alice", "bob", "carol"))
    users = UserCache(web, max_users=2)
    for user_id in (alice, bob, alice, carol):
        await users.look_up(user_id)
    assert slack.counters[ENDPOINT] == 3

    await users.look_up(alice)
    assert slack.counters[ENDPOINT] == 3

    await users.look_up(bob)
    assert slack.counters[ENDPOINT] == 4


async def test_simultaneous_look_ups_share_one_request(slack: SlackServer, web: SlackWebClient) -> None:
    user_id = slack.add_user("alice", display_name="Ali")
    users = UserCache(web)
    answers = await asyncio.gather(*(users.look_up(user_id) for _ in range(50)))
    assert {user.name for user in answers} == {"Ali"}
    assert slack.counters[ENDPOINT] == 1


async def test_simultaneous_look_ups_share_an_error(slack: SlackServer, web: SlackWebClient) -> None:
    users = UserCache(web)
    answers = await asyncio.gather(*(users.look_up("UMISSING") for _ in range(20)), return_exceptions=True)
    assert all(isinstance(answer, ChatRejected) for answer in answers)
    assert slack.counters[ENDPOINT] == 1


async def test_an_error_is_not_cached(slack: SlackServer, web: SlackWebClient) -> None:
    user_id = slack.add_user("alice")
    users = UserCache(web)
    slack.faults.plan(ENDPOINT, faults.http_status(500))
    with pytest.raises(Unreachable):
        await users.look_up(user_id)
    assert (await users.look_up(user_id)).id == user_id


@pytest.mark.parametrize("cancelled", [0, 1])
async def test_cancelling_one_look_up_does_not_cancel_the_others(
    slack: SlackServer, web: SlackWebClient, cancelled: int
) -> None:
    user_id = slack.add_user("alice")
    users = UserCache(web)
    slack.conditions.latency_seconds = 0.1
    look_ups = [asyncio.create_task(users.look_up(user_id), name=f"look up {number}") for number in range(3)]
    await asyncio.sleep(0)
    look_ups.pop(cancelled).cancel()
    assert [user.id for user in await asyncio.gather(*look_ups)] == [user_id, user_id]
    assert slack.counters[ENDPOINT] == 1


async def test_cancelling_the_only_look_up_cancels_its_request(slack: SlackServer, web: SlackWebClient) -> None:
    user_id = slack.add_user("alice")
    users = UserCache(web)
    slack.faults.plan(ENDPOINT, Hang())
    look_up = asyncio.create_task(users.look_up(user_id), name="look up")
    await slack.wait_for(lambda: slack.counters["faults"])
    look_up.cancel()
    await asyncio.wait([look_up])
    assert look_up.cancelled()
    assert (await users.look_up(user_id)).id == user_id
