"""Fault injection in the simulated Flyte, and outages."""

import asyncio

import aiohttp
import pytest

from entrypoints.simulation.faults import Fault, Hang, Reset, Slow
from entrypoints.simulation.flyte import faults
from entrypoints.simulation.flyte.server import FlyteServer
from tests.simulation.flyte_pack import FlytePack, server_and_pack

MESSAGE = {"event": "ReceivedMessage", "payload": {}}


@pytest.mark.parametrize("code", [404, 500, 503])
async def test_a_status_fault_applies_as_often_as_planned_and_nothing_is_processed(code: int) -> None:
    async with server_and_pack() as (flyte, pack):
        flyte.faults.plan("event", faults.status(code), times=2)

        assert [await pack.send_event("X") for _ in range(3)] == [code, code, 202]
        assert len(flyte.events) == 1


async def test_a_fault_can_last_until_it_is_removed() -> None:
    async with server_and_pack() as (flyte, pack):
        planned = flyte.faults.plan("event", faults.status(503), times=None)
        assert [await pack.send_event("X") for _ in range(3)] == [503] * 3
        flyte.faults.remove(planned)
        flyte.faults.remove(planned)

        assert await pack.send_event("X") == 202


async def test_faults_apply_in_order_to_their_own_route() -> None:
    async with server_and_pack() as (flyte, pack):
        flyte.faults.plan("event", faults.status(500))
        flyte.faults.plan("event", faults.status(503))
        flyte.faults.plan("take", faults.status(404), times=None)

        assert [await pack.send_event("X") for _ in range(3)] == [500, 503, 202]
        flyte.faults.clear()
        assert await pack.take() is None


@pytest.mark.parametrize(
    ("fault", "code", "content_type", "start"),
    [
        (faults.html(), 200, "text/html", b"<!DOCTYPE html>"),
        (faults.malformed(), 200, "application/json", b'{"links": ['),
        (faults.redirect("http://127.0.0.1:1/elsewhere"), 302, "application/octet-stream", b""),
    ],
)
async def test_a_canned_response_replaces_the_response(
    fault: Fault, code: int, content_type: str, start: bytes
) -> None:
    async with server_and_pack() as (flyte, pack):
        flyte.queue_action("Slack", "SendMessage")
        flyte.faults.plan("take", fault)
        async with pack.session.post(pack.take_url, allow_redirects=False) as response:
            body = await response.read()

        assert (response.status, response.content_type) == (code, content_type)
        assert body.startswith(start)
        assert flyte.waiting() == 1, "nothing was taken"


async def test_a_redirect_has_its_location() -> None:
    async with server_and_pack() as (flyte, pack):
        flyte.faults.plan("event", faults.redirect("http://127.0.0.1:1/elsewhere"), times=None)
        async with pack.session.post(pack.event_url, json=MESSAGE, allow_redirects=False) as response:
            assert response.headers["Location"] == "http://127.0.0.1:1/elsewhere"


async def test_the_response_to_a_processed_request_can_lack_its_links() -> None:
    async with server_and_pack() as (flyte, pack):
        action_id = flyte.queue_action("Slack", "SendMessage")
        flyte.faults.plan("take", faults.missing_links())
        async with pack.session.post(pack.take_url) as response:
            assert await response.json() == {"command": "SendMessage", "input": None}

        assert flyte.actions[action_id].state == "PENDING"


async def test_the_content_type_can_be_wrong() -> None:
    async with server_and_pack() as (flyte, pack):
        flyte.faults.plan("api", faults.wrong_content_type())
        async with pack.session.get(f"{flyte.api_url}/v1") as response:
            assert response.content_type == "image/png"
            assert b"listPacks" in await response.read()


async def test_a_reset_before_processing_has_no_effect() -> None:
    async with server_and_pack() as (flyte, pack):
        flyte.faults.plan("event", Reset())
        with pytest.raises(aiohttp.ClientError):
            await pack.session.post(pack.event_url, json=MESSAGE)

        assert not flyte.events
        assert await pack.send_event("X") == 202


@pytest.mark.parametrize("route", ["event", "result"])
async def test_a_reset_after_processing_loses_only_the_response(route: str) -> None:
    async with server_and_pack() as (flyte, pack):
        action_id = flyte.queue_action("Slack", "SendMessage")
        taken = await pack.take()
        assert taken is not None
        flyte.faults.plan(route, Reset(after_effect=True))
        url = pack.event_url if route == "event" else taken.result_url
        with pytest.raises(aiohttp.ClientError):
            await pack.session.post(url, json=MESSAGE)

        assert len(flyte.events) + len(flyte.results) == 1
        assert (flyte.actions[action_id].state == "SUCCESS") is (route == "result")


async def test_a_lost_response_to_take_loses_the_action() -> None:
    async with server_and_pack() as (flyte, pack):
        action_id = flyte.queue_action("Slack", "SendMessage")
        flyte.faults.plan("take", Reset(after_effect=True))
        with pytest.raises(aiohttp.ClientError):
            await pack.take()

        assert await pack.take() is None
        assert flyte.actions[action_id].state == "PENDING"


async def test_a_request_can_hang_unprocessed() -> None:
    async with server_and_pack() as (flyte, pack):
        flyte.faults.plan("event", Hang())
        with pytest.raises(TimeoutError):
            await pack.session.post(pack.event_url, json=MESSAGE, timeout=aiohttp.ClientTimeout(total=0.1))
        assert not flyte.events


async def test_a_request_can_hang_after_it_was_processed() -> None:
    async with server_and_pack() as (flyte, pack):
        flyte.faults.plan("event", Hang(after_effect=True))
        request = asyncio.ensure_future(pack.session.post(pack.event_url, json=MESSAGE))
        await flyte.wait_for(lambda: flyte.events)
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(request, 0.1)
        assert len(flyte.events) == 1


async def test_a_hanging_request_does_not_delay_shutdown() -> None:
    async with FlyteServer() as flyte, aiohttp.ClientSession() as session:
        flyte.faults.plan("api", Hang(), times=None)
        request = asyncio.ensure_future(session.get(f"{flyte.api_url}/v1"))
        await flyte.wait_for(lambda: flyte.in_progress("api"))
        await flyte.go_down()
        with pytest.raises(aiohttp.ClientError):
            await request


async def test_a_slow_request_is_processed_later() -> None:
    async with server_and_pack() as (flyte, pack):
        flyte.faults.plan("event", Slow(0.05))
        loop = asyncio.get_running_loop()
        began = loop.time()

        assert await pack.send_event("X") == 202
        assert 0.04 <= loop.time() - began < 2
        assert len(flyte.events) == 1


async def test_a_lost_race_leaves_the_action_or_takes_it_away() -> None:
    async with server_and_pack() as (flyte, pack):
        ids = [flyte.queue_action("Slack", "SendMessage", number) for number in range(2)]
        flyte.faults.plan("take", faults.LostRace())
        flyte.faults.plan("take", faults.LostRace(is_gone=True))
        statuses = []
        for _ in range(2):
            async with pack.session.post(pack.take_url) as response:
                statuses.append(response.status)
        taken = await pack.take()

        assert statuses == [500, 500]
        assert taken is not None
        assert taken.input == 1
        assert flyte.actions[ids[0]].state == "PENDING"


async def take_error(pack: FlytePack) -> aiohttp.ClientError:
    with pytest.raises(aiohttp.ClientError) as error:
        await pack.take()
    return error.value


@pytest.mark.parametrize("how", ["refuse", "reset"])
async def test_a_restarted_server_keeps_its_port_and_state(how: str) -> None:
    async with server_and_pack() as (flyte, pack):
        flyte.queue_action("Slack", "SendMessage")
        url = flyte.api_url
        await flyte.go_down("reset" if how == "reset" else "refuse")
        errors = [await take_error(pack) for _ in range(3)]
        assert isinstance(errors[-1], aiohttp.ClientConnectorError) is (how == "refuse")
        await flyte.come_up()

        assert flyte.api_url == url
        assert await pack.take() is not None


async def test_going_down_resets_requests_in_progress() -> None:
    async with server_and_pack() as (flyte, pack):
        flyte.faults.plan("event", Hang())
        request = asyncio.ensure_future(pack.send_event("X"))
        await flyte.wait_for(lambda: flyte.in_progress("event"))
        await flyte.go_down()
        with pytest.raises(aiohttp.ClientError):
            await request
        await flyte.come_up()

        assert await pack.send_event("X") == 202


async def test_it_can_go_down_and_come_up_repeatedly() -> None:
    async with server_and_pack() as (flyte, pack):
        for _ in range(10):
            await flyte.go_down()
            await flyte.go_down()
            await flyte.come_up()
            await flyte.come_up()
            assert await pack.send_event("X") == 202


async def test_two_servers_cannot_share_a_port() -> None:
    async with FlyteServer() as one:
        port = int(one.api_url.rpartition(":")[2])
        with pytest.raises(OSError, match="in use"):
            async with FlyteServer(port=port):
                pass


async def test_a_port_can_be_chosen() -> None:
    async with FlyteServer() as one:
        port = int(one.api_url.rpartition(":")[2])
    async with FlyteServer(port=port) as again, aiohttp.ClientSession() as session:
        await FlytePack.register(session, again.api_url)

        assert again.api_url.endswith(f":{port}")
