"""The datastore of the simulated Flyte: its API, its file and the template function."""

import json
from pathlib import Path

import pytest
from aiohttp import ClientSession, FormData

from entrypoints.simulation.flyte.datastore import datastore_from_file
from entrypoints.simulation.flyte.documents import InvalidDocument
from entrypoints.simulation.flyte.flow_loader import flow_from_values
from entrypoints.simulation.flyte.server import FlyteServer
from entrypoints.simulation.pongo2.rendering import TemplateEnvironment
from tests.simulation.flyte_pack import server_and_pack

ITEMS = {"teams": {"api": "Al"}, "note": "a text"}


def form(value: str, content_type: str | None = None, description: str = "") -> FormData:
    data = FormData()
    data.add_field("value", value.encode(), filename="value", content_type=content_type)
    if description:
        data.add_field("description", description)
    return data


async def rendered(session: ClientSession, flyte: FlyteServer, template: str) -> object:
    """Returns what a posted flow makes of the template; None if its step fails."""
    names = {"packName": "Slack", "name": "ReceivedMessage"}
    flow = {"name": "f", "steps": [{"event": names, "command": {"packName": "P", "name": "X", "input": template}}]}
    async with session.post(f"{flyte.api_url}/v1/flows", json=flow) as response:
        assert response.status == 201
    flyte.raise_event("Slack", "ReceivedMessage")
    await flyte.wait_for(lambda: not flyte.is_busy)
    actions = list(flyte.actions.values())
    return actions[-1].input if actions else None


async def test_items_are_listed_with_their_types_and_links() -> None:
    async with server_and_pack(environment=TemplateEnvironment(ITEMS)) as (flyte, pack):
        response = await pack.session.get(f"{flyte.api_url}/v1/datastore")
        body = await response.json()

    url = f"{flyte.api_url}/v1/datastore"
    assert body["datastore"] == [
        {"key": "teams", "contentType": "application/json", "links": [{"href": f"{url}/teams", "rel": "self"}]},
        {"key": "note", "contentType": "text/plain; charset=utf-8", "links": [{"href": f"{url}/note", "rel": "self"}]},
    ]
    assert [link["rel"] for link in body["links"]] == ["self", "up", "help"]


async def test_an_item_is_stored_replaced_read_and_removed() -> None:
    async with server_and_pack() as (flyte, pack):
        url = f"{flyte.api_url}/v1/datastore/a%20key"
        async with pack.session.put(url, data=form("one", "text/xml", "about it")) as created:
            assert (created.status, created.headers["Location"]) == (201, f"{flyte.api_url}/v1/datastore/a key")
        async with pack.session.put(url, data=form('{"a": 1}', "application/json")) as replaced:
            assert replaced.status == 204
        async with pack.session.get(url) as read:
            assert (await read.read(), read.headers["Content-Type"]) == (b'{"a": 1}', "application/json")
        async with pack.session.delete(url) as removed:
            assert removed.status == 204
        for method in ("GET", "DELETE"):
            async with pack.session.request(method, url) as missing:
                assert missing.status == 404


async def test_the_description_of_an_item_is_listed() -> None:
    async with server_and_pack() as (flyte, pack):
        await pack.session.put(f"{flyte.api_url}/v1/datastore/k", data=form("x", "text/plain", "about it"))
        async with pack.session.get(f"{flyte.api_url}/v1/datastore") as response:
            (item,) = (await response.json())["datastore"]

    assert item["description"] == "about it"


@pytest.mark.parametrize("body", [b"text", json.dumps({"value": "x"}).encode(), b"value=x"])
async def test_what_is_no_form_with_a_file_is_refused(body: bytes) -> None:
    async with server_and_pack() as (flyte, pack):
        async with pack.session.put(f"{flyte.api_url}/v1/datastore/k", data=body) as response:
            assert response.status == 400
        for data in (form(""), FormData({"value": "x"}), FormData({"b": "c"})):
            async with pack.session.put(f"{flyte.api_url}/v1/datastore/k", data=data) as response:
                assert response.status == 400

        assert len(flyte.datastore) == 0


STORED = [
    ("text", "text/plain", "{{ datastore('k') }}", "text"),
    ('{"a": {"b": 3}}', "application/json; charset=utf-8", "{{ datastore('k').a.b|integer }}", "3"),
    ('{"a": 1}', "text/json", "{{ datastore('k').a|integer }}", "1"),
    ('{"a": 1}', "text/plain", "{{ datastore('k')|length }}", "8"),
    ("[1]", "application/json", "{{ datastore('k') }}", None),
    ("5", "application/json", "{{ datastore('k') }}", None),
    ("{", "application/json", "{{ datastore('k') }}", None),
    ("x", "text/plain", "{{ datastore('other') }}", None),
]


@pytest.mark.parametrize(("value", "content_type", "template", "output"), STORED)
async def test_templates_see_texts_and_json_objects(
    value: str, content_type: str, template: str, output: str | None
) -> None:
    async with server_and_pack() as (flyte, pack):
        async with pack.session.put(f"{flyte.api_url}/v1/datastore/k", data=form(value, content_type)) as response:
            assert response.status == 201

        assert await rendered(pack.session, flyte, template) == output


def test_a_file_of_items_is_an_object_of_texts_and_objects(tmp_path: Path) -> None:
    file = tmp_path / "items.yaml"
    file.write_text("note: 12:30\nteams: {api: {owner: Al}}\n")

    assert datastore_from_file(file) == {"note": "12:30", "teams": {"api": {"owner": "Al"}}}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[1]", ":1:1: expected an object"),
        ("a: x\nb: 5\n", ":2:1: b: expected a text or an object: the server's datastore() fails"),
        ("a: x\na: y\n", ":2:1: duplicate key 'a'"),
    ],
)
def test_a_file_with_anything_else_is_invalid(tmp_path: Path, text: str, message: str) -> None:
    file = tmp_path / "items.yaml"
    file.write_text(text)

    with pytest.raises(InvalidDocument, match=r"items\.yaml") as error:
        datastore_from_file(file)

    assert message in str(error.value)


FOREIGN = [
    {"Origin": "http://evil.example"},
    {"Origin": "null"},
    {"Origin": "https://127.0.0.1"},
    {"Host": "evil.example"},
    {"Host": "evil.example:8080"},
    {"Host": "127.0.0.1.evil.example"},
]


@pytest.mark.parametrize("headers", FOREIGN)
@pytest.mark.parametrize(("method", "path"), [("GET", "/v1"), ("PUT", "/v1/datastore/k"), ("POST", "/nowhere")])
async def test_foreign_origins_and_hosts_are_refused(method: str, path: str, headers: dict[str, str]) -> None:
    async with FlyteServer() as flyte, ClientSession() as session:
        async with session.request(method, flyte.api_url + path, headers=headers) as response:
            assert response.status == 403

        assert len(flyte.datastore) == 0


@pytest.mark.parametrize(
    "host", ["localhost", "localhost:80", "[::1]:80", "10.0.0.7:9", "flyte", "host.docker.internal"]
)
async def test_packs_may_use_any_name_of_the_machine(host: str) -> None:
    async with FlyteServer() as flyte, ClientSession() as session:
        async with session.get(f"{flyte.api_url}/v1", headers={"Host": host}) as response:
            assert response.status == 200
        async with session.get(f"{flyte.api_url}/v1", headers={"Host": host, "Origin": f"http://{host}"}) as response:
            assert response.status == 200


async def test_a_flow_name_with_a_carriage_return_gets_its_response() -> None:
    async with FlyteServer() as flyte, ClientSession() as session:
        async with session.post(f"{flyte.api_url}/v1/flows", json={"name": "a\rb", "steps": []}) as response:
            assert (response.status, response.headers["Location"]) == (201, f"{flyte.api_url}/v1/flows/a b")
        async with session.post(f"{flyte.api_url}/v1/flows", json={"name": "a\nb", "steps": []}) as response:
            assert response.status == 500

    assert flow_from_values({"name": "a\rb", "steps": []}, "here").name == "a\rb"
