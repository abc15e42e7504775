"""A clock that shows what the test sets."""

from datetime import datetime


class ManualClock:
    """Implements Clock."""

    def __init__(self, time: datetime) -> None:
        self.time = time

    def now(self) -> datetime:
        return self.time
