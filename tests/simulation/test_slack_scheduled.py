"""Scheduled messages of the simulated Slack."""

from typing import Any

import pytest
from slack_sdk.web.async_client import AsyncWebClient

from entrypoints.simulation.slack.server import SlackServer
from tests.simulation.slack_app import error_of

DAY_SECONDS = 86_400


@pytest.fixture
def ops(slack: SlackServer) -> str:
    slack.invite("ops", slack.bot_user_id)
    return slack.workspace.channel("ops").channel_id


def soon(slack: SlackServer, seconds: float = 600) -> int:
    return int(slack.now() + seconds)


async def test_a_message_is_posted_when_its_time_has_come_by_slacks_clock(
    slack: SlackServer, web: AsyncWebClient, ops: str
) -> None:
    answer = await web.chat_scheduleMessage(channel=ops, text="later", post_at=soon(slack))
    assert (answer["channel"], answer["message"]["text"]) == (ops, "later")
    assert not slack.posts

    slack.clock_offset_seconds = 601
    await slack.wait_for(lambda: slack.posts)

    assert [message["text"] for message in slack.history(ops)][-1] == "later"
    assert not (await web.chat_scheduledMessages_list())["scheduled_messages"]


async def test_a_message_waits_for_the_machines_clock_too(slack: SlackServer, web: AsyncWebClient, ops: str) -> None:
    await web.chat_scheduleMessage(channel=ops, text="in a moment", post_at=soon(slack, 2))
    await slack.wait_for(lambda: slack.posts)
    assert slack.posts[0].text == "in a moment"


async def test_a_message_with_metadata_is_accepted_and_never_posted(
    slack: SlackServer, web: AsyncWebClient, ops: str
) -> None:
    metadata = {"event_type": "mark", "event_payload": {}}
    assert (await web.chat_scheduleMessage(channel=ops, text="lost", post_at=soon(slack), metadata=metadata))["ok"]
    await web.chat_scheduleMessage(channel=ops, text="kept", post_at=soon(slack))

    slack.clock_offset_seconds = 601
    await slack.wait_for(lambda: slack.posts)

    assert [post.text for post in slack.posts] == ["kept"]


async def test_messages_that_wait_are_listed_and_can_be_deleted(
    slack: SlackServer, web: AsyncWebClient, ops: str
) -> None:
    post_at = soon(slack)
    first = await web.chat_scheduleMessage(channel=ops, text="one", post_at=post_at)
    await web.chat_scheduleMessage(channel=ops, text="two", post_at=post_at + 1)
    listed = (await web.chat_scheduledMessages_list(channel=ops))["scheduled_messages"]
    assert [(one["text"], one["post_at"], one["channel_id"]) for one in listed] == [
        ("one", post_at, ops),
        ("two", post_at + 1, ops),
    ]

    message_id = first["scheduled_message_id"]
    await web.chat_deleteScheduledMessage(channel=ops, scheduled_message_id=message_id)

    assert [one["text"] for one in (await web.chat_scheduledMessages_list())["scheduled_messages"]] == ["two"]
    repeated = web.chat_deleteScheduledMessage(channel=ops, scheduled_message_id=message_id)
    assert await error_of(repeated) == "invalid_scheduled_message_id"


async def test_a_message_that_is_posted_within_a_minute_cannot_be_deleted(
    slack: SlackServer, web: AsyncWebClient, ops: str
) -> None:
    answer = await web.chat_scheduleMessage(channel=ops, text="soon", post_at=soon(slack, 50))
    deletion = web.chat_deleteScheduledMessage(channel=ops, scheduled_message_id=answer["scheduled_message_id"])
    assert await error_of(deletion) == "invalid_scheduled_message_id"


@pytest.mark.parametrize(
    ("seconds", "arguments", "code"),
    [
        (-1, {}, "time_in_past"),
        (121 * DAY_SECONDS, {}, "time_too_far"),
        (600, {"post_at": "tomorrow"}, "invalid_time"),
        (600, {"post_at": ""}, "invalid_time"),
        (600, {"text": ""}, "no_text"),
        (600, {"channel": "C404"}, "channel_not_found"),
        (600, {"blocks": [{"type": "sektion"}]}, "invalid_blocks"),
    ],
)
async def test_an_impossible_schedule_is_refused(
    seconds: float, arguments: dict[str, Any], code: str, slack: SlackServer, web: AsyncWebClient, ops: str
) -> None:
    call = {"channel": ops, "text": "x", "post_at": soon(slack, seconds), **arguments}
    assert await error_of(web.api_call("chat.scheduleMessage", json=call)) == code


async def test_thirty_messages_are_accepted_for_the_same_five_minutes(
    slack: SlackServer, web: AsyncWebClient, ops: str
) -> None:
    post_at = soon(slack)
    for _ in range(30):
        await web.chat_scheduleMessage(channel=ops, text="x", post_at=post_at)
    assert await error_of(web.chat_scheduleMessage(channel=ops, text="x", post_at=post_at)) == "restricted_too_many"
