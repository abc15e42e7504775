"""Tells requests of this machine's own programs and pages from those that a foreign page makes a browser send."""

import ipaddress
from typing import Final

from aiohttp import web

_OWN_SUFFIXES: Final = (".localhost", ".internal", ".local")
"""Names that can't belong to a foreign page: they can't be registered."""


def has_own_origin(request: web.Request) -> bool:
    """Whether the `Origin` of a request is the server itself."""
    return request.headers.get("Origin") == f"http://{request.host}"


def is_foreign(request: web.Request) -> bool:
    """Whether a browser sent the request for a page of another origin.

    Programs send no `Origin`. A public name as `Host` means DNS rebinding: it points to this machine.
    """
    return ("Origin" in request.headers and not has_own_origin(request)) or not _is_own_name(request.host)


def _is_own_name(host: str) -> bool:
    name = host.rpartition("]")[0].removeprefix("[") or host.rpartition(":")[0] or host
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return "." not in name or name.lower().endswith(_OWN_SUFFIXES)
    return True
