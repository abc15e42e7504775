"""What a replica owns: outgoing lanes, actions and a poll session.

A replica is lost once its heartbeat has expired; then everything is released at once. A replica that was only slow, and
continues, finds that it owns nothing any more.
"""

from adapters.postgresql.database import Database
from adapters.postgresql.session import Session
from adapters.postgresql.uptime import NOW
from adapters.sql.journal_rows import UNFINISHED

_HAS_SOMETHING = f"""(EXISTS (SELECT FROM flyte_slack.journal WHERE owner = replica.id AND {UNFINISHED})
    OR EXISTS (SELECT FROM flyte_slack.action_lanes WHERE holder = replica.id)
    OR EXISTS (SELECT FROM flyte_slack.poll_sessions WHERE owner = replica.id))"""

_RELEASE = f"""actions AS (
        UPDATE flyte_slack.journal SET owner = NULL WHERE owner IN (SELECT id FROM lost) AND {UNFINISHED}
    ), lanes AS (
        UPDATE flyte_slack.action_lanes SET holder = NULL WHERE holder IN (SELECT id FROM lost)
    ), sessions AS (
        UPDATE flyte_slack.poll_sessions SET owner = NULL WHERE owner IN (SELECT id FROM lost)
    ) SELECT id FROM lost"""

_RELEASE_LOST = f"""WITH lost AS MATERIALIZED (
        SELECT id FROM flyte_slack.replicas AS replica
        WHERE id <> %s AND alive_until <= {NOW} AND {_HAS_SOMETHING} FOR UPDATE SKIP LOCKED
    ), {_RELEASE}"""
"""Their rows are locked, so that a late heartbeat waits until they own nothing any more.

Those that are locked already are being released, or their heartbeat has come.
"""


async def release_lost(database: Database, own_id: int) -> bool:
    """Releases what lost replicas own. Returns whether they owned anything."""
    return bool(await database.fetch(_RELEASE_LOST, (own_id,)))


async def release(session: Session, replica: int) -> None:
    """Releases what this replica owns."""
    await session.fetch(f"WITH lost AS (SELECT %s::bigint AS id), {_RELEASE}", (replica,))
