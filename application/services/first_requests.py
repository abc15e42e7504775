"""Records that the first request of a step is about to be sent."""

from datetime import datetime

from application.ports.journal import Journal
from domain.actions import ActionId, StepName
from domain.errors import LeaseLost
from domain.outbox import Lease


async def begin_step(journal: Journal, action_id: ActionId, name: StepName, lease: Lease, *, at: datetime) -> datetime:
    """Records that a step begins at this time, which is returned.

    Raises LeaseLost if it has begun already: another process has had the action meanwhile, so that what this one knows
    of its steps is out of date.
    """
    if await journal.begin_step(action_id, name, lease, at=at) != at:
        raise LeaseLost(f"the action {action_id}")
    return at
