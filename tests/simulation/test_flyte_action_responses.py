"""The simulated Flyte gives out actions and takes results as the real one does."""

import aiohttp
import pytest
import yaml

from tests.simulation.flyte_pack import FlytePack, server_and_pack


async def test_an_action_is_identified_by_its_result_link_only() -> None:
    async with server_and_pack() as (flyte, pack):
        action_id = flyte.queue_action("Slack", "SendMessage", {"message": "hi"})
        async with pack.session.post(pack.take_url) as response:
            body = await response.json()

    assert response.content_type == "application/json"
    assert body == {
        "command": "SendMessage",
        "input": {"message": "hi"},
        "links": [
            {
                "href": f"{flyte.api_url}/v1/packs/Slack/actions/{action_id}/result",
                "rel": f"{flyte.api_url}/swagger#/actionResult",
            }
        ],
    }


async def test_no_action_is_204() -> None:
    async with server_and_pack() as (_, pack), pack.session.post(pack.take_url) as response:
        assert (response.status, await response.read()) == (204, b"")


async def test_actions_are_taken_oldest_first_and_once() -> None:
    async with server_and_pack() as (flyte, pack):
        for number in range(3):
            flyte.queue_action("Slack", "SendMessage", number)
        taken = [await pack.take() for _ in range(4)]

    assert [one.input if one else None for one in taken] == [0, 1, 2, None]


async def test_actions_are_for_packs_of_their_name() -> None:
    async with server_and_pack() as (flyte, pack):
        flyte.queue_action("Rota", "WhoIsOnCall")

        assert await pack.take() is None
        assert flyte.waiting("Rota") == 1


async def test_a_pack_can_take_actions_of_one_name() -> None:
    async with server_and_pack() as (flyte, pack):
        flyte.queue_action("Slack", "SendMessage")
        flyte.queue_action("Slack", "JoinChannel")
        async with pack.session.post(pack.take_url, params={"actionName": "JoinChannel"}) as response:
            assert (await response.json())["command"] == "JoinChannel"


async def test_the_name_of_the_action_may_be_a_form_field() -> None:
    async with server_and_pack() as (flyte, pack):
        flyte.queue_action("Slack", "SendMessage")
        flyte.queue_action("Slack", "JoinChannel")
        async with pack.session.post(pack.take_url, data={"actionName": "JoinChannel"}) as response:
            assert (await response.json())["command"] == "JoinChannel"


async def test_yaml_is_sent_to_those_who_accept_it() -> None:
    headers = {"Accept": "application/x-yaml"}
    async with server_and_pack() as (flyte, pack):
        flyte.queue_action("Slack", "SendMessage", {"message": "hi"})
        async with pack.session.post(pack.take_url, headers=headers) as response:
            assert response.content_type == "application/x-yaml"
            assert yaml.safe_load(await response.text())["input"] == {"message": "hi"}


async def test_head_closes_the_connection_and_options_is_200() -> None:
    async with server_and_pack() as (flyte, pack):
        async with pack.session.options(f"{flyte.api_url}/v1/packs") as response:
            assert response.status == 200
        with pytest.raises(aiohttp.ServerDisconnectedError):
            await pack.session.head(f"{flyte.api_url}/v1")


async def test_a_result_is_accepted_once_and_then_500() -> None:
    async with server_and_pack() as (flyte, pack):
        action_id = flyte.queue_action("Slack", "SendMessage")
        taken = await pack.take()
        assert taken is not None

        assert await pack.complete(taken, "MessageSent", {"n": 1}) == 202
        assert await pack.complete(taken, "MessageSent", {"n": 2}) == 500
        assert flyte.results[action_id].payload == {"n": 1}
        assert flyte.actions[action_id].state == "SUCCESS"


async def test_a_result_for_an_untaken_action_is_500() -> None:
    async with server_and_pack() as (flyte, pack):
        action_id = flyte.queue_action("Slack", "SendMessage")
        url = f"{flyte.api_url}/v1/packs/Slack/actions/{action_id}/result"
        async with pack.session.post(url, json={"event": "MessageSent"}) as response:
            assert response.status == 500


async def test_a_malformed_result_leaves_the_action_pending() -> None:
    async with server_and_pack() as (flyte, pack):
        action_id = flyte.queue_action("Slack", "SendMessage")
        taken = await pack.take()
        assert taken is not None
        async with pack.session.post(taken.result_url, data=b"{") as response:
            assert response.status == 400

        assert flyte.actions[action_id].state == "PENDING"


async def test_a_result_for_an_unknown_action_is_404() -> None:
    async with server_and_pack() as (flyte, pack):
        url = f"{flyte.api_url}/v1/packs/Slack/actions/0123456789abcdef01234567/result"
        async with pack.session.post(url, json={"event": "MessageSent"}) as response:
            assert (response.status, await response.read()) == (404, b"")


async def test_a_result_by_another_pack_closes_the_connection_without_a_response() -> None:
    async with server_and_pack() as (flyte, pack):
        action_id = flyte.queue_action("Slack", "SendMessage")
        assert await pack.take() is not None
        await FlytePack.register(pack.session, flyte.api_url, "Other")
        url = f"{flyte.api_url}/v1/packs/Other/actions/{action_id}/result"
        with pytest.raises(aiohttp.ServerDisconnectedError):
            await pack.session.post(url, json={"event": "MessageSent"})

        assert flyte.actions[action_id].state == "PENDING"


async def test_a_result_may_name_another_pack_as_its_own() -> None:
    async with server_and_pack() as (flyte, pack):
        flyte.queue_action("Slack", "SendMessage", {})
        taken = await pack.take()
        assert taken is not None
        body = {"event": "MessageSent", "pack": {"name": "Rota"}}
        async with pack.session.post(taken.result_url, json=body) as response:
            assert response.status == 202

        (result,) = flyte.results.values()
    assert (result.name, result.pack.name) == ("MessageSent", "Rota")


async def test_a_fatal_result_is_fatal() -> None:
    async with server_and_pack() as (flyte, pack):
        action_id = flyte.queue_action("Slack", "SendMessage")
        taken = await pack.take()
        assert taken is not None
        await pack.complete(taken, "FATAL", "no handler")

        assert flyte.actions[action_id].state == "FATAL"
