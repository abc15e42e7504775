"""The HTTP port over a real socket."""

import asyncio
import errno
import io
import json
import socket
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

import pytest
from aiohttp import ClientSession
from structlog.testing import capture_logs

from application.health import HealthRegistry
from entrypoints.container import HEALTH_CHECKS
from entrypoints.http import SLACK_PATH, HttpServer, PortUnavailable, SlackRequestHandler, url_at

MIB = 1024 * 1024


@pytest.fixture
def health() -> HealthRegistry:
    return HealthRegistry(HEALTH_CHECKS)


@pytest.fixture
async def url(health: HealthRegistry) -> AsyncIterator[str]:
    async with running_server(health) as server:
        yield server.url


@pytest.fixture
async def session() -> AsyncIterator[ClientSession]:
    async with ClientSession() as session:
        yield session


@pytest.fixture
async def slack_url() -> AsyncIterator[str]:
    """The URL of a handler that echoes Slack's requests."""
    async with running_server(slack_handler=echo) as server:
        yield server.url + SLACK_PATH


@asynccontextmanager
async def running_server(
    health: HealthRegistry | None = None, slack_handler: SlackRequestHandler | None = None
) -> AsyncIterator[HttpServer]:
    server = HttpServer(health or HealthRegistry(HEALTH_CHECKS), host="127.0.0.1", port=0, slack_handler=slack_handler)
    async with server.open():
        yield server


async def echo(headers: Mapping[str, str], body: bytes) -> tuple[int, str]:
    return 200, f"{headers['x-slack-signature']} {len(body)} {body[:20]!r}"


def all_healthy(health: HealthRegistry) -> None:
    for check in HEALTH_CHECKS:
        health.reporter(check).report(healthy=True, status="fine")


async def test_health_is_500_until_every_check_is_healthy(url: str, session: ClientSession) -> None:
    async with session.get(url) as response:
        assert response.status == 500
        assert await response.json() == {check: {"healthy": False, "status": "starting"} for check in HEALTH_CHECKS}


async def test_health_is_200_when_every_check_is_healthy(
    health: HealthRegistry, url: str, session: ClientSession
) -> None:
    all_healthy(health)

    async with session.get(url) as response:
        assert response.status == 200
        assert await response.json() == {check: {"healthy": True, "status": "fine"} for check in HEALTH_CHECKS}


async def test_one_unhealthy_check_is_enough_for_500(health: HealthRegistry, url: str, session: ClientSession) -> None:
    all_healthy(health)
    health.reporter("slack").report(healthy=False, status="out of reach")

    async with session.get(url) as response:
        assert response.status == 500
        assert (await response.json())["slack"] == {"healthy": False, "status": "out of reach"}


async def test_health_lists_the_checks_in_order_as_json(url: str, session: ClientSession) -> None:
    async with session.get(url) as response:
        assert response.content_type == "application/json"
        assert list(json.loads(await response.text())) == ["flyte", "slack", "storage", "outbox"]


async def test_liveness_is_200_whatever_the_checks_say(url: str, session: ClientSession) -> None:
    async with session.get(f"{url}/live") as response:
        assert response.status == 200


@pytest.mark.parametrize(("path", "status"), [("/", 500), ("/live", 200)])
async def test_a_head_request_gets_no_body(path: str, status: int, url: str, session: ClientSession) -> None:
    async with session.head(url + path) as response:
        assert (response.status, await response.read()) == (status, b"")


async def test_other_paths_and_methods_are_rejected(url: str, session: ClientSession) -> None:
    for method, path, status in (("GET", "/metrics", 404), ("POST", "/", 405), ("POST", "/slack/events", 404)):
        async with session.request(method, url + path, data=b"x") as response:
            assert response.status == status


@pytest.mark.parametrize("path", ["/", "/live", "/slack/events", "/nowhere"])
async def test_a_body_over_one_mib_is_rejected_on_every_path(path: str, slack_url: str, session: ClientSession) -> None:
    async with session.post(slack_url.replace(SLACK_PATH, path), data=io.BytesIO(b"x" * (MIB + 1))) as response:
        assert response.status == 413


async def test_a_body_over_one_mib_of_undeclared_length_is_rejected(slack_url: str, session: ClientSession) -> None:
    async def pieces() -> AsyncIterator[bytes]:
        for _ in range(17):
            yield b"x" * (MIB // 16)

    async with session.post(slack_url, data=pieces()) as response:
        assert response.status == 413


async def test_slack_requests_reach_their_handler_unchanged(slack_url: str, session: ClientSession) -> None:
    signed = {"X-Slack-Signature": "v0=1"}

    async with session.post(slack_url, data=b"\xff{not json", headers=signed) as response:
        assert (response.status, await response.text()) == (200, "v0=1 10 b'\\xff{not json'")


async def test_a_body_of_exactly_one_mib_is_accepted(slack_url: str, session: ClientSession) -> None:
    signed = {"X-Slack-Signature": "v0=1"}

    async with session.post(slack_url, data=b"x" * MIB, headers=signed) as response:
        assert response.status == 200


async def test_the_handler_decides_status_and_text(session: ClientSession) -> None:
    async def reject(_: Mapping[str, str], __: bytes) -> tuple[int, str]:
        return 401, "wrong signature"

    async with (
        running_server(slack_handler=reject) as server,
        session.post(server.url + SLACK_PATH, data=b"x") as response,
    ):
        assert (response.status, await response.text()) == (401, "wrong signature")


async def test_a_bug_in_the_handler_is_500_without_details(session: ClientSession) -> None:
    async def fail(_: Mapping[str, str], __: bytes) -> tuple[int, str]:
        raise RuntimeError("hush")

    async with (
        running_server(slack_handler=fail) as server,
        session.post(server.url + SLACK_PATH, data=b"x") as response,
    ):
        assert response.status == 500
        assert "hush" not in await response.text()


async def test_garbage_on_the_port_does_no_harm(url: str, session: ClientSession) -> None:
    host, port = url.removeprefix("http://").split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    writer.write(b"\x16\x03\x01\x00 this is no HTTP\r\n\r\n")
    assert b" 400 " in await reader.readline()
    writer.close()
    await writer.wait_closed()

    async with session.get(f"{url}/live") as response:
        assert response.status == 200


async def test_the_log_names_the_url() -> None:
    with capture_logs() as logs:
        async with running_server() as server:
            pass

    assert logs == [{"event": "listening", "log_level": "info", "url": server.url}]
    assert not server.url.endswith((":0", "/"))


async def test_a_closed_server_accepts_no_connections() -> None:
    async with running_server() as server:
        host, port = server.url.removeprefix("http://").split(":")

    with pytest.raises(ConnectionRefusedError):
        await asyncio.open_connection(host, int(port))


async def test_an_idle_connection_does_not_delay_closing(session: ClientSession) -> None:
    async with asyncio.timeout(2), running_server() as server, session.get(f"{server.url}/live") as response:
        await response.read()


def test_an_ipv6_address_is_put_in_brackets() -> None:
    assert url_at("::1", 8090) == "http://[::1]:8090"


async def test_a_port_in_use_is_an_error_that_names_the_variable() -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]

        with pytest.raises(PortUnavailable, match=f"^FLYTE_SLACK_HTTP_PORT: port {port} is in use") as caught:
            async with HttpServer(HealthRegistry(HEALTH_CHECKS), host="127.0.0.1", port=port).open():
                pass

    assert isinstance(caught.value.__cause__, OSError)
    assert caught.value.__cause__.errno == errno.EADDRINUSE


async def test_a_host_of_another_machine_is_an_error_that_names_the_variable() -> None:
    with pytest.raises(PortUnavailable, match=r"^FLYTE_SLACK_HTTP_HOST: can't listen on '192\.0\.2\.1'"):
        async with HttpServer(HealthRegistry(HEALTH_CHECKS), host="192.0.2.1", port=0).open():
            pass
