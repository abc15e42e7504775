"""The events that the simulated Slack delivers to an app."""

from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest
from slack_sdk.web.async_client import AsyncWebClient

from entrypoints.simulation.slack.server import SlackServer
from tests.simulation.slack_app import Json, SlackApp, WebSocket


class EventReader:
    """Reads events from an open socket."""

    def __init__(self, slack: SlackServer, app: SlackApp, socket: WebSocket) -> None:
        self._slack = slack
        self._app = app
        self._socket = socket

    async def event(self, *ignored: str) -> Json:
        while (event := await self._app.event(self._socket)).get("subtype") in ignored and ignored:
            pass
        return event

    async def read_all(self) -> list[str]:
        """Returns the subtype or type of all events so far, up to a marker that it sends."""
        self._slack.raw_event({"type": "marker"})
        kinds: list[str] = []
        while (event := await self.event())["type"] != "marker":
            kinds.append(event.get("subtype") or event["type"])
        return kinds


@pytest.fixture
async def reader(slack: SlackServer, app: SlackApp) -> AsyncIterator[EventReader]:
    slack.workspace.channel("ops").members[slack.bot_user_id] = None
    async with await app.open_socket() as socket:
        yield EventReader(slack, app, socket)


async def test_a_message_event_has_the_fields_of_slacks(slack: SlackServer, reader: EventReader) -> None:
    ts = slack.say("alice", "ops", "hello")
    event = await reader.event()
    assert event.pop("client_msg_id")
    assert event == {
        "type": "message",
        "channel": slack.workspace.channel("ops").channel_id,
        "channel_type": "channel",
        "user": slack.workspace.user("alice").user_id,
        "text": "hello",
        "ts": ts,
        "event_ts": ts,
        "team": slack.team_id,
        "blocks": [
            {
                "type": "rich_text",
                "block_id": "text",
                "elements": [{"type": "rich_text_section", "elements": [{"type": "text", "text": "hello"}]}],
            }
        ],
    }


async def test_the_event_callback_names_team_app_and_event(
    slack: SlackServer, reader: EventReader, app: SlackApp
) -> None:
    async with await app.open_socket() as socket:
        slack.say("alice", "ops", "one")
        slack.say("alice", "ops", "two")
        body = (await app.frame(socket))["payload"]
    assert (body["type"], body["team_id"], body["api_app_id"]) == (
        "event_callback",
        slack.team_id,
        slack.workspace.app_id,
    )
    assert body["event_id"].startswith("Ev")
    assert body["authorizations"][0]["user_id"] == slack.bot_user_id
    assert body["is_ext_shared_channel"] is False
    assert abs(body["event_time"] - float(body["event"]["ts"])) < 5
    await reader.event()


async def test_messages_outside_the_bots_channels_raise_no_event(slack: SlackServer, reader: EventReader) -> None:
    slack.add_channel("elsewhere", members=["alice"])
    slack.say("alice", "elsewhere", "secretly")
    assert await reader.read_all() == []


async def test_a_mention_raises_two_events_with_different_ids(slack: SlackServer, reader: EventReader) -> None:
    ts = slack.say("alice", "ops", f"hey <@{slack.bot_user_id}>")
    events = [await reader.event(), await reader.event()]
    assert [event["type"] for event in events] == ["message", "app_mention"]
    assert [event["ts"] for event in events] == [ts, ts]
    await slack.wait_for(lambda: len(slack.acknowledged) == 2)
    assert len({entry.event_id for entry in slack.acknowledged.values()}) == 2


async def test_the_bots_own_posts_raise_no_mention(
    slack: SlackServer, web: AsyncWebClient, reader: EventReader
) -> None:
    await web.chat_postMessage(channel="#ops", text=f"I am <@{slack.bot_user_id}>")
    assert await reader.read_all() == ["message"]


async def test_slacks_own_notices_raise_no_mention(slack: SlackServer, reader: EventReader) -> None:
    slack.say("alice", "ops", f"set the topic: ask <@{slack.bot_user_id}>", subtype="channel_topic")
    assert await reader.read_all() == ["channel_topic"]


async def test_members_leaving_a_channel_without_the_bot_raise_no_event(
    slack: SlackServer, reader: EventReader
) -> None:
    slack.kick("secret", "alice")
    assert await reader.read_all() == []


async def test_a_mention_in_a_direct_message_raises_a_message_event_only(
    slack: SlackServer, reader: EventReader
) -> None:
    slack.say("alice", slack.open_im("alice"), f"hey <@{slack.bot_user_id}>")
    assert await reader.read_all() == ["message"]


@pytest.mark.parametrize("kind", ["channel", "group", "im", "mpim"])
async def test_an_event_names_the_type_of_its_conversation(kind: str, slack: SlackServer, reader: EventReader) -> None:
    slack.add_user("bob")
    places = {
        "channel": "ops",
        "group": slack.add_channel("war-room", private=True, members=[slack.bot_user_id]),
        "im": slack.open_im("alice"),
        "mpim": slack.open_im("alice", "bob"),
    }
    slack.say("alice", places[kind], "hello")
    assert (await reader.event())["channel_type"] == kind


async def test_the_bots_own_posts_have_no_subtype(slack: SlackServer, web: AsyncWebClient, reader: EventReader) -> None:
    mark = {"event_type": "mark", "event_payload": {"id": "7"}}
    answer = await web.chat_postMessage(channel="#ops", text="from me", metadata=mark)
    event = await reader.event()
    assert (event["user"], event["bot_id"], event["ts"]) == (slack.bot_user_id, slack.bot_id, answer["ts"])
    assert "subtype" not in event
    assert event["metadata"] == mark


async def test_a_thread_reply_names_its_thread(slack: SlackServer, reader: EventReader) -> None:
    parent = slack.say("alice", "ops", "question")
    slack.say("alice", "ops", "answer", thread_ts=parent)
    slack.say("alice", "ops", "aloud", thread_ts=parent, broadcast=True)
    events = [await reader.event() for _ in range(3)]
    assert [event.get("thread_ts") for event in events] == [None, parent, parent]
    assert [event.get("subtype") for event in events] == [None, None, "thread_broadcast"]


async def test_a_message_can_have_any_subtype_and_field(slack: SlackServer, reader: EventReader) -> None:
    slack.say("alice", "ops", "see this", subtype="file_share", files=[{"id": "F1"}])
    event = await reader.event()
    assert (event["subtype"], event["files"]) == ("file_share", [{"id": "F1"}])


async def test_another_bots_message_has_no_user(slack: SlackServer, reader: EventReader) -> None:
    slack.say_as_bot("deployer", "ops", "done")
    event = await reader.event()
    assert (event["subtype"], event["username"], "user" in event) == ("bot_message", "deployer", False)


async def test_edits_and_deletions_raise_change_events(slack: SlackServer, reader: EventReader) -> None:
    ts = slack.say("alice", "ops", "frist")
    slack.edit("ops", ts, "first")
    slack.delete("ops", ts)
    _, edit, deletion = [await reader.event() for _ in range(3)]
    assert (edit["subtype"], edit["message"]["text"], edit["previous_message"]["text"]) == (
        "message_changed",
        "first",
        "frist",
    )
    assert (deletion["subtype"], deletion["deleted_ts"], deletion["hidden"]) == ("message_deleted", ts, True)


async def test_a_reaction_names_its_message(slack: SlackServer, reader: EventReader) -> None:
    ts = slack.say("alice", "ops", "nice")
    slack.react("owner", "ops", ts, "tada")
    _, event = [await reader.event() for _ in range(2)]
    assert (event["type"], event["reaction"], event["item"]["ts"]) == ("reaction_added", "tada", ts)
    assert event["item_user"] == slack.workspace.user("alice").user_id


async def test_the_bot_receives_events_about_its_invitation(slack: SlackServer, reader: EventReader) -> None:
    slack.invite("secret", slack.bot_user_id, inviter="alice")
    event = await reader.event()
    assert (event["type"], event["user"], event["channel_type"]) == ("member_joined_channel", slack.bot_user_id, "G")
    assert event["inviter"] == slack.workspace.user("alice").user_id
    assert await reader.read_all() == ["group_join"], "the notice names the bot but is no mention"


async def test_the_bot_receives_events_about_its_removal(slack: SlackServer, reader: EventReader) -> None:
    slack.kick("ops", slack.bot_user_id)
    slack.say("alice", "ops", "finally alone")
    assert await reader.read_all() == ["member_left_channel", "channel_left"]


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (lambda slack: slack.archive("ops"), ["channel_archive", "channel_archive"]),
        (lambda slack: slack.rename("ops", "operations"), ["channel_rename"]),
        (lambda slack: slack.delete_channel("ops"), ["channel_deleted"]),
    ],
)
async def test_the_bot_receives_events_about_changes_of_its_channels(
    change: Any, expected: list[str], slack: SlackServer, reader: EventReader
) -> None:
    change(slack)
    assert await reader.read_all() == expected


async def test_an_archived_channel_can_be_restored(slack: SlackServer, reader: EventReader) -> None:
    slack.archive("ops")
    slack.unarchive("ops")
    assert "channel_unarchive" in await reader.read_all()
    assert not slack.workspace.channel("ops").is_archived


async def test_only_subscribed_events_are_delivered(session: aiohttp.ClientSession) -> None:
    async with SlackServer(subscriptions={"app_mention"}) as slack:
        slack.add_channel("ops", members=[slack.bot_user_id])
        app = SlackApp(slack, session)
        async with await app.open_socket() as socket:
            slack.say("owner", "ops", f"hey <@{slack.bot_user_id}>")
            assert await EventReader(slack, app, socket).read_all() == ["app_mention"]


async def test_any_event_can_be_delivered(slack: SlackServer, reader: EventReader) -> None:
    event_id = slack.raw_event({"type": "tokens_revoked", "tokens": {"bot": [slack.bot_user_id]}}, event_id="EvMine")
    assert event_id == "EvMine"
    assert (await reader.event())["type"] == "tokens_revoked"
    await slack.wait_for(lambda: "EvMine" in slack.acknowledged)


async def test_a_body_without_an_event_can_be_delivered(slack: SlackServer, app: SlackApp) -> None:
    async with await app.open_socket() as socket:
        slack.raw_body({"type": "app_rate_limited", "minute_rate_limited": 1})
        assert (await app.frame(socket))["payload"]["type"] == "app_rate_limited"


async def test_unknown_users_channels_and_messages_raise_a_lookup_error(slack: SlackServer) -> None:
    with pytest.raises(LookupError, match="no user 'mallory'"):
        slack.say("mallory", "ops", "hi")
    with pytest.raises(LookupError, match="no channel 'nowhere'"):
        slack.say("alice", "nowhere", "hi")
    with pytest.raises(LookupError, match="no message"):
        slack.edit("ops", "1.000001", "hi")
