"""The gaps in SQLite. Times are microseconds since 1970."""

import sqlite3
from collections.abc import Sequence

from adapters.filesystem.database import Database, transaction
from adapters.sql.codec import from_micros, to_micros
from domain.channels import ChannelId
from domain.gaps import Gap


class FileGaps:
    """Implements Gaps."""

    def __init__(self, database: Database) -> None:
        self.database = database

    @transaction
    def add(self, connection: sqlite3.Connection, gaps: Sequence[Gap]) -> None:
        for gap in gaps:
            known = connection.execute(f"{_SELECT} WHERE channel_id = ?", (gap.channel_id,))
            overlapping = [other for other in map(_gap, known.fetchall()) if other.overlaps(gap)]
            for other in overlapping:
                _delete(connection, other)
            connection.execute("INSERT INTO gaps VALUES (?, ?, ?)", _row(gap.merged(overlapping)))

    @transaction
    def pending(self, connection: sqlite3.Connection) -> list[Gap]:
        return [_gap(row) for row in connection.execute(_SELECT)]

    @transaction
    def close(self, connection: sqlite3.Connection, gap: Gap) -> None:
        _delete(connection, gap)


_SELECT = "SELECT channel_id, after_at, until_at FROM gaps"


def _row(gap: Gap) -> tuple[str, int, int]:
    return gap.channel_id, to_micros(gap.after), to_micros(gap.until)


def _gap(row: tuple[str, int, int]) -> Gap:
    channel_id, after, until = row
    return Gap(ChannelId(channel_id), from_micros(after), from_micros(until))


def _delete(connection: sqlite3.Connection, gap: Gap) -> None:
    connection.execute("DELETE FROM gaps WHERE channel_id = ? AND after_at = ? AND until_at = ?", _row(gap))
