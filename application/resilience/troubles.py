"""Knows which troubles have been logged, so that each is a warning once, however many attempts it costs."""


class Troubles:
    """The reasons why attempts have failed since the last success."""

    def __init__(self) -> None:
        self._reasons: set[str] = set()

    def is_new(self, reason: str) -> bool:
        """Returns whether it is the first attempt that failed for this reason."""
        is_new = reason not in self._reasons
        self._reasons.add(reason)
        return is_new

    def end(self) -> None:
        """An attempt has succeeded: the same trouble is a new one from now on."""
        self._reasons.clear()
