"""The simulated Flyte responds as the real one does: links, statuses, content types and quirks."""

import io
import json
from datetime import UTC, datetime

import aiohttp
import pytest
import yaml

from entrypoints.simulation.flyte.faults import status
from entrypoints.simulation.flyte.server import FlyteServer
from tests.simulation.flyte_pack import FlytePack, find_link, server_and_pack


async def test_the_version_has_links_with_absolute_relations() -> None:
    async with server_and_pack() as (flyte, pack), pack.session.get(f"{flyte.api_url}/v1") as response:
        links = (await response.json())["links"]
        base = flyte.api_url

    assert response.status == 200
    assert {"href": f"{base}/v1/packs", "rel": f"{base}/swagger#!/pack/listPacks"} in links
    assert {"href": f"{base}/health", "rel": f"{base}/swagger#!/info/health"} in links
    assert {"href": f"{base}/v1/audit/flows", "rel": f"{base}/swagger#!/flowAudit/findFlows"} in links


async def test_the_index_links_to_the_version() -> None:
    async with server_and_pack() as (flyte, pack), pack.session.get(flyte.api_url) as response:
        links = (await response.json())["links"]

    assert {"href": f"{flyte.api_url}/v1", "rel": f"{flyte.api_url}/swagger#!/info/v1"} in links


async def test_registration_responds_in_plain_text_with_the_packs_own_links_first() -> None:
    definition = {
        "name": "Slack",
        "labels": {"region": "eu", "env": "dev"},
        "commands": [{"name": "SendMessage", "events": ["MessageSent", "SendMessageFailed"]}],
        "events": [{"name": "ReceivedMessage"}],
        "links": [{"href": "http://example.com/docs", "rel": "help"}],
    }
    async with server_and_pack() as (flyte, pack):
        async with pack.session.post(f"{flyte.api_url}/v1/packs", json=definition) as response:
            body = json.loads(await response.text())
        own = f"{flyte.api_url}/v1/packs/Slack.env.dev.region.eu"

        assert response.status == 201
        assert response.content_type == "text/plain"
        assert response.headers["Location"] == own
        assert body["id"] == "Slack.env.dev.region.eu"
        assert body["status"] == "live"
        assert datetime.fromisoformat(body["lastSeen"]) <= datetime.now(UTC)
        assert body["links"] == [
            {"href": "http://example.com/docs", "rel": "help"},
            {"href": own, "rel": "self"},
            {"href": f"{flyte.api_url}/v1/packs", "rel": "up"},
            {"href": f"{own}/actions/take", "rel": f"{flyte.api_url}/swagger#!/action/takeAction"},
            {"href": f"{own}/events", "rel": f"{flyte.api_url}/swagger#/event"},
        ]
        take = body["commands"][0]["links"][0]
        assert take["href"] == f"{own}/actions/take?commandName=SendMessage"


async def test_a_pack_may_register_again() -> None:
    async with server_and_pack() as (flyte, pack):
        await FlytePack.register(pack.session, flyte.api_url)

        assert list(flyte.packs) == ["Slack"]


MALFORMED_PACKS = [
    b"{",
    b"[]",
    b'{"name": 5}',
    b'{"name": "x", "lastSeen": "yesterday"}',
    b'{"name": "x", "lastSeen": 5}',
    b'{"name": "x", "n": NaN}',
    b'{"name": "x", "n": 1e999}',
    b'{"name": "x", "labels": {"a": 1}}',
    b'{"name": "x", "commands": {}}',
    b'{"name": "x", "commands": [5]}',
    b'{"name": "x", "commands": [{"name": 5}]}',
    b'{"name": "x", "commands": [{"name": "y", "events": "z"}]}',
    b'{"name": "x", "events": ["y"]}',
    b'{"name": "x", "links": [{"href": 5}]}',
]


@pytest.mark.parametrize("body", MALFORMED_PACKS)
async def test_a_malformed_pack_is_refused(body: bytes) -> None:
    async with (
        server_and_pack() as (flyte, pack),
        pack.session.post(f"{flyte.api_url}/v1/packs", data=body) as response,
    ):
        assert (response.status, await response.read()) == (400, b"")


@pytest.mark.parametrize(
    ("body", "pack_id"),
    [
        (b"null", ""),
        (b"{}", ""),
        (b'{"name": null, "labels": null, "events": null}', ""),
        (b'{"NAME": "x", "Labels": {"A": "b"}}', "x.A.b"),
        (b'{"name": "x", "NAME": "y"}', "y"),
        (b'{"name": "x", "events": [{"name": null}], "labels": {"a": null}}', "x.a."),
        (b'{"name": "x"} and more', "x"),
    ],
)
async def test_a_pack_is_read_as_leniently_as_go_does(body: bytes, pack_id: str) -> None:
    async with server_and_pack() as (flyte, pack):
        async with pack.session.post(f"{flyte.api_url}/v1/packs", data=body) as response:
            assert response.status == 201
        assert list(flyte.packs) == ["Slack", pack_id]


@pytest.mark.parametrize("name", ["Slack of ours", "Schlüssel", "50%", "A+B&C", "Slack;v=1"])
async def test_unusual_names_stand_in_links_as_they_are_and_work(name: str) -> None:
    async with server_and_pack() as (flyte, pack):
        other = await FlytePack.register(pack.session, flyte.api_url, name, {"key": name})
        assert other.event_url == f"{flyte.api_url}/v1/packs/{name}.key.{name}/events"
        assert await other.send_event("X") == 202
        flyte.queue_action(name, "SendMessage")
        taken = await other.take()
        assert taken is not None
        assert await other.complete(taken, "MessageSent") == 202


@pytest.mark.parametrize(
    ("name", "status", "text"),
    [
        ("a/b", 404, "Not Found"),
        ("a%2Fb", 404, "Not Found"),
        ("what?", 405, "Method Not Allowed"),
        ("a#b", 405, "Method Not Allowed"),
        ("a%41", 404, ""),
    ],
)
async def test_names_that_the_router_can_not_read_register_and_then_fail(name: str, status: int, text: str) -> None:
    async with server_and_pack() as (flyte, pack):
        other = await FlytePack.register(pack.session, flyte.api_url, name)
        async with pack.session.post(other.event_url, json={"event": "X"}) as response:
            assert (response.status, await response.text()) == (status, text)


RESERVED = ["up", "self", "support", "http://x/actionResult", "http://x/takeAction", "http://x/event", "myself"]


@pytest.mark.parametrize("rel", RESERVED)
async def test_a_pack_with_a_reserved_link_relation_is_refused(rel: str) -> None:
    definition = {"name": "x", "links": [{"href": "http://x", "rel": rel}]}
    async with (
        server_and_pack() as (flyte, pack),
        pack.session.post(f"{flyte.api_url}/v1/packs", json=definition) as response,
    ):
        assert response.status == 400


@pytest.mark.parametrize("rel", ["help", "event", "http://x/events"])
async def test_other_link_relations_are_accepted(rel: str) -> None:
    definition = {"name": "x", "links": [{"href": "http://x", "rel": rel}]}
    async with (
        server_and_pack() as (flyte, pack),
        pack.session.post(f"{flyte.api_url}/v1/packs", json=definition) as response,
    ):
        assert response.status == 201


async def test_an_event_is_accepted_with_an_empty_response_even_if_no_flow_matches() -> None:
    body = {"event": "ReceivedMessage", "payload": {"message": "hi"}, "createdAt": "2024-03-01T09:05:07.250Z"}
    async with server_and_pack() as (flyte, pack):
        async with pack.session.post(pack.event_url, json=body) as response:
            assert (response.status, await response.read()) == (202, b"")

        (event,) = flyte.events
        assert (event.pack.name, event.name, event.payload) == ("Slack", "ReceivedMessage", {"message": "hi"})
        assert event.created_text == "2024-03-01T09:05:07.250Z"
        assert event.created_at == datetime(2024, 3, 1, 9, 5, 7, 250000, UTC)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"5",
        b'{"event": 5}',
        b'{"event": "X", "createdAt": "yesterday"}',
        b'{"event": "X", "createdAt": 1700000000}',
        b'{"event": "X", "createdAt": "2024-03-01 09:05:07Z"}',
        b'{"event": "X", "createdAt": "2024-03-01T09:05:07"}',
        b'{"event": "X", "createdAt": "2024-13-01T09:05:07Z"}',
        b'{"event": "X", "receivedAt": "yesterday"}',
        b'{"event": "X", "receivedAt": 5}',
        b'{"event": "X", "pack": "Slack"}',
        b'{"event": "X", "pack": {"name": 5}}',
        b'{"event": "X", "payload": NaN}',
        b'{"event": "X", "payload": [-Infinity]}',
        b'{"event": "X", "payload": {"n": 1e999}}',
        b'{"event": "X", "payload": ' + b"9" * 400 + b"}",
    ],
)
async def test_a_malformed_event_is_refused(body: bytes) -> None:
    async with server_and_pack() as (flyte, pack):
        async with pack.session.post(pack.event_url, data=body) as response:
            assert (response.status, await response.read()) == (400, b"")

        assert not flyte.events


@pytest.mark.parametrize("created", [None, "2024-03-01T09:05:07Z", "2024-03-01T09:05:07.123456789+01:00"])
async def test_every_rfc_3339_time_is_accepted(created: str | None) -> None:
    async with server_and_pack() as (_, pack):
        assert await pack.send_event("X", createdAt=created) == 202


@pytest.mark.parametrize(
    ("body", "name", "payload"),
    [
        (b"null", "", None),
        (b'{"EVENT": "X", "Payload": {"Key": 1}, "PACK": null}', "X", {"Key": 1}),
        (b'{"event": "X", "payload": 1} {"event": "Y"}', "X", 1),
        (b'{"event": "X", "payload": 9007199254740993}', "X", 9007199254740992),
    ],
)
async def test_an_event_is_read_as_go_does(body: bytes, name: str, payload: object) -> None:
    async with server_and_pack() as (flyte, pack):
        async with pack.session.post(pack.event_url, data=body) as response:
            assert response.status == 202
        (event,) = flyte.events
    assert (event.name, event.payload, event.pack.name) == (name, payload, "Slack")


async def test_the_pack_in_an_event_overrides_the_one_that_sends_it() -> None:
    async with server_and_pack() as (flyte, pack):
        assert await pack.send_event("X", pack={"name": "Rota", "labels": {"env": "dev"}}) == 202
    assert (flyte.events[0].pack.id, flyte.events[0].pack.labels) == ("Rota.env.dev", {"env": "dev"})


async def test_an_event_may_be_yaml() -> None:
    headers = {"Content-Type": "application/x-yaml"}
    async with server_and_pack() as (flyte, pack):
        async with pack.session.post(
            pack.event_url, data=b"event: X\npayload: {x: 12:30, n: 08}", headers=headers
        ) as response:
            assert response.status == 202

        assert flyte.events[0].payload == {"x": "12:30", "false": 8}


async def test_an_unknown_pack_gets_404_until_it_registers_again() -> None:
    async with server_and_pack() as (flyte, pack):
        flyte.queue_action("Slack", "SendMessage")
        taken = await pack.take()
        assert taken is not None
        flyte.unregister_packs()

        assert await pack.send_event("X") == 404
        assert await pack.complete(taken, "MessageSent") == 404
        async with pack.session.post(pack.take_url) as response:
            assert (response.status, await response.read()) == (404, b"")

        await FlytePack.register(pack.session, flyte.api_url)
        assert await pack.complete(taken, "MessageSent") == 202


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


async def test_a_fatal_result_is_fatal() -> None:
    async with server_and_pack() as (flyte, pack):
        action_id = flyte.queue_action("Slack", "SendMessage")
        taken = await pack.take()
        assert taken is not None
        await pack.complete(taken, "FATAL", "no handler")

        assert flyte.actions[action_id].state == "FATAL"


@pytest.mark.parametrize(
    ("method", "path", "status", "text"),
    [
        ("GET", "/v1/", 404, "Not Found"),
        ("POST", "/v1/packs/", 404, "Not Found"),
        ("POST", "/v1/packs/Slack/events/", 404, "Not Found"),
        ("GET", "/v1/packs/Slack/events", 405, "Method Not Allowed"),
        ("GET", "/v1/packs/Slack/actions/take", 405, "Method Not Allowed"),
        ("GET", "/nowhere", 404, "Not Found"),
        ("GET", "/v1/packs/Unknown", 404, ""),
        ("DELETE", "/v1/packs/Unknown", 404, ""),
    ],
)
async def test_the_router_and_an_unknown_pack_respond_differently(
    method: str, path: str, status: int, text: str
) -> None:
    async with server_and_pack() as (flyte, pack), pack.session.request(method, f"{flyte.api_url}{path}") as response:
        assert (response.status, await response.text()) == (status, text)


async def test_forwarded_headers_determine_the_links() -> None:
    headers = {"X-Forwarded-Proto": "https", "X-Forwarded-Host": "flyte.example.com"}
    async with (
        server_and_pack() as (flyte, pack),
        pack.session.get(f"{flyte.api_url}/v1", headers=headers) as response,
    ):
        assert find_link((await response.json())["links"], "pack/listPacks") == "https://flyte.example.com/v1/packs"


async def test_a_public_url_replaces_the_host_in_links() -> None:
    async with (
        FlyteServer(public_url="http://flyte.internal:8080") as flyte,
        aiohttp.ClientSession() as session,
        session.get(f"{flyte.api_url}/v1") as response,
    ):
        assert find_link((await response.json())["links"], "pack/listPacks") == "http://flyte.internal:8080/v1/packs"


async def test_health_is_200() -> None:
    async with server_and_pack() as (flyte, pack), pack.session.get(f"{flyte.api_url}/health") as response:
        assert response.status == 200


async def test_a_failing_health_check_can_be_planned() -> None:
    async with server_and_pack() as (flyte, pack):
        flyte.faults.plan("health", status(500))
        async with pack.session.get(f"{flyte.api_url}/health") as response:
            assert response.status == 500


async def test_packs_can_be_listed_read_and_deleted() -> None:
    async with server_and_pack() as (flyte, pack):
        async with pack.session.get(f"{flyte.api_url}/v1/packs") as response:
            body = await response.json()
        (listed,) = body["packs"]
        assert (listed["id"], listed["status"]) == ("Slack", "live")
        async with pack.session.get(listed["links"][0]["href"]) as response:
            assert find_link((await response.json())["links"], "takeAction") == pack.take_url
        async with pack.session.delete(listed["links"][0]["href"]) as response:
            assert response.status == 204

        assert not flyte.packs


@pytest.mark.parametrize(("token", "expected"), [(None, 401), ("wrong", 401), ("secret", 200)])
async def test_security_requires_a_bearer_token(token: str | None, expected: int) -> None:
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    async with (
        FlyteServer(jwt="secret") as flyte,
        aiohttp.ClientSession(headers=headers) as session,
        session.get(f"{flyte.api_url}/v1") as response,
    ):
        assert response.status == expected
        assert ("WWW-Authenticate" in response.headers) is (expected == 401)


async def test_security_applies_to_unknown_paths() -> None:
    async with (
        FlyteServer(jwt="secret") as flyte,
        aiohttp.ClientSession() as session,
        session.get(f"{flyte.api_url}/nowhere") as response,
    ):
        assert response.status == 401


async def test_security_can_forbid_a_route() -> None:
    async with (
        FlyteServer(jwt="secret", forbidden_routes=["audit"]) as flyte,
        aiohttp.ClientSession(headers={"Authorization": "Bearer secret"}) as session,
        session.get(f"{flyte.api_url}/v1/audit/flows") as response,
    ):
        assert response.status == 401


async def test_raw_bodies_are_sent_unchanged_except_for_the_result_link() -> None:
    async with server_and_pack() as (flyte, pack):
        action_id = flyte.queue_raw(
            "Slack", b'{"command": 5, "links": [{"rel": "x#/actionResult", "href": "{result}"}], '
        )
        async with pack.session.post(pack.take_url) as response:
            body = await response.read()

    url = f"{flyte.api_url}/v1/packs/Slack/actions/{action_id}/result"
    assert body == f'{{"command": 5, "links": [{{"rel": "x#/actionResult", "href": "{url}"}}], '.encode()


async def test_large_bodies_are_accepted() -> None:
    async with server_and_pack() as (flyte, pack):
        body = io.BytesIO(json.dumps({"event": "X", "payload": "x" * 2_000_000}).encode())
        async with pack.session.post(pack.event_url, data=body) as response:
            assert response.status == 202
        assert len(flyte.events) == 1
