"""Waiting for the simulated Slack, watching it, and what it remembers."""

import asyncio
from typing import Any

import pytest
from slack_sdk.web.async_client import AsyncWebClient

from entrypoints.simulation.slack.event_log import Changes, Happening, Log
from entrypoints.simulation.slack.models import MAX_MESSAGES, format_ts, parse_ts
from entrypoints.simulation.slack.people import escape
from entrypoints.simulation.slack.rate_limits import RateLimits
from entrypoints.simulation.slack.server import SlackServer
from entrypoints.simulation.slack.workspace import WorkspaceState


async def test_waiting_ends_when_something_makes_it_true(slack: SlackServer, web: AsyncWebClient) -> None:
    async with asyncio.TaskGroup() as tasks:
        waiting = tasks.create_task(slack.wait_for(lambda: slack.counters["auth.test"] == 2))
        await web.auth_test()
        assert not waiting.done()
        await web.auth_test()


async def test_waiting_in_vain_is_a_timeout(slack: SlackServer) -> None:
    with pytest.raises(TimeoutError):
        await slack.wait_for(lambda: False, timeout=0.01)


async def test_several_can_wait_at_once_and_one_can_stop(slack: SlackServer) -> None:
    async def wait(asked: asyncio.Event) -> None:
        def is_said() -> bool:
            asked.set()
            return bool(slack.history("ops"))

        await slack.wait_for(is_said)

    both_asked = [asyncio.Event(), asyncio.Event()]
    first, second = (asyncio.create_task(wait(asked)) for asked in both_asked)
    for asked in both_asked:
        await asked.wait()
    first.cancel()
    slack.say("alice", "ops", "now")
    await second
    assert first.cancelled()


async def test_a_watcher_sees_everything_in_order_until_the_end() -> None:
    async with SlackServer() as slack:
        slack.add_channel("ops")
        changes = slack.subscribe()
        slack.say("owner", "ops", "hello")
        ts = slack.say("owner", "ops", "hello again")
        slack.edit("ops", ts, "good bye")
    seen = [happening.details["event"] async for happening in changes]
    assert [event.get("subtype", event.get("text")) for event in seen] == [
        "hello",
        "hello again",
        "message_changed",
    ]


async def test_a_watcher_sees_calls_and_posts(slack: SlackServer, web: AsyncWebClient) -> None:
    slack.invite("ops", slack.bot_user_id)
    changes = slack.subscribe()
    await web.chat_postMessage(channel="#ops", text="hi")
    kinds = [(await anext(changes)).kind for _ in range(3)]
    assert kinds == ["event", "post", "call"]


async def test_a_watcher_who_sleeps_misses_the_oldest() -> None:
    changes = Changes()
    for number in range(10_001):
        changes.add(Happening("call", {"number": number}))
    assert changes.missed == 1
    assert (await anext(changes)).details == {"number": 1}


def test_a_log_forgets_its_oldest_entries() -> None:
    log: Log[int] = Log(kept=10)
    for number in range(100):
        log.append(number)
    assert log[-1] == 99
    assert 10 <= len(log) <= 11


def test_a_channel_forgets_its_oldest_messages() -> None:
    world = WorkspaceState(lambda _occurrence: None)
    channel = world.add_channel("ops", "channel", [])
    parent = world.post(channel, {"text": "parent"})
    world.post(channel, {"text": "reply"}, thread_ts=parent.ts)
    for number in range(MAX_MESSAGES):
        world.post(channel, {"text": str(number)})
    assert len(channel.messages) <= MAX_MESSAGES
    assert channel.listed == [ts for ts in channel.messages if channel.messages[ts].is_listed]


def test_times_rise_even_when_the_clock_does_not() -> None:
    world = WorkspaceState(lambda _occurrence: None, now=lambda: 1_700_000_000.5)
    assert [world.next_ts() for _ in range(3)] == ["1700000000.500000", "1700000000.500001", "1700000000.500002"]


@pytest.mark.parametrize(("ts", "moment"), [("0", 0), ("12", 12_000_000), ("1.5", 1_500_000), ("1.000001", 1_000_001)])
def test_times_are_read_in_any_number_of_digits(ts: str, moment: int) -> None:
    assert parse_ts(ts) == moment


@pytest.mark.parametrize("ts", ["", "soon", "-1", "1.x", "1e5"])
def test_what_is_no_time_is_refused(ts: str) -> None:
    with pytest.raises(ValueError, match=r".*"):
        parse_ts(ts)


def test_times_are_written_with_six_digits() -> None:
    assert format_ts(1_700_000_000_000_042) == "1700000000.000042"


def test_replies_to_what_is_not_there_stay_out_of_sight() -> None:
    told: list[Any] = []
    world = WorkspaceState(told.append)
    channel = world.add_channel("ops", "channel", [])
    world.post(channel, {"text": "lost"}, thread_ts="1700000000.000042")
    assert channel.listed == []
    assert told[0].event["thread_ts"] == "1700000000.000042"


def test_deleting_a_reply_shortens_its_thread() -> None:
    world = WorkspaceState(lambda _occurrence: None)
    channel = world.add_channel("ops", "channel", [])
    parent = world.post(channel, {"text": "parent"})
    reply = world.post(channel, {"text": "reply"}, thread_ts=parent.ts)
    assert parent.as_json(with_metadata=False)["reply_count"] == 1
    world.delete(channel, reply)
    assert "reply_count" not in parent.as_json(with_metadata=False)


def test_limits_come_back_with_time() -> None:
    now = [0.0]
    limits = RateLimits(clock=lambda: now[0])
    limits.posts, limits.post_burst, limits.posts_per_second = True, 1, 0.5
    assert limits.retry_after("chat.postMessage", None, "C1") is None
    assert limits.retry_after("chat.postMessage", None, "C1") == 2
    now[0] = 2.0
    assert limits.retry_after("chat.postMessage", None, "C1") is None


def test_a_post_that_its_method_does_not_allow_costs_the_channel_nothing() -> None:
    now = [0.0]
    limits = RateLimits(clock=lambda: now[0])
    limits.posts, limits.post_burst, limits.posts_per_second = True, 1, 0.001
    limits.per_minute["chat.postMessage"] = 1
    assert limits.retry_after("chat.postMessage", None, "C1") is None
    assert limits.retry_after("chat.postMessage", None, "C2") == 60
    now[0] = 60.0
    assert limits.retry_after("chat.postMessage", None, "C2") is None


def test_what_people_type_is_escaped_as_slack_does() -> None:
    assert escape("a < b & c > d") == "a &lt; b &amp; c &gt; d"
