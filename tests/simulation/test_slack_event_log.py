"""The simulated Slack's event log, messages, timestamps and rate limits."""

import pytest
from slack_sdk.web.async_client import AsyncWebClient

from entrypoints.simulation.slack.event_log import Call, EventRaised, Post
from entrypoints.simulation.slack.models import MAX_MESSAGES, format_ts, parse_ts
from entrypoints.simulation.slack.people import escape
from entrypoints.simulation.slack.rate_limits import RateLimits
from entrypoints.simulation.slack.server import SlackServer
from entrypoints.simulation.slack.workspace import WorkspaceState


async def test_a_subscription_has_every_event_in_order_until_the_server_closes() -> None:
    async with SlackServer() as slack:
        slack.add_channel("ops")
        subscription = slack.log.subscribe()
        slack.say("owner", "ops", "hello")
        ts = slack.say("owner", "ops", "hello again")
        slack.edit("ops", ts, "good bye")
    raised = [logged.event async for logged in subscription if isinstance(logged, EventRaised)]
    assert [event.get("subtype", event.get("text")) for event in raised] == [
        "hello",
        "hello again",
        "message_changed",
    ]


async def test_posts_and_calls_are_published(slack: SlackServer, web: AsyncWebClient) -> None:
    slack.invite("ops", slack.bot_user_id)
    subscription = slack.log.subscribe()
    await web.chat_postMessage(channel="#ops", text="hi")
    assert [type(event) for event in subscription.drain()] == [EventRaised, Post, Call]


def test_a_channel_discards_its_oldest_messages() -> None:
    workspace = WorkspaceState(lambda _event: None)
    channel = workspace.add_channel("ops", "channel", [])
    parent = workspace.post(channel, {"text": "parent"})
    workspace.post(channel, {"text": "reply"}, thread_ts=parent.ts)
    for number in range(MAX_MESSAGES):
        workspace.post(channel, {"text": str(number)})
    assert len(channel.messages) <= MAX_MESSAGES
    assert channel.listed == [ts for ts in channel.messages if channel.messages[ts].is_listed]


def test_timestamps_increase_even_when_the_clock_stands_still() -> None:
    workspace = WorkspaceState(lambda _event: None, now=lambda: 1_700_000_000.5)
    assert [workspace.next_ts() for _ in range(3)] == ["1700000000.500000", "1700000000.500001", "1700000000.500002"]


@pytest.mark.parametrize(("ts", "moment"), [("0", 0), ("12", 12_000_000), ("1.5", 1_500_000), ("1.000001", 1_000_001)])
def test_timestamps_of_any_precision_are_parsed(ts: str, moment: int) -> None:
    assert parse_ts(ts) == moment


@pytest.mark.parametrize("ts", ["", "soon", "-1", "1.x", "1e5"])
def test_invalid_timestamps_are_rejected(ts: str) -> None:
    with pytest.raises(ValueError, match=r".*"):
        parse_ts(ts)


def test_timestamps_are_formatted_with_six_digits() -> None:
    assert format_ts(1_700_000_000_000_042) == "1700000000.000042"


def test_replies_to_an_unknown_message_are_not_listed() -> None:
    raised: list[EventRaised] = []
    workspace = WorkspaceState(raised.append)
    channel = workspace.add_channel("ops", "channel", [])
    workspace.post(channel, {"text": "lost"}, thread_ts="1700000000.000042")
    assert channel.listed == []
    assert raised[0].event["thread_ts"] == "1700000000.000042"


def test_deleting_a_reply_updates_the_reply_count() -> None:
    workspace = WorkspaceState(lambda _event: None)
    channel = workspace.add_channel("ops", "channel", [])
    parent = workspace.post(channel, {"text": "parent"})
    reply = workspace.post(channel, {"text": "reply"}, thread_ts=parent.ts)
    assert parent.as_json(with_metadata=False)["reply_count"] == 1
    workspace.delete(channel, reply)
    assert "reply_count" not in parent.as_json(with_metadata=False)


def test_rate_limits_recover_with_time() -> None:
    now = [0.0]
    limits = RateLimits(clock=lambda: now[0])
    limits.posts, limits.post_burst, limits.posts_per_second = True, 1, 0.5
    assert limits.retry_after("chat.postMessage", None, "C1") is None
    assert limits.retry_after("chat.postMessage", None, "C1") == 2
    now[0] = 2.0
    assert limits.retry_after("chat.postMessage", None, "C1") is None


def test_a_post_over_the_methods_limit_does_not_count_for_the_channel() -> None:
    now = [0.0]
    limits = RateLimits(clock=lambda: now[0])
    limits.posts, limits.post_burst, limits.posts_per_second = True, 1, 0.001
    limits.per_minute["chat.postMessage"] = 1
    assert limits.retry_after("chat.postMessage", None, "C1") is None
    assert limits.retry_after("chat.postMessage", None, "C2") == 60
    now[0] = 60.0
    assert limits.retry_after("chat.postMessage", None, "C2") is None


def test_typed_text_is_escaped_as_slack_does() -> None:
    assert escape("a < b & c > d") == "a &lt; b &amp; c &gt; d"
