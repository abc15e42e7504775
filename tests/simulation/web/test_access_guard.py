"""Who may ask the page's server, and what a browser may do with what it gets."""

import io

import aiohttp
import pytest

from entrypoints.simulation.web.access_guard import SOCKET_PROTOCOL, TOKEN_HEADER
from tests.simulation.web.conftest import Visitor

_FOREIGN = "https://evil.example"


def port(page: Visitor) -> str:
    return page.origin.rpartition(":")[2]


@pytest.mark.parametrize("path", ["", "page.css", "js/page.js", "icon.svg"])
async def test_what_there_is_to_read_binds_the_browser(page: Visitor, path: str) -> None:
    async with page.session.get(page.url + path) as response:
        headers = response.headers

    assert response.status == 200
    policy = headers["Content-Security-Policy"]
    assert policy.startswith("default-src 'none'; script-src 'self'; style-src 'self'; ")
    assert "unsafe" not in policy
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Referrer-Policy"] == "no-referrer"
    assert headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize("path", ["", "live", "no/such/path", "do/say"])
async def test_a_foreign_host_is_refused_whatever_it_asks_for(page: Visitor, path: str) -> None:
    for host in ("evil.example", f"evil.example:{port(page)}", "127.0.0.1", "127.0.0.1:1", ""):
        async with page.session.get(page.url + path, headers={"Host": host}) as response:
            assert response.status == 403
            assert "Content-Security-Policy" in response.headers


async def test_this_machine_may_be_called_localhost(page: Visitor) -> None:
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
async def test_a_deed_needs_the_pages_origin_and_token(page: Visitor, headers: dict[str, str]) -> None:
    own = {"Origin": page.origin, TOKEN_HEADER: page.token}
    sent = {name: own[name] if value == "own" else value for name, value in headers.items()}

    async with page.session.post(f"{page.url}do/say", json={}, headers=sent) as response:
        assert response.status == 403


@pytest.mark.parametrize(
    ("origin", "token"), [(_FOREIGN, "own"), (None, "own"), ("own", "wrong"), ("own", ""), ("http://127.0.0.1", "own")]
)
async def test_the_socket_needs_the_pages_origin_and_token(page: Visitor, origin: str | None, token: str) -> None:
    protocols = [SOCKET_PROTOCOL, page.token if token == "own" else token]
    with pytest.raises(aiohttp.WSServerHandshakeError) as refusal:
        async with page.session.ws_connect(
            f"{page.url}live",
            origin=page.origin if origin == "own" else origin,
            protocols=[one for one in protocols if one],
        ):
            pass

    assert refusal.value.status == 403


async def test_the_token_stands_in_no_address_and_is_another_one_for_each_start(page: Visitor) -> None:
    async with page.socket() as socket:
        assert "token" not in str(socket._response.url)
        assert page.token not in str(socket._response.url)
    assert len(page.token) >= 43


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH", "OPTIONS"])
async def test_other_methods_are_refused_to_strangers(page: Visitor, method: str) -> None:
    async with page.session.request(method, page.url) as response:
        assert response.status == 403


@pytest.mark.parametrize("path", ["../page_server.py", "js/..%2f..%2fguard.py", "index.html", "js/", "%00"])
async def test_nothing_else_can_be_read(page: Visitor, path: str) -> None:
    async with page.session.get(page.url + path) as response:
        assert response.status in (400, 404)


@pytest.mark.parametrize("body", [b"", b"[]", b"{", b'"x"', b"\xff", b"[" * 100_000])
async def test_what_is_no_json_object_is_no_deed(page: Visitor, body: bytes) -> None:
    headers = {TOKEN_HEADER: page.token, "Origin": page.origin, "Content-Type": "application/json"}
    async with page.session.post(f"{page.url}do/say", data=body, headers=headers) as response:
        assert response.status == 400


async def test_a_form_is_no_deed_even_with_a_token(page: Visitor) -> None:
    headers = {TOKEN_HEADER: page.token, "Origin": page.origin, "Content-Type": "text/plain"}
    async with page.session.post(f"{page.url}do/say", data=b"{}", headers=headers) as response:
        assert response.status == 400


async def test_a_deed_larger_than_anybody_types_is_refused(page: Visitor) -> None:
    headers = {TOKEN_HEADER: page.token, "Origin": page.origin, "Content-Type": "application/json"}
    body = io.BytesIO(b'{"text": "' + b"x" * 6_000_000 + b'"}')
    async with page.session.post(f"{page.url}do/say", data=body, headers=headers) as response:
        assert response.status == 413
