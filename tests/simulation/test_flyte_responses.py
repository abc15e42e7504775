"""The simulated Flyte responds as the real one does: links, statuses, content types and quirks."""

import json
from datetime import UTC, datetime

import pytest

from tests.simulation.flyte_pack import FlytePack, server_and_pack


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
    own = flyte.events[0].pack
    assert (own.name, own.id, own.labels) == ("Rota", "Slack", {"env": "dev"})


async def test_the_pack_in_an_event_adds_to_the_labels_of_the_one_that_sends_it() -> None:
    async with server_and_pack(labels={"env": "dev", "region": "eu"}) as (flyte, pack):
        assert await pack.send_event("X", pack={"id": "S", "labels": {"env": "staging"}}) == 202

    own = flyte.events[0].pack
    assert (own.name, own.id, own.labels) == ("Slack", "S", {"env": "staging", "region": "eu"})


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
