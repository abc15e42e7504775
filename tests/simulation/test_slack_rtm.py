"""RTM of the simulated Slack, for classic apps."""

import re
from collections.abc import AsyncIterator

import aiohttp
import pytest
from slack_sdk.web.async_client import AsyncWebClient

from entrypoints.simulation.faults import Slow
from entrypoints.simulation.slack.server import SlackServer
from tests.simulation.slack_app import Json, SlackApp, error_of, web_client


@pytest.fixture
async def classic() -> AsyncIterator[SlackServer]:
    async with SlackServer(classic=True) as slack:
        slack.add_channel("ops", members=[slack.bot_user_id])
        yield slack


@pytest.fixture
def classic_app(classic: SlackServer, session: aiohttp.ClientSession) -> SlackApp:
    return SlackApp(classic, session)


async def test_a_granular_token_is_rejected(web: AsyncWebClient) -> None:
    assert await error_of(web.rtm_connect()) == "not_allowed_token_type"


async def test_connecting_returns_the_bots_identity(classic: SlackServer, session: aiohttp.ClientSession) -> None:
    answer = await web_client(classic, session).rtm_connect()
    assert (answer["self"]["id"], answer["team"]["id"]) == (classic.bot_user_id, classic.team_id)


async def test_a_url_is_valid_once_and_for_rtm_only(classic: SlackServer, session: aiohttp.ClientSession) -> None:
    url = (await web_client(classic, session).rtm_connect())["url"]
    async with session.ws_connect(url):
        with pytest.raises(aiohttp.WSServerHandshakeError):
            await session.ws_connect(url)
    other = (await web_client(classic, session).rtm_connect())["url"].replace("/websocket/", "/link/?ticket=")
    with pytest.raises(aiohttp.WSServerHandshakeError):
        await session.ws_connect(other)


async def test_the_ticket_is_in_the_path_because_clients_overwrite_the_query(
    classic: SlackServer, classic_app: SlackApp, session: aiohttp.ClientSession
) -> None:
    url = (await web_client(classic, session).rtm_connect())["url"]
    assert re.fullmatch(r"ws://[\d.:]+/websocket/\w+", url)
    async with session.ws_connect(f"{url}?batch_presence_aware=1") as socket:
        assert (await classic_app.frame(socket))["type"] == "hello"


async def test_starting_also_returns_all_that_the_bot_sees(
    classic: SlackServer, session: aiohttp.ClientSession
) -> None:
    classic.add_channel("hidden", private=True)
    answer = await web_client(classic, session).api_call("rtm.start")
    assert answer["url"].startswith("ws://")
    assert [channel["name"] for channel in answer["channels"]] == ["ops"]
    assert (answer["groups"], answer["ims"]) == ([], [])
    assert classic.bot_user_id in [user["id"] for user in answer["users"]]
    assert [bot["id"] for bot in answer["bots"]] == [classic.bot_id]


async def test_messages_are_sent_without_envelope_to_every_connection(
    classic: SlackServer, classic_app: SlackApp
) -> None:
    async with await classic_app.open_rtm() as first, await classic_app.open_rtm() as second:
        ts = classic.say("owner", "ops", "hello")
        frames = [await classic_app.frame(socket) for socket in (first, second)]
    assert frames[0] == frames[1]
    assert (frames[0]["type"], frames[0]["text"], frames[0]["ts"]) == ("message", "hello", ts)
    assert not {"channel_type", "team", "event", "envelope_id"} & set(frames[0])


async def test_a_mention_is_sent_as_a_message_only(classic: SlackServer, classic_app: SlackApp) -> None:
    async with await classic_app.open_rtm() as socket:
        classic.say("owner", "ops", f"<@{classic.bot_user_id}>")
        classic.say("owner", "ops", "next")
        assert [(await classic_app.frame(socket))["type"] for _ in range(2)] == ["message", "message"]


async def test_messages_posted_while_disconnected_are_not_sent(classic: SlackServer, classic_app: SlackApp) -> None:
    classic.say("owner", "ops", "missed")
    async with await classic_app.open_rtm() as socket:
        classic.say("owner", "ops", "received")
        assert (await classic_app.frame(socket))["text"] == "received"
    assert not classic.unacknowledged


async def test_a_ping_is_answered_with_its_number(classic_app: SlackApp) -> None:
    async with await classic_app.open_rtm() as socket:
        await socket.send_json({"type": "ping", "id": 7, "time": 12})
        assert await classic_app.frame(socket) == {"type": "pong", "reply_to": 7, "time": 12}


async def test_the_bot_can_post_through_the_socket(classic: SlackServer, classic_app: SlackApp) -> None:
    ops = classic.workspace.channel("ops").channel_id
    async with await classic_app.open_rtm() as socket:
        await socket.send_json({"id": 1, "type": "message", "channel": ops, "text": "hi"})
        reply = await classic_app.frame(socket)
    posted = classic.history(ops)[-1]
    assert reply == {"ok": True, "reply_to": 1, "ts": posted["ts"], "text": "hi"}
    assert (posted["text"], posted["bot_id"]) == ("hi", classic.bot_id)
    assert [(post.channel, post.text, post.ts) for post in classic.posts] == [(ops, "hi", posted["ts"])]


async def test_a_post_through_the_socket_is_sent_to_the_bots_other_sockets(
    classic: SlackServer, classic_app: SlackApp
) -> None:
    ops = classic.workspace.channel("ops").channel_id
    async with await classic_app.open_rtm() as socket, await classic_app.open_rtm() as other:
        await socket.send_json({"id": 1, "type": "message", "channel": ops, "text": "hi"})
        assert (await classic_app.frame(other))["text"] == "hi"


async def test_a_reply_can_be_posted_through_the_socket(classic: SlackServer, classic_app: SlackApp) -> None:
    ops = classic.workspace.channel("ops").channel_id
    parent = classic.say("owner", ops, "question")
    async with await classic_app.open_rtm() as socket:
        await socket.send_json({"id": 1, "type": "message", "channel": ops, "text": "answer", "thread_ts": parent})
        assert (await classic_app.frame(socket))["ok"]
    assert [message["text"] for message in classic.history(ops, parent)] == ["question", "answer"]


@pytest.mark.parametrize("message", [{"channel": "C404"}, {"channel": "hidden"}, {"text": ""}, {"text": "x" * 4_001}])
async def test_a_post_that_is_impossible_is_refused_with_its_number(
    message: Json, classic: SlackServer, classic_app: SlackApp
) -> None:
    classic.add_channel("hidden", channel_id="hidden")
    post = {"id": 2, "type": "message", "channel": classic.workspace.channel("ops").channel_id, "text": "hi"}
    async with await classic_app.open_rtm() as socket:
        await socket.send_json(post | message)
        reply = await classic_app.frame(socket)
    assert (reply["ok"], reply["reply_to"], reply["error"]["code"]) == (False, 2, 2)
    assert not classic.posts


async def test_typing_is_not_answered(classic: SlackServer, classic_app: SlackApp) -> None:
    async with await classic_app.open_rtm() as socket:
        await socket.send_json({"id": 1, "type": "typing", "channel": classic.workspace.channel("ops").channel_id})
        await socket.send_json({"id": 2, "type": "ping"})
        assert await classic_app.frame(socket) == {"type": "pong", "reply_to": 2}


@pytest.mark.parametrize("frame", ["not json", "[]", "{}"])
async def test_malformed_frames_are_ignored(frame: str, classic: SlackServer, classic_app: SlackApp) -> None:
    async with await classic_app.open_rtm() as socket:
        await socket.send_str(frame)
        await classic.wait_for(lambda: classic.counters["malformed_frames"])
        await socket.send_json({"type": "ping", "id": 1})
        assert (await classic_app.frame(socket))["type"] == "pong"


async def test_joining_and_leaving_are_sent(classic: SlackServer, classic_app: SlackApp) -> None:
    secret = classic.add_channel("secret", private=True)
    async with await classic_app.open_rtm() as socket:
        classic.invite("secret", classic.bot_user_id)
        frames = [await classic_app.frame(socket) for _ in range(3)]
        classic.kick("secret", classic.bot_user_id)
        frames += [await classic_app.frame(socket) for _ in range(2)]
    assert [frame.get("subtype") or frame["type"] for frame in frames] == [
        "group_joined",
        "member_joined_channel",
        "group_join",
        "member_left_channel",
        "group_left",
    ]
    assert (frames[0]["channel"]["id"], frames[-1]["channel"]) == (secret, secret)


async def test_goodbye_precedes_the_close(classic: SlackServer, classic_app: SlackApp) -> None:
    async with await classic_app.open_rtm() as socket:
        classic.disconnect(close_after_seconds=0)
        assert (await classic_app.frame(socket))["type"] == "goodbye"
        await classic_app.wait_closed(socket)


async def test_a_reconnect_url_opens_the_next_connection(
    classic: SlackServer, classic_app: SlackApp, session: aiohttp.ClientSession
) -> None:
    url = (await web_client(classic, session).rtm_connect())["url"]
    async with session.ws_connect(url) as socket:
        _, offer = await classic_app.frame(socket), await classic_app.frame(socket)
        async with session.ws_connect(offer["url"]) as following:
            assert (await classic_app.frame(following))["type"] == "hello"


async def test_nothing_is_sent_before_hello(classic: SlackServer, session: aiohttp.ClientSession) -> None:
    classic.faults.plan("websocket.hello", Slow(0.05))
    url = (await web_client(classic, session).rtm_connect())["url"]
    async with session.ws_connect(url) as socket:
        await classic.wait_for(lambda: classic.connections)
        classic.say("owner", "ops", "too early")
        assert (await socket.receive_json(timeout=5))["type"] == "hello"


async def test_sockets_can_be_dropped_and_silenced(classic: SlackServer, classic_app: SlackApp) -> None:
    async with await classic_app.open_rtm() as dropped:
        classic.drop_sockets()
        await classic_app.wait_closed(dropped)
    async with await classic_app.open_rtm() as silent:
        classic.silence_sockets()
        classic.say("owner", "ops", "missed")
        with pytest.raises(TimeoutError):
            await silent.receive(timeout=0.05)
