"""The machine's own clock."""

from datetime import UTC, datetime
from typing import Final


class SystemClock:
    """Tells the machine's time."""

    def now(self) -> datetime:
        return datetime.now(UTC)


SYSTEM_CLOCK: Final = SystemClock()
