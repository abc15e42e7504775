"""`python pack.py SECONDS FILE`: the program, on a machine whose clock is wrong by as many seconds as the file says.

It looks for posts in doubt for so many SECONDS instead of a minute, and reads the history faster than Slack allows:
hundreds of threads are begun within minutes.
"""

import sys
from datetime import datetime, timedelta
from pathlib import Path

from adapters.system_clock import SystemClock
from entrypoints.cli.main import main
from entrypoints.container import Daemon

_HISTORY_REQUESTS_PER_MINUTE = 3000


def set_clock_by(file: Path) -> None:
    """Lets every system clock be wrong by the seconds in the file, which may change at any time."""
    right_time = SystemClock.now

    def now(self: SystemClock) -> datetime:
        return right_time(self) + timedelta(seconds=float(file.read_text() or 0))

    SystemClock.now = now  # type: ignore[method-assign] # a machine has one clock


if __name__ == "__main__":
    Daemon.application.posting_policy.add_kwargs(doubt_seconds=float(sys.argv.pop(1)))
    Daemon.application.history_reader.add_kwargs(requests_per_minute=_HISTORY_REQUESTS_PER_MINUTE)
    set_clock_by(Path(sys.argv.pop(1)))
    main()
