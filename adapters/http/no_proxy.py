"""The list of hosts in NO_PROXY, as curl reads it."""

import ipaddress
import re
from typing import Final
from urllib.parse import SplitResult

_DEFAULT_PORTS: Final = {"http": 80, "ws": 80, "https": 443, "wss": 443}
_ENTRY: Final = re.compile(r"(?P<host>\[[^]]*\](?:/\d+)?|[^:]*|.*:.*:.*?)(?::(?P<port>\d+))?")
"""A host name, an address or a network, and perhaps a port; IPv6 has more than one colon, or brackets."""


def is_excluded(url: SplitResult, no_proxy: str) -> bool:
    """Whether the list excludes the URL's host from the proxy.

    Entries are separated by commas or blanks: host names, which include all names below them and may begin with a dot;
    addresses and networks (`10.0.0.0/8`, `fd00::/8`), which concern addresses in URLs only; a single `*` for all hosts.
    An entry with a port, which curl ignores, concerns that port only.
    """
    if no_proxy.strip() == "*":
        return True
    port = url.port or _DEFAULT_PORTS.get(url.scheme)
    return any(_matches(entry, url.hostname or "", port) for entry in re.split(r"[\s,]+", no_proxy) if entry)


def _matches(entry: str, host: str, port: int | None) -> bool:
    parts = _ENTRY.fullmatch(entry)
    if parts is None or parts["port"] not in (None, str(port)):
        return False
    address = _address(host)
    if address is None:
        return _includes_name(parts["host"], host)
    try:
        return address in ipaddress.ip_network(parts["host"].replace("[", "").replace("]", ""), strict=False)
    except ValueError:
        return False


def _includes_name(domain: str, host: str) -> bool:
    name = domain.lower().removesuffix(".").removeprefix(".")
    return bool(name) and f".{host.lower().removesuffix('.')}".endswith(f".{name}")


def _address(host: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(host)
    except ValueError:
        return None
