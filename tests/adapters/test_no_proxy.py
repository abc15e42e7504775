"""NO_PROXY as curl reads it."""

import pytest

from adapters.http.session import proxy_for


@pytest.fixture(autouse=True)
def proxies(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HTTP_PROXY", "http://proxy:3128")
    monkeypatch.setenv("HTTPS_PROXY", "http://proxy:3128")


@pytest.mark.parametrize(
    ("no_proxy", "host"),
    [
        ("example.com", "example.com"),
        ("example.com", "www.example.com"),
        ("example.com", "example.com:81"),
        (".example.com", "www.example.com"),
        (".example.com", "example.com"),
        ("EXAMPLE.com", "Example.COM"),
        ("example.com", "example.com."),
        ("example.com.", "example.com"),
        ("x.y, example.com", "example.com"),
        ("x.y ,example.com", "example.com"),
        ("x.y example.com", "example.com"),
        ("x.y\texample.com", "example.com"),
        ("x.y,,example.com,", "example.com"),
        ("  example.com  ", "example.com"),
        ("com", "example.com"),
        ("*", "example.com"),
        (" * ", "10.1.2.3"),
        ("10.0.0.0/8", "10.1.2.3"),
        ("10.0.0.0/8", "10.1.2.3:81"),
        ("192.168.0.0/16 10.0.0.0/8", "10.1.2.3"),
        ("10.1.2.9/24", "10.1.2.3"),
        ("10.1.2.3", "10.1.2.3"),
        ("10.1.2.3/32", "10.1.2.3"),
        ("fe80::1", "[fe80::1]"),
        ("fe80::1", "[fe80::1]:81"),
        ("[fe80::1]", "[fe80::1]"),
        ("fe80:0:0::1", "[fe80::1]"),
        ("2001:DB8::/32", "[2001:db8::1]"),
        ("[2001:db8::]/32", "[2001:db8::1]"),
        ("fe80::/10", "[febf::1]"),
        ("example.com:81", "example.com:81"),
        (".example.com:81", "www.example.com:81"),
        ("10.1.2.3:81", "10.1.2.3:81"),
        ("10.0.0.0/8:81", "10.1.2.3:81"),
        ("[fe80::1]:81", "[fe80::1]:81"),
    ],
)
def test_a_listed_host_is_reached_directly(monkeypatch: pytest.MonkeyPatch, no_proxy: str, host: str) -> None:
    monkeypatch.setenv("NO_PROXY", no_proxy)
    assert [proxy_for(f"{scheme}://{host}/") for scheme in ("http", "https", "ws", "wss")] == [None] * 4


@pytest.mark.parametrize(
    ("no_proxy", "host"),
    [
        ("", "example.com"),
        (",", "example.com"),
        (".", "example.com"),
        ("example.com", "notexample.com"),
        ("www.example.com", "example.com"),
        ("..com", "example.com"),
        ("*.com", "example.com"),
        ("x.y,*", "example.com"),
        ("10.0.0.0/8", "11.1.2.3"),
        ("10.0.0.0/8", "10.example.com"),
        ("10.1.2.3", "10.1.2.3.nip.io"),
        ("2.3", "10.1.2.3"),
        ("10.", "10.1.2.3"),
        (".10.1.2.3", "10.1.2.3"),
        ("10.1.2.3/33", "10.1.2.3"),
        ("10.1.2.0/abc", "10.1.2.3"),
        ("10.0.0.0/8", "[::ffff:10.1.2.3]"),
        ("fe80::/10", "[fec0::1]"),
        ("example.com:81", "example.com"),
        ("example.com:81", "example.com:82"),
        ("[fe80::1]:81", "[fe80::1]"),
        ("10.1.2.3:81", "10.1.2.3"),
        ("example.com:", "example.com"),
        ("example.com:http", "example.com"),
    ],
)
def test_any_other_host_is_reached_through_the_proxy(monkeypatch: pytest.MonkeyPatch, no_proxy: str, host: str) -> None:
    monkeypatch.setenv("NO_PROXY", no_proxy)
    assert [proxy_for(f"{scheme}://{host}/") for scheme in ("http", "https")] == ["http://proxy:3128"] * 2


@pytest.mark.parametrize(
    ("url", "is_direct"),
    [
        ("http://example.com/", False),
        ("https://example.com/", True),
        ("wss://example.com/", True),
        ("http://example.com:443/", True),
    ],
)
def test_a_port_is_that_of_the_scheme_unless_given(monkeypatch: pytest.MonkeyPatch, url: str, is_direct: bool) -> None:
    monkeypatch.setenv("NO_PROXY", "example.com:443")
    assert (proxy_for(url) is None) == is_direct
