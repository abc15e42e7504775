"""Socket Mode of the simulated Slack: connections, acknowledgement, redelivery and disconnection."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Iterable

import aiohttp
import pytest

from entrypoints.simulation.faults import Hang, Reset, Slow
from entrypoints.simulation.slack.faults import http_status
from entrypoints.simulation.slack.server import SlackServer
from tests.simulation.slack_app import SlackApp, WebSocket

DEADLINE_SECONDS = 0.05


@contextlib.asynccontextmanager
async def impatient_slack(
    *,
    retry_seconds: Iterable[float] = (0.0, DEADLINE_SECONDS, DEADLINE_SECONDS),
    ping_seconds: float = 5.0,
) -> AsyncIterator[SlackServer]:
    """A Slack with short deadlines."""
    async with SlackServer(
        acknowledgement_seconds=DEADLINE_SECONDS, retry_seconds=retry_seconds, ping_seconds=ping_seconds
    ) as slack:
        slack.add_channel("ops", members=[slack.bot_user_id])
        yield slack


@pytest.fixture
def _in_ops(slack: SlackServer) -> None:
    slack.workspace.channel("ops").members[slack.bot_user_id] = None


async def test_hello_has_the_number_of_connections(
    slack: SlackServer, app: SlackApp, session: aiohttp.ClientSession
) -> None:
    async with session.ws_connect(await app.new_url()) as first, session.ws_connect(await app.new_url()) as second:
        hellos = [await app.frame(first), await app.frame(second)]
    assert [hello["num_connections"] for hello in hellos] == [1, 2]
    assert hellos[0]["connection_info"] == {"app_id": slack.workspace.app_id}
    assert hellos[0]["debug_info"]["approximate_connection_time"] == 3600


async def test_a_url_is_valid_once(slack: SlackServer, app: SlackApp, session: aiohttp.ClientSession) -> None:
    url = await app.new_url()
    async with session.ws_connect(url):
        with pytest.raises(aiohttp.WSServerHandshakeError) as error:
            await session.ws_connect(url)
    assert error.value.status == 403
    assert slack.counters["refused_tickets"] == 1


@pytest.mark.usefixtures("_in_ops")
async def test_an_acknowledged_event_is_completed(slack: SlackServer, app: SlackApp) -> None:
    async with await app.open_socket() as socket:
        ts = slack.say("alice", "ops", "hello")
        envelope = await app.frame(socket)
        assert (envelope["type"], envelope["accepts_response_payload"]) == ("events_api", False)
        assert (envelope["retry_attempt"], envelope["retry_reason"]) == (0, "")
        assert len(slack.unacknowledged) == 1
        await app.acknowledge(socket, envelope)
        await slack.wait_for(lambda: slack.is_acknowledged(slack.workspace.channel("ops").channel_id, ts))
    assert not slack.unacknowledged
    assert slack.acknowledged[envelope["payload"]["event_id"]].attempt == 0


@pytest.mark.usefixtures("_in_ops")
async def test_each_event_goes_to_one_connection_in_turn(slack: SlackServer, app: SlackApp) -> None:
    async with await app.open_socket() as first, await app.open_socket() as second:
        for number in range(4):
            slack.say("alice", "ops", str(number))
        texts = [[(await app.event(socket))["text"] for _ in range(2)] for socket in (first, second)]
    assert sorted(texts) == [["0", "2"], ["1", "3"]]


@pytest.mark.usefixtures("_in_ops")
async def test_events_wait_for_a_connection(slack: SlackServer, app: SlackApp) -> None:
    slack.say("alice", "ops", "early")
    async with await app.open_socket() as socket:
        assert (await app.event(socket))["text"] == "early"


async def test_an_unacknowledged_event_is_retried_until_slack_gives_up(session: aiohttp.ClientSession) -> None:
    async with impatient_slack() as slack:
        app = SlackApp(slack, session)
        async with await app.open_socket() as socket:
            slack.say("owner", "ops", "hello")
            envelopes = [await app.frame(socket) for _ in range(4)]
            await slack.wait_for(lambda: slack.counters["given_up"] == 1)
            assert [envelope["retry_attempt"] for envelope in envelopes] == [0, 1, 2, 3]
            assert [envelope["retry_reason"] for envelope in envelopes] == ["", "timeout", "timeout", "timeout"]
            assert len({envelope["payload"]["event_id"] for envelope in envelopes}) == 1
            assert len({envelope["envelope_id"] for envelope in envelopes}) == 4
            assert next(iter(slack.unacknowledged.values())).is_given_up


async def test_a_late_acknowledgement_is_ignored(session: aiohttp.ClientSession) -> None:
    async with impatient_slack(retry_seconds=[0.0] * 100) as slack:
        app = SlackApp(slack, session)
        async with await app.open_socket() as socket:
            slack.say("owner", "ops", "hello")
            late, _ = await app.frame(socket), await app.frame(socket)
            await app.acknowledge(socket, late)
            await slack.wait_for(lambda: slack.counters["late_acknowledgements"])
            assert not slack.acknowledged
            async with asyncio.TaskGroup() as tasks:
                prompt = tasks.create_task(acknowledge_all(app, socket))
                await slack.wait_for(lambda: slack.acknowledged)
                prompt.cancel()


async def acknowledge_all(app: SlackApp, socket: WebSocket) -> None:
    while True:
        await app.event(socket)


@pytest.mark.usefixtures("_in_ops")
async def test_unacknowledged_events_of_a_dropped_connection_go_to_the_next(slack: SlackServer, app: SlackApp) -> None:
    slack.socket_mode.acknowledgement_seconds = 60
    async with await app.open_socket() as first:
        slack.say("alice", "ops", "hello")
        await app.frame(first)
        slack.drop_sockets()
        await app.wait_closed(first)
    async with await app.open_socket() as second:
        envelope = await app.frame(second)
        assert (envelope["retry_attempt"], envelope["payload"]["event"]["text"]) == (1, "hello")


@pytest.mark.usefixtures("_in_ops")
async def test_acknowledged_events_can_be_redelivered(slack: SlackServer, app: SlackApp) -> None:
    async with await app.open_socket() as socket:
        slack.say("alice", "ops", "one")
        slack.say("alice", "ops", "two")
        for _ in range(2):
            await app.event(socket)
        await slack.wait_for(lambda: len(slack.acknowledged) == 2)
        assert slack.deliveries.redeliver() == 2
        assert [(await app.event(socket))["text"] for _ in range(2)] == ["one", "two"]
        await slack.wait_for(lambda: not slack.unacknowledged)


@pytest.mark.usefixtures("_in_ops")
async def test_unacknowledged_events_can_be_discarded(slack: SlackServer, app: SlackApp) -> None:
    slack.say("alice", "ops", "lost")
    assert slack.deliveries.discard_unacknowledged() == 1
    async with await app.open_socket() as socket:
        slack.say("alice", "ops", "kept")
        assert (await app.event(socket))["text"] == "kept"


async def test_the_eleventh_connection_is_refused(
    slack: SlackServer, app: SlackApp, session: aiohttp.ClientSession
) -> None:
    async with contextlib.AsyncExitStack() as stack:
        for _ in range(10):
            await stack.enter_async_context(await app.open_socket())
        async with session.ws_connect(await app.new_url()) as extra:
            frame = await app.frame(extra)
            assert (frame["type"], frame["reason"]) == ("disconnect", "too_many_websockets")
            await app.wait_closed(extra)
        await slack.wait_for(lambda: len(slack.connections) == 10)


async def test_connections_are_refused_while_socket_mode_is_disabled(
    slack: SlackServer, app: SlackApp, session: aiohttp.ClientSession
) -> None:
    slack.socket_mode.is_enabled = False
    async with session.ws_connect(await app.new_url()) as socket:
        assert (await app.frame(socket))["reason"] == "link_disabled"
        await app.wait_closed(socket)


@pytest.mark.usefixtures("_in_ops")
async def test_a_closing_connection_still_takes_acknowledgements(slack: SlackServer, app: SlackApp) -> None:
    async with await app.open_socket() as socket:
        slack.say("alice", "ops", "before")
        envelope = await app.frame(socket)
        slack.disconnect(close_after_seconds=60)
        assert (await app.frame(socket))["type"] == "disconnect"
        slack.say("alice", "ops", "after")
        await app.acknowledge(socket, envelope)
        await slack.wait_for(lambda: slack.acknowledged)
    async with await app.open_socket() as fresh:
        envelope = await app.frame(fresh)
        assert (envelope["payload"]["event"]["text"], envelope["retry_attempt"]) == ("after", 0)


@pytest.mark.parametrize("reason", ["refresh_requested", "link_disabled", "too_many_websockets"])
async def test_a_disconnect_has_a_reason_and_closes_the_connection(
    reason: str, slack: SlackServer, app: SlackApp
) -> None:
    async with await app.open_socket() as socket:
        slack.disconnect(reason, close_after_seconds=0)
        assert (await app.frame(socket))["reason"] == reason
        await app.wait_closed(socket)
    await slack.wait_for(lambda: not slack.connections)


@pytest.mark.usefixtures("_in_ops")
async def test_a_warning_does_not_close_the_connection(slack: SlackServer, app: SlackApp) -> None:
    async with await app.open_socket() as socket:
        slack.disconnect("warning")
        assert (await app.frame(socket))["reason"] == "warning"
        slack.say("alice", "ops", "still here")
        assert (await app.event(socket))["text"] == "still here"


async def test_a_silent_connection_sends_nothing(session: aiohttp.ClientSession) -> None:
    async with impatient_slack(ping_seconds=0.01) as slack:
        app = SlackApp(slack, session)
        async with await app.open_socket() as silent:
            slack.silence_sockets()
            slack.say("owner", "ops", "hello")
            await slack.wait_for(lambda: slack.counters["given_up"])
            assert slack.counters["deliveries"] == 4
            assert len(slack.connections) == 1
            frames = await received_frames(silent)
    assert {frame.type for frame in frames} <= {aiohttp.WSMsgType.PING}, "only earlier pings"


@pytest.mark.usefixtures("_in_ops")
async def test_a_silent_connection_ignores_acknowledgements(slack: SlackServer, app: SlackApp) -> None:
    async with await app.open_socket() as silent:
        slack.say("alice", "ops", "hello")
        envelope = await app.frame(silent)
        slack.silence_sockets()
        await app.acknowledge(silent, envelope)
    await slack.wait_for(lambda: not slack.connections)
    assert not slack.acknowledged


async def received_frames(socket: WebSocket) -> list[aiohttp.WSMessage]:
    """Returns the frames received so far."""
    frames = []
    with contextlib.suppress(TimeoutError):
        while True:
            frames.append(await socket.receive(timeout=0.02))
    return frames


async def test_connections_are_pinged(session: aiohttp.ClientSession) -> None:
    async with impatient_slack(ping_seconds=0.01) as slack, await SlackApp(slack, session).open_socket() as socket:
        assert (await socket.receive(timeout=5)).type is aiohttp.WSMsgType.PING


async def test_pings_from_the_app_are_answered(app: SlackApp) -> None:
    async with await app.open_socket() as socket:
        await socket.ping(b"there?")
        answer = await socket.receive(timeout=5)
        assert (answer.type, bytes(answer.data)) == (aiohttp.WSMsgType.PONG, b"there?")


async def test_the_handshake_can_fail(slack: SlackServer, app: SlackApp, session: aiohttp.ClientSession) -> None:
    slack.faults.plan("websocket", http_status(409))
    url = await app.new_url()
    with pytest.raises(aiohttp.WSServerHandshakeError) as error:
        await session.ws_connect(url)
    assert error.value.status == 409
    async with session.ws_connect(url) as socket:
        assert (await app.frame(socket))["type"] == "hello", "a failed handshake does not use up the ticket"


async def test_the_handshake_can_be_reset(slack: SlackServer, app: SlackApp, session: aiohttp.ClientSession) -> None:
    slack.faults.plan("websocket", Reset(), times=None)
    with pytest.raises(aiohttp.ClientError):
        await session.ws_connect(await app.new_url())


async def test_hello_can_be_withheld(slack: SlackServer, app: SlackApp, session: aiohttp.ClientSession) -> None:
    slack.faults.plan("websocket.hello", Hang())
    async with session.ws_connect(await app.new_url()) as socket:
        with pytest.raises(TimeoutError):
            await socket.receive(timeout=0.05)
        assert len(slack.connections) == 1


async def test_nothing_is_delivered_before_hello(
    slack: SlackServer, app: SlackApp, session: aiohttp.ClientSession
) -> None:
    slack.faults.plan("websocket.hello", Slow(0.05))
    async with session.ws_connect(await app.new_url()) as socket:
        slack.raw_event({"type": "marker"})
        assert [(await app.frame(socket))["type"] for _ in range(2)] == ["hello", "events_api"]


async def test_any_frame_can_be_sent(slack: SlackServer, app: SlackApp) -> None:
    async with await app.open_socket() as socket:
        slack.raw_frame("{not json")
        slack.raw_frame(b"\x00\x01")
        first, second = await socket.receive(timeout=5), await socket.receive(timeout=5)
    assert (first.data, second.data) == ("{not json", b"\x00\x01")


@pytest.mark.parametrize("frame", ["not json", "[]", "7", '{"no": "envelope"}'])
async def test_malformed_acknowledgements_are_counted_and_ignored(
    frame: str, slack: SlackServer, app: SlackApp
) -> None:
    async with await app.open_socket() as socket:
        await socket.send_str(frame)
        await slack.wait_for(lambda: slack.counters["malformed_frames"])
        slack.raw_event({"type": "marker"})
        assert (await app.event(socket))["type"] == "marker"


async def test_acknowledgements_can_be_lost(session: aiohttp.ClientSession) -> None:
    async with impatient_slack() as slack:
        app = SlackApp(slack, session)
        slack.socket_mode.accepts_acknowledgements = False
        async with await app.open_socket() as socket:
            slack.raw_event({"type": "marker"})
            await app.event(socket)
            assert (await app.frame(socket))["retry_attempt"] == 1


async def test_a_debug_connection_is_announced_as_short_lived(
    slack: SlackServer, app: SlackApp, session: aiohttp.ClientSession
) -> None:
    headers = {"Authorization": f"Bearer {slack.app_token}"}
    async with session.post(
        f"{slack.api_url}apps.connections.open", params={"debug_reconnects": "true"}, headers=headers
    ) as answer:
        url = (await answer.json())["url"]
    async with session.ws_connect(url) as socket:
        assert (await app.frame(socket))["debug_info"]["approximate_connection_time"] == 360


async def test_many_events_are_each_delivered_once(session: aiohttp.ClientSession) -> None:
    async with SlackServer() as slack:
        app = SlackApp(slack, session)
        async with await app.open_socket() as socket:
            for number in range(100):
                slack.add_channel(f"c{number}", members=[slack.bot_user_id])
            for number in range(500):
                slack.say("owner", f"c{number % 100}", str(number))
            texts = [(await app.event(socket))["text"] for _ in range(500)]
            await slack.wait_for(lambda: not slack.unacknowledged)
    assert texts == [str(number) for number in range(500)]


async def test_closing_leaves_no_task_behind(session: aiohttp.ClientSession) -> None:
    before = asyncio.all_tasks()
    async with SlackServer() as slack:
        socket = await SlackApp(slack, session).open_socket()
        slack.faults.plan("auth.test", Hang())
        hanging = asyncio.ensure_future(session.post(f"{slack.api_url}auth.test"))
        await slack.wait_for(lambda: slack.counters["faults"])
    with pytest.raises(aiohttp.ClientError):
        await hanging
    await socket.close()
    leftovers = {task.get_name() for task in asyncio.all_tasks() - before}
    assert not {name for name in leftovers if "socket" in name}
