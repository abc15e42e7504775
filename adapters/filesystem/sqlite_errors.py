"""What operators read about SQLite's errors."""

import sqlite3
from typing import Final

_REMEDIES: Final = {
    sqlite3.SQLITE_BUSY: "close the other program that has it open, such as sqlite3 or a backup tool",
    sqlite3.SQLITE_FULL: "make room on the disk",
}


def explain(error: Exception) -> str:
    """Returns the error with its name, if it has one, and with what to do, if that is known."""
    name = getattr(error, "sqlite_errorname", "") or getattr(error, "strerror", "")
    remedy = _REMEDIES.get(primary_code(error), "")
    return f"{error}" + (f" ({name})" if name else "") + (f"; {remedy}" if remedy else "")


def primary_code(error: Exception) -> int:
    """Returns SQLite's code of an error, without its details; 0 if it has none."""
    return int(getattr(error, "sqlite_errorcode", 0)) & 0xFF
