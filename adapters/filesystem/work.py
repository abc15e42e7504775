"""What the pack that uses a directory is working on."""

import sqlite3
from pathlib import Path

from adapters.filesystem.diagnostics import holder
from adapters.filesystem.rate_limits import saved_rates
from adapters.filesystem.uptime import Uptime
from adapters.sql.codec import to_micros
from adapters.sql.journal_rows import UNFINISHED
from application.ports.clock import Clock
from application.ports.work import Work
from domain.actions import ActionId
from domain.outbox import Lane

_SECOND = 1_000_000


def read_work(connection: sqlite3.Connection, directory: Path, uptime: Uptime, clock: Clock) -> Work:
    """Returns what the database says. Without a running pack nothing is in progress."""
    pack = holder(directory)
    if pack is None:
        return Work(packs=())
    claimed = connection.execute("SELECT name FROM lanes WHERE lease_until IS NOT NULL")
    delayed = connection.execute("SELECT name, not_before FROM lanes WHERE not_before IS NOT NULL")
    in_hand = connection.execute(f"SELECT id FROM journal WHERE in_hand <> 0 AND {UNFINISHED}")
    return Work(
        packs=(pack,),
        deliveries={Lane(name): pack for (name,) in claimed},
        delays={Lane(name): -uptime.seconds_since(not_before) for name, not_before in delayed},
        owners={ActionId(action_id): pack for (action_id,) in in_hand},
        reserved={name: used / _SECOND for name, used, _ in saved_rates(connection, to_micros(clock.now()))},
    )
