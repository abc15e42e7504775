import asyncio
import contextlib
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from aiohttp import TCPConnector

from adapters.http.session import open_session, proxy_for
from adapters.slack.chat import SlackChat
from adapters.slack.web_client import SlackWebClient
from domain.channels import ChannelId
from domain.errors import Unreachable
from domain.messages import OutgoingMessage

AUTHORITY = """\
-----BEGIN CERTIFICATE-----
MIIBmDCCAT+gAwIBAgIUZn1w6RoQYfR1yDoJZB2MM2nre9YwCgYIKoZIzj0EAwIw
ITEfMB0GA1UEAwwWQSB0ZXN0J3Mgb3duIGF1dGhvcml0eTAgFw0yNjExMjQxMTIy
MDFaGA8yMTI2MTAzMTExMjIwMVowITEfMB0GA1UEAwwWQSB0ZXN0J3Mgb3duIGF1
dGhvcml0eTBZMBMGByqGSM49AgEGCCqGSM49AwEHA0IABIesU3U+BXiZ/mggjzYd
7YRieZY+GttdNeVdgltwshRWeL9sDPGiPE8Eq1PudesyCb99WKPsXgcwbiGdmpbq
nkajUzBRMB0GA1UdDgQWBBQ2/B7ASw483urZsop7nCEeFtlDWzAfBgNVHSMEGDAW
gBQ2/B7ASw483urZsop7nCEeFtlDWzAPBgNVHRMBAf8EBTADAQH/MAoGCCqGSM49
BAMCA0cAMEQCIFS+c5VnCrmLZlAkLalcHM1rXCECtcEzzbe+fOmwZhB0AiBlf23P
C8pfL24KURwsaK820y7xXpFOeMRb1t5WTHUjfw==
-----END CERTIFICATE-----
"""


@pytest.fixture(autouse=True)
def bare_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)


@asynccontextmanager
async def proxy() -> AsyncIterator[tuple[str, list[str]]]:
    """A proxy that rejects all requests, and the requests it received."""
    asked: list[str] = []

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        asked.append(head.decode().splitlines()[0])
        writer.write(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n")
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    async with server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}", asked


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("https://slack.com/api/", "http://secure-proxy:3128"),
        ("wss://wss-primary.slack.com/link", "http://secure-proxy:3128"),
        ("http://flyte.example/v1", "http://plain-proxy:3128"),
        ("ws://flyte.example/", "http://plain-proxy:3128"),
        ("https://internal.example/", None),
        ("https://deep.internal.example:8443/", None),
        ("https://other.example/", "http://secure-proxy:3128"),
        ("http://127.0.0.1:8080/", None),
        ("http://127.9.9.9/", None),
        ("http://[::1]:8080/", None),
        ("ws://localhost:8080/", None),
        ("https://localhost:8443/", "http://secure-proxy:3128"),
    ],
)
def test_the_proxy_comes_from_the_environment(monkeypatch: pytest.MonkeyPatch, url: str, expected: str | None) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://secure-proxy:3128")
    monkeypatch.setenv("HTTP_PROXY", "plain-proxy:3128")
    monkeypatch.setenv("NO_PROXY", "internal.example")
    assert proxy_for(url) == expected


@pytest.mark.parametrize("url", ["https://slack.com/api/", "http://flyte.example/", "wss://slack.com/"])
def test_there_is_no_proxy_without_environment_variables(url: str) -> None:
    assert proxy_for(url) is None


async def test_calls_and_sockets_use_the_same_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    async with proxy() as (address, asked):
        monkeypatch.setenv("HTTPS_PROXY", address)
        web = SlackWebClient("https://slack.test/api/", "xoxb-1")
        async with web.open():
            with pytest.raises(Unreachable):
                await SlackChat(web).identify()
            with pytest.raises(Unreachable):
                await web.connect("wss://socket.slack.test/link")
    assert [line.split()[:2] for line in asked] == [["CONNECT", "slack.test:443"], ["CONNECT", "socket.slack.test:443"]]


async def test_exempt_hosts_bypass_the_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    async with proxy() as (address, asked):
        monkeypatch.setenv("HTTPS_PROXY", address)
        monkeypatch.setenv("NO_PROXY", "slack.invalid")
        web = SlackWebClient("https://slack.invalid/api/", "xoxb-1")
        async with web.open():
            with pytest.raises(Unreachable):
                await SlackChat(web).identify()
            with pytest.raises(Unreachable):
                await web.connect("wss://slack.invalid/link")
    assert asked == []


async def test_certificates_are_verified_against_ssl_cert_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    file = tmp_path / "authority.pem"
    file.write_text(AUTHORITY)
    monkeypatch.setenv("SSL_CERT_FILE", str(file))

    async with open_session(timeout_seconds=1) as session:
        assert isinstance(session.connector, TCPConnector)
        context = session.connector._ssl  # noqa: SLF001 - aiohttp has no public way to read it
        assert isinstance(context, ssl.SSLContext)
        authorities = [authority["subject"] for authority in context.get_ca_certs()]

    assert (((("commonName", "A test's own authority"),),)) in authorities


@pytest.mark.parametrize("through_proxy", [False, True])
async def test_a_connection_that_times_out_is_not_in_doubt(
    monkeypatch: pytest.MonkeyPatch, through_proxy: bool
) -> None:
    left = asyncio.Event()

    async def say_nothing(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError):
            while await reader.read(100):
                pass
        writer.close()
        left.set()

    server = await asyncio.start_server(say_nothing, "127.0.0.1", 0)
    async with server:
        silent = f"127.0.0.1:{server.sockets[0].getsockname()[1]}"
        if through_proxy:
            monkeypatch.setenv("HTTPS_PROXY", f"http://{silent}")
        web = SlackWebClient(f"https://{'slack.test' if through_proxy else silent}/api/", "xoxb-1", timeout_seconds=0.2)
        async with web.open():
            with pytest.raises(Unreachable):
                await SlackChat(web).post(OutgoingMessage(ChannelId("C1"), "hello"), None)
        await asyncio.wait_for(left.wait(), 5)
