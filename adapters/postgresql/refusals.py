"""Why a server refuses a connection: the error's code and origin, which libpq shows only in its trace of the protocol.

The error's text is in the language of the server.
"""

import os
import re
import select
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from psycopg import pq

_ERROR: Final = re.compile(rb'\tErrorResponse\t.*? C "(\w{5})"(?:.* R "(\w+)")?')
_POLLS: Final = {pq.PollingStatus.READING: select.POLLIN, pq.PollingStatus.WRITING: select.POLLOUT}
_BY_ROUTINE: Final[Mapping[str, str]] = {
    "InitializeSessionUserId": "the user",
    "CheckMyDatabase": "the database's name",
}
_BY_CODE: Final[Mapping[str, str]] = {
    "28P01": "the user or the password",
    "28000": "the user, the database or sslmode",
    "3D000": "the database's name",
}
_FOR_A_WHILE: Final = ("53", "55000")
"""How codes begin: all connections are in use, also those of the user or the database, or it accepts none just now."""
_OF_OPTIONS: Final = ("22", "42", "55P02")
"""How codes begin: of values that can't be used, unknown settings, missing rights, and what a restart alone can set."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """How a server refuses a connection."""

    code: str
    """The SQLSTATE."""
    routine: str
    """The server's function that refused; empty if it does not tell."""

    def cause(self, parameters: Mapping[str, str]) -> str:
        """Returns which of the connection's parameters to correct; empty if a later attempt may succeed."""
        if self.code.startswith(_FOR_A_WHILE):
            return ""
        if found := _BY_ROUTINE.get(self.routine) or _BY_CODE.get(self.code):
            return found
        return "options" if "options" in parameters and self.code.startswith(_OF_OPTIONS) else ""


def find_refusal(conninfo: str, seconds: float) -> Refusal | None:
    """Connects, and returns how the server refuses; None if it does not refuse within this time. Blocks the thread.

    Returns None also where libpq writes no trace, which it does on Linux alone.
    """
    if sys.platform != "linux":
        return None
    connection = pq.PGconn.connect_start(conninfo.encode())
    try:
        with os.fdopen(os.memfd_create("trace"), "rb") as trace:  # in memory, since it has the password
            connection.trace(trace.fileno())
            _poll(connection, time.monotonic() + seconds)
            connection.untrace()
            trace.seek(0)
            found = _ERROR.findall(trace.read())
    finally:
        connection.finish()
    return Refusal(*(part.decode() for part in found[-1])) if found else None


def _poll(connection: pq.abc.PGconn, deadline: float) -> None:
    """Goes on with the connection until it is made or refused, or the time is over."""
    while (events := _POLLS.get(pq.PollingStatus(connection.connect_poll()))) and time.monotonic() < deadline:
        waiting = select.poll()
        waiting.register(connection.socket, events)
        waiting.poll(max(0, deadline - time.monotonic()) * 1000)
