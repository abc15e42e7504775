"""How the program ends."""

from enum import IntEnum


class ExitStatus(IntEnum):
    """The process's exit statuses."""

    OK = 0
    FAILED = 1
    INVALID_SETTINGS = 2
