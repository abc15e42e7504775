"""The HTTP port over a real socket."""

import asyncio
import errno
import io
import json
import socket
from collections.abc import AsyncIterator, Mapping

import pytest
from aiohttp import ClientSession
from structlog.testing import capture_logs

from application.health import HealthRegistry
from domain.json_values import JsonObject
from entrypoints.container.ports import HEALTH_CHECKS
from entrypoints.http import SLACK_PATH, HttpServer, PortUnavailable, url_at
from tests.support.http_port import HEAD, MIB, SlackRequests, connected, running_server


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
    for method, path, status in (
        ("GET", "/nowhere", 404),
        ("GET", "/metrics", 404),
        ("POST", "/", 405),
        ("POST", "/slack/events", 404),
    ):
        async with session.request(method, url + path, data=b"x") as response:
            assert response.status == status


async def test_metrics_come_in_the_format_that_is_asked_for(session: ClientSession) -> None:
    def render(accept: str) -> tuple[bytes, str]:
        return f"accepts {accept}".encode(), "text/plain; version=0.0.4; charset=utf-8"

    async with running_server(metrics=render) as server:
        async with session.get(f"{server.url}/metrics", headers={"Accept": "text/plain;q=0.5"}) as response:
            assert (response.status, await response.text()) == (200, "accepts text/plain;q=0.5")
            assert response.headers["Content-Type"] == "text/plain; version=0.0.4; charset=utf-8"
            assert response.headers["Cache-Control"] == "no-store"
        async with session.head(f"{server.url}/metrics") as response:
            assert (response.status, await response.read()) == (200, b"")
        async with session.post(f"{server.url}/metrics") as response:
            assert response.status == 405


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
        running_server(slack_handler=SlackRequests(reject)) as server,
        session.post(server.url + SLACK_PATH, data=b"x") as response,
    ):
        assert (response.status, await response.text()) == (401, "wrong signature")


async def test_a_bug_in_the_handler_is_500_without_details(session: ClientSession) -> None:
    async def fail(_: Mapping[str, str], __: bytes) -> tuple[int, str]:
        raise RuntimeError("hush")

    async with (
        running_server(slack_handler=SlackRequests(fail)) as server,
        session.post(server.url + SLACK_PATH, data=b"x") as response,
    ):
        assert response.status == 500
        assert "hush" not in await response.text()


async def test_the_pack_is_ready_while_its_storage_works(
    health: HealthRegistry, url: str, session: ClientSession
) -> None:
    for healthy, status in ((None, 503), (True, 200), (False, 503)):
        if healthy is not None:
            health.reporter("storage").report(healthy=healthy, status="so")
        async with session.get(f"{url}/ready") as response:
            assert (response.status, await response.json()) == (status, {"ready": status == 200})


async def test_a_request_is_refused_before_its_body_is_read(slack_url: str) -> None:
    async with connected(slack_url, HEAD + b"Refused: 1\r\nContent-Length: %d\r\n\r\n" % MIB) as reader:
        assert await reader.readline() == b"HTTP/1.1 401 Unauthorized\r\n"


async def test_a_chunked_body_of_one_mib_is_accepted_and_one_byte_more_is_not(
    slack_url: str, session: ClientSession
) -> None:
    async def pieces(size: int) -> AsyncIterator[bytes]:
        yield b"x" * MIB
        yield b"x" * (size - MIB)

    for size, status in ((MIB, 200), (MIB + 1, 413)):
        async with session.post(slack_url, data=pieces(size)) as response:
            assert response.status == status


async def test_a_compressed_body_is_not_inflated(slack_url: str, session: ClientSession) -> None:
    async with session.post(slack_url, data=b"1f8b", headers={"Content-Encoding": "gzip"}) as response:
        assert await response.text() == "None 4 b'1f8b'"


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


@pytest.mark.parametrize(("is_receiving", "status"), [(True, 200), (False, 503)])
async def test_the_pack_is_ready_once_it_takes_the_requests_of_slack(*, is_receiving: bool, status: int) -> None:
    health = HealthRegistry(["storage"])
    health.reporter("storage").report(healthy=True, status="working")
    slack = SlackRequests()
    slack.is_receiving = is_receiving
    async with (
        ClientSession() as session,
        running_server(health, slack_handler=slack) as server,
        session.get(f"{server.url}/ready") as response,
    ):
        assert response.status == status


async def test_a_response_to_slack_may_be_json(session: ClientSession) -> None:
    async def reply(_headers: Mapping[str, str], _body: bytes) -> tuple[int, JsonObject]:
        return 200, {"text": "On it! \u00e9"}

    async with (
        running_server(slack_handler=SlackRequests(reply)) as server,
        session.post(server.url + SLACK_PATH, data={"command": "/deploy"}) as response,
    ):
        assert (response.status, response.content_type) == (200, "application/json")
        assert await response.json() == {"text": "On it! \u00e9"}
