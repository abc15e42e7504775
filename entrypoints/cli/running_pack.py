"""The pack that runs on this machine: its health, and its settings, which are assumed to be those of the command."""

import json
from collections.abc import Mapping
from contextlib import closing
from http.client import HTTPConnection, HTTPException
from typing import Any, Final

from application.health import HealthStatus
from entrypoints.config.issues import SettingsError
from entrypoints.config.settings import read_some

LOOPBACK_FOR: Final = {"0.0.0.0": "127.0.0.1", "::": "::1"}
_SECONDS: Final = 2.0
_MAX_BYTES: Final = 65536


def health_of_running_pack(environ: Mapping[str, str]) -> Mapping[str, HealthStatus]:
    """Returns the checks by name; none if no pack answers at the port that these variables name. Blocks for 2 s."""
    try:
        settings = read_some(environ, "http_host", "http_port")
        host = LOOPBACK_FOR.get(settings["http_host"], settings["http_host"])
        return _ask(host, settings["http_port"])
    except (SettingsError, OSError, HTTPException, ValueError, LookupError, TypeError, AttributeError, RecursionError):
        return {}


def posting_rate(environ: Mapping[str, str]) -> Mapping[str, Any]:
    """Returns the settings that decide the pace of posts; the defaults if they are invalid."""
    names = ("messages_per_second", "message_burst")
    try:
        return read_some(environ, *names)
    except SettingsError:
        return read_some({}, *names)


def _ask(host: str, port: int) -> Mapping[str, HealthStatus]:
    with closing(HTTPConnection(host, port, timeout=_SECONDS)) as connection:
        connection.request("GET", "/")
        checks = json.loads(connection.getresponse().read(_MAX_BYTES))
    return {
        name: HealthStatus(healthy=check["healthy"] is True, status=str(check["status"]))
        for name, check in checks.items()
    }
