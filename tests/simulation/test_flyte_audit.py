"""The simulated Flyte's audit reports runs and actions as the real one's does."""

from typing import Any

import aiohttp
import pytest

from entrypoints.simulation.flyte.faults import audit_race
from entrypoints.simulation.flyte.flow_loader import BUILT_IN, flow_from_file
from entrypoints.simulation.flyte.server import FlyteServer
from tests.simulation.flyte_pack import FlytePack, find_link, server_and_pack

ECHO = flow_from_file(BUILT_IN / "echo.yaml")


async def audit(flyte: FlyteServer, pack: FlytePack, **query: str | int) -> list[dict[str, Any]]:
    async with pack.session.get(f"{flyte.api_url}/v1") as response:
        url = find_link((await response.json())["links"], "flowAudit/findFlows")
    async with pack.session.get(url, params=query) as response:
        flows: list[dict[str, Any]] = (await response.json())["flows"]
    return flows


async def send_message(pack: FlytePack, text: str) -> None:
    message = {"message": f"echo {text}", "channelId": "C1", "user": {"id": "U1"}}
    assert await pack.send_event("ReceivedMessage", message, createdAt="2024-03-01T09:05:07.120Z") == 202


async def test_an_action_has_its_trigger_states_and_result() -> None:
    async with server_and_pack(flows=[ECHO]) as (flyte, pack):
        await send_message(pack, "hi")
        taken = await pack.take()
        assert taken is not None
        await pack.complete(taken, "MessageSent", {"timestamp": "1.5"})
        (run,) = await audit(flyte, pack, actionPackName="Slack")

    assert run["name"] == "echo"
    assert run["steps"] == ECHO.source["steps"]
    action = run["actions"]["get_message"]
    assert taken.result_url.split("/")[-2] == action["id"]
    assert (action["name"], action["packName"]) == ("SendMessage", "Slack")
    assert action["trigger"]["event"] == "ReceivedMessage"
    assert action["trigger"]["payload"]["message"] == "echo hi"
    assert action["trigger"]["createdAt"] == "2024-03-01T09:05:07.12Z", "as Go writes it"
    assert action["trigger"]["pack"] == {"id": "Slack", "name": "Slack"}
    assert [state["value"] for state in action["states"]] == ["NEW", "PENDING", "SUCCESS"]
    assert action["state"]["value"] == "SUCCESS"
    assert action["result"]["payload"] == {"timestamp": "1.5"}


async def test_a_taken_action_without_a_result_is_pending() -> None:
    async with server_and_pack(flows=[ECHO]) as (flyte, pack):
        await send_message(pack, "hi")
        await pack.take()
        (run,) = await audit(flyte, pack)

    assert run["actions"]["get_message"]["state"]["value"] == "PENDING"
    assert run["actions"]["get_message"]["result"]["event"] == ""


async def test_an_unmatched_event_leaves_no_run() -> None:
    async with server_and_pack(flows=[ECHO]) as (flyte, pack):
        await pack.send_event("ReceivedMessage", {"message": "hello"})

        assert await audit(flyte, pack) == []


@pytest.mark.parametrize(
    ("query", "count"),
    [
        ({"flowName": "echo"}, 1),
        ({"flowName": "other"}, 0),
        ({"stepId": "get_message"}, 1),
        ({"actionName": "SendMessage", "actionPackName": "Slack"}, 1),
        ({"actionName": "SendMessage", "actionPackName": "Rota"}, 0),
        ({"start": 1}, 0),
        ({"limit": "many"}, 1),
    ],
)
async def test_the_audit_can_be_searched(query: dict[str, str | int], count: int) -> None:
    async with server_and_pack(flows=[ECHO]) as (flyte, pack):
        await send_message(pack, "hi")

        assert len(await audit(flyte, pack, **query)) == count


@pytest.mark.parametrize("query", [{"limit": 0}, {"limit": -1}, {"start": -1}])
async def test_an_impossible_page_of_the_audit_is_500(query: dict[str, int]) -> None:
    async with (
        server_and_pack() as (flyte, pack),
        pack.session.get(f"{flyte.api_url}/v1/audit/flows", params=query) as response,
    ):
        assert response.status == 500


async def test_the_audit_links_up_to_the_version_and_omits_empty_labels() -> None:
    async with server_and_pack(flows=[ECHO]) as (flyte, pack):
        await send_message(pack, "hi")
        (run,) = await audit(flyte, pack)
        async with pack.session.get(f"{flyte.api_url}/v1/audit/flows") as response:
            links = (await response.json())["links"]

    action = run["actions"]["get_message"]
    assert {"href": f"{flyte.api_url}/v1", "rel": "up"} in links
    assert "packLabels" not in action
    assert action["flowUUID"] == run["uuid"]


async def test_an_action_taken_before_its_record_stays_new_in_the_audit() -> None:
    async with server_and_pack(flows=[ECHO]) as (flyte, pack):
        flyte.faults.plan("take", audit_race())
        flyte.faults.plan("take", audit_race(is_lost=True))
        await send_message(pack, "one")
        await send_message(pack, "two")
        taken = await pack.take()
        assert taken is not None
        assert await pack.complete(taken, "MessageSent") == 202
        assert await pack.complete(taken, "MessageSent") == 500
        with pytest.raises(aiohttp.ClientError):
            await pack.take()
        assert await pack.take() is None
        runs = await audit(flyte, pack)

    assert [run["actions"]["get_message"]["state"]["value"] for run in runs] == ["NEW", "NEW"]


async def test_runs_are_paged_with_the_most_recently_changed_first() -> None:
    async with server_and_pack(flows=[ECHO]) as (flyte, pack):
        for number in range(5):
            await send_message(pack, str(number))
        oldest = await pack.take()
        assert oldest is not None
        await flyte.wait_for(lambda: len(flyte.runs()) == 5)
        runs = [*await audit(flyte, pack, limit=2), *await audit(flyte, pack, start=2, limit=9)]

    messages = [run["actions"]["get_message"]["trigger"]["payload"]["message"] for run in runs]
    assert messages == ["echo 0", "echo 4", "echo 3", "echo 2", "echo 1"]


async def test_a_run_can_be_read_by_its_id() -> None:
    async with server_and_pack(flows=[ECHO]) as (flyte, pack):
        await send_message(pack, "hi")
        (run,) = await audit(flyte, pack)
        async with pack.session.get(run["links"][0]["href"]) as response:
            assert await response.json() == run
        async with pack.session.get(f"{flyte.api_url}/v1/audit/flows/nope") as response:
            assert response.status == 404


async def test_only_the_newest_finished_runs_are_kept() -> None:
    async with server_and_pack(flows=[ECHO], max_finished_runs=3) as (flyte, pack):
        await send_message(pack, "pending")
        assert await pack.take() is not None
        for number in range(10):
            await send_message(pack, str(number))
            taken = await pack.take()
            assert taken is not None
            await pack.complete(taken, "MessageSent")
        await flyte.wait_for(lambda: len(flyte.actions) == 4)
        messages = {run["actions"]["get_message"]["trigger"]["payload"]["message"] for run in await audit(flyte, pack)}

    assert messages == {"echo pending", "echo 7", "echo 8", "echo 9"}


async def test_an_action_without_a_flow_is_audited() -> None:
    async with server_and_pack() as (flyte, pack):
        action_id = flyte.queue_action("Slack", "SendMessage", {"message": "hi"})
        (run,) = await audit(flyte, pack, actionPackName="Slack")

    assert run["actions"]["queued"]["id"] == action_id
