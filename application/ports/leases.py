"""Exclusive rights among the processes that share a storage."""

from typing import Protocol

from domain.actions import ActionId
from domain.outbox import Lane, Lease


class Leases(Protocol):
    """The rights to act in an outgoing lane, or to do work that one process does for all. Part of a Storage.

    A lease lasts until it is released, or until the heartbeat of its process has expired and another process acquires
    it. Within a process, its callers see to it that one of them at a time uses a lane.
    """

    async def acquire(self, lane: Lane, action_id: ActionId | None = None) -> Lease | None:
        """Acquires the lane, with a larger token than all its earlier leases had; None while another process has it.

        For an action also None while there is an action without an outcome that was recorded earlier in this lane, or
        in the lane in which this action was recorded, whoever recorded it. A process that has the lane already gets a
        new lease, and its earlier one is lost. Raises LeaseLost if the action was taken over by another process and has
        not come back to this one, or if it has an outcome.
        """

    async def first(self, lane: Lane) -> ActionId | None:
        """Returns the action that was recorded first in this lane and has no outcome yet; None if there is none."""

    async def check(self, lease: Lease) -> None:
        """Raises LeaseLost unless this process still has the lease."""

    async def release(self, lease: Lease) -> None:
        """Ends the lease. No effect if it is lost."""
