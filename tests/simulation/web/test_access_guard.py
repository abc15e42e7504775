"""Which requests the page's server accepts, and what a browser may do with its responses."""

import io

import aiohttp
import pytest

from entrypoints.simulation.flyte.server import FlyteServer
from entrypoints.simulation.slack.server import SlackServer
from entrypoints.simulation.web.access_guard import SOCKET_PROTOCOL, TOKEN_HEADER
from entrypoints.simulation.web.open import open_page
from tests.simulation.web.conftest import PageClient

_FOREIGN = "https://evil.example"


def port(page: PageClient) -> str:
    return page.origin.rpartition(":")[2]


@pytest.mark.parametrize("path", ["", "page.css", "js/main.js", "icon.svg"])
async def test_every_file_is_served_with_the_security_headers(page: PageClient, path: str) -> None:
    async with page.session.get(page.url + path) as response:
        headers = response.headers

    assert response.status == 200
    policy = headers["Content-Security-Policy"]
    assert policy.startswith("default-src 'none'; script-src 'self'; style-src 'self'; ")
    assert "unsafe" not in policy
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Referrer-Policy"] == "no-referrer"
    assert headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize("path", ["", "feed", "no/such/path", "actions/say"])
async def test_a_foreign_host_is_rejected_for_every_path(page: PageClient, path: str) -> None:
    for host in ("evil.example", f"evil.example:{port(page)}", "127.0.0.1", "127.0.0.1:1", ""):
        async with page.session.get(page.url + path, headers={"Host": host}) as response:
            assert response.status == 403
            assert "Content-Security-Policy" in response.headers


async def test_localhost_is_accepted_as_host(page: PageClient) -> None:
    async with page.session.get(page.url, headers={"Host": f"localhost:{port(page)}"}) as response:
        assert response.status == 200


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Origin": "own"},
        {"Origin": "own", TOKEN_HEADER: "wrong"},
        {"Origin": "own", TOKEN_HEADER: "\u00e4"},
        {"Origin": _FOREIGN, TOKEN_HEADER: "own"},
        {"Origin": "null", TOKEN_HEADER: "own"},
        {TOKEN_HEADER: "own"},
    ],
)
async def test_an_action_requires_the_pages_origin_and_token(page: PageClient, headers: dict[str, str]) -> None:
    own = {"Origin": page.origin, TOKEN_HEADER: page.token}
    sent = {name: own[name] if value == "own" else value for name, value in headers.items()}

    async with page.session.post(f"{page.url}actions/say", json={}, headers=sent) as response:
        assert response.status == 403


@pytest.mark.parametrize(
    ("origin", "token"), [(_FOREIGN, "own"), (None, "own"), ("own", "wrong"), ("own", ""), ("http://127.0.0.1", "own")]
)
async def test_the_socket_requires_the_pages_origin_and_token(page: PageClient, origin: str | None, token: str) -> None:
    protocols = [SOCKET_PROTOCOL, page.token if token == "own" else token]
    with pytest.raises(aiohttp.WSServerHandshakeError) as rejection:
        async with page.session.ws_connect(
            f"{page.url}feed",
            origin=page.origin if origin == "own" else origin,
            protocols=[protocol for protocol in protocols if protocol],
        ):
            pass

    assert rejection.value.status == 403


async def test_the_token_is_new_for_each_start_and_in_no_url(page: PageClient) -> None:
    async with SlackServer() as slack, FlyteServer() as flyte, open_page(slack, flyte, 0, adapters=None) as url:
        other = await PageClient.open(page.session, url)

    assert other.token != page.token
    assert len(page.token) >= 43
    async with page.session.get(page.url) as response:
        html = await response.text()
    assert html.count(page.token) == 1
    assert f'content="{page.token}"' in html


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH", "OPTIONS"])
async def test_other_methods_are_rejected_without_a_token(page: PageClient, method: str) -> None:
    async with page.session.request(method, page.url) as response:
        assert response.status == 403


@pytest.mark.parametrize("path", ["../server.py", "js/..%2f..%2faccess_guard.py", "index.html", "js/", "%00"])
async def test_other_files_are_not_served(page: PageClient, path: str) -> None:
    async with page.session.get(page.url + path) as response:
        assert response.status in (400, 404)


@pytest.mark.parametrize("body", [b"", b"[]", b"{", b'"x"', b"\xff", b"[" * 100_000])
async def test_a_body_that_is_not_a_json_object_is_rejected(page: PageClient, body: bytes) -> None:
    headers = {TOKEN_HEADER: page.token, "Origin": page.origin, "Content-Type": "application/json"}
    async with page.session.post(f"{page.url}actions/say", data=body, headers=headers) as response:
        assert response.status == 400


async def test_a_form_is_rejected_even_with_a_token(page: PageClient) -> None:
    headers = {TOKEN_HEADER: page.token, "Origin": page.origin, "Content-Type": "text/plain"}
    async with page.session.post(f"{page.url}actions/say", data=b"{}", headers=headers) as response:
        assert response.status == 400


async def test_an_oversized_body_is_rejected(page: PageClient) -> None:
    headers = {TOKEN_HEADER: page.token, "Origin": page.origin, "Content-Type": "application/json"}
    body = io.BytesIO(b'{"text": "' + b"x" * 6_000_000 + b'"}')
    async with page.session.post(f"{page.url}actions/say", data=body, headers=headers) as response:
        assert response.status == 413
