"""What the packs on a database are working on."""

from typing import Final

from adapters.postgresql.database import Database
from adapters.postgresql.uptime import NOW, SECOND
from adapters.sql.journal_rows import UNFINISHED
from application.ports.work import Work
from domain.actions import ActionId
from domain.outbox import Lane

_NAME: Final = f"CASE WHEN alive_until > {NOW} THEN coalesce(replica.name, '') ELSE '' END"
_PACKS: Final = f"SELECT name FROM flyte_slack.replicas WHERE name IS NOT NULL AND alive_until > {NOW} ORDER BY id"
_LANES: Final = f"""SELECT lane.name, holder IS NOT NULL, {_NAME}, not_before - {NOW} FROM flyte_slack.lanes AS lane
    LEFT JOIN flyte_slack.replicas AS replica ON id = holder
    WHERE is_active AND (holder IS NOT NULL OR not_before IS NOT NULL)"""
_OWNERS: Final = f"""SELECT entry.id, {_NAME} FROM flyte_slack.journal AS entry
    JOIN flyte_slack.replicas AS replica ON replica.id = owner WHERE {UNFINISHED}"""
_TURNS: Final = f"""SELECT lane.name, {_NAME} FROM flyte_slack.action_lanes AS lane
    JOIN flyte_slack.replicas AS replica ON id = holder"""
_RESERVED: Final = f"SELECT name, used_until - {NOW} FROM flyte_slack.rates WHERE used_until > {NOW}"


async def read_work(database: Database) -> Work:
    """Returns what the database says."""
    lanes = await database.fetch(_LANES)
    return Work(
        packs=[name for (name,) in await database.fetch(_PACKS)],
        deliveries={Lane(lane): name for lane, is_held, name, _ in lanes if is_held},
        delays={Lane(lane): left / SECOND for lane, _, _, left in lanes if left is not None},
        owners={ActionId(action_id): name for action_id, name in await database.fetch(_OWNERS)},
        turns={Lane(lane): name for lane, name in await database.fetch(_TURNS)},
        reserved={name: left / SECOND for name, left in await database.fetch(_RESERVED)},
    )
