"""The machine's own clock."""

import time
from datetime import UTC, datetime
from typing import Final


class SystemClock:
    """Tells the machine's time."""

    def now(self) -> datetime:
        return datetime.now(UTC)

    def monotonic(self) -> float:
        return time.monotonic()


SYSTEM_CLOCK: Final = SystemClock()
