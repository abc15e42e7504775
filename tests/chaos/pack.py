"""`python pack.py SECONDS FILE NUMBER`: the program, on a machine whose clock is wrong by as many seconds as FILE says.

It looks for posts in doubt for so many SECONDS instead of a minute, and reads the history faster than Slack allows:
hundreds of threads are begun within minutes. It logs each post, and freezes just before the one with this NUMBER.
"""

import os
import signal
import sys
import time
from collections.abc import Mapping
from contextvars import ContextVar
from datetime import datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Any

import structlog

from adapters.postgresql.journal import PostgresJournal
from adapters.postgresql.leases import PostgresLeases
from adapters.slack.errors import ApiCall
from adapters.slack.web_client import SlackWebClient
from adapters.system_clock import SystemClock
from domain.json_values import Json, JsonObject
from entrypoints.cli.main import main
from entrypoints.container.daemon import Daemon
from tests.chaos.frozen import FROZEN, POSTING

_HISTORY_REQUESTS_PER_MINUTE = 3000

log = structlog.get_logger()
_looked_at: ContextVar[float] = ContextVar("looked_at", default=float("inf"))
"""When this task last began to look whether it still has its channel."""


def set_clock_by(file: Path) -> None:
    """Lets every system clock be wrong by the seconds in the file, which may change at any time."""
    right_time = SystemClock.now

    def now(self: SystemClock) -> datetime:
        return right_time(self) + timedelta(seconds=float(file.read_text() or 0))

    SystemClock.now = now  # type: ignore[method-assign] # a machine has one clock


def note_looks() -> None:
    """Remembers when each task last began to look."""
    for kind, name in ((PostgresLeases, "check"), (PostgresJournal, "begin_step")):
        look = getattr(kind, name)

        async def noted(*arguments: Any, look: Any = look, **named: Any) -> Any:
            _looked_at.set(time.monotonic())
            return await look(*arguments, **named)

        setattr(kind, name, noted)


def log_posts(freeze_before: int) -> None:
    """Logs each post just before its request, and freezes the process there once."""
    send = SlackWebClient.call
    numbers = count(1)

    async def logged(
        self: SlackWebClient, call: ApiCall, arguments: Mapping[str, Json] | None = None, token: str | None = None
    ) -> JsonObject:
        if call.method == "chat.postMessage" and arguments:
            marker = str(arguments.get("text")).split()[-1]
            log.error(POSTING, marker=marker, channel=arguments["channel"], looked_at=_looked_at.get())
            if next(numbers) == freeze_before:
                log.error(FROZEN, at=time.monotonic())
                os.kill(os.getpid(), signal.SIGSTOP)
        return await send(self, call, arguments, token)

    SlackWebClient.call = logged  # type: ignore[method-assign]


if __name__ == "__main__":
    Daemon.application.posting_policy.add_kwargs(doubt_seconds=float(sys.argv.pop(1)))
    Daemon.application.history_reader.add_kwargs(requests_per_minute=_HISTORY_REQUESTS_PER_MINUTE)
    set_clock_by(Path(sys.argv.pop(1)))
    note_looks()
    log_posts(int(sys.argv.pop(1)))
    main()
