"""Short names for values in tests of storages."""

from datetime import UTC, datetime, timedelta

from application.ports.storage import Storage
from domain.actions import Action, ActionId, StepName
from domain.channels import ChannelId
from domain.commands import Broadcast, Command
from domain.interactions import BlockAction
from domain.messages import IncomingMessage, Receipt
from domain.outbox import Lane, Lease, OutboxEntry, outbox_entry
from entrypoints.testing.manual_clock import ManualClock

NOW = datetime(2026, 3, 1, 12, 0, 0, 123000, tzinfo=UTC)
A, B, C = ChannelId("CA"), ChannelId("CB"), ChannelId("CC")
LANE_A, LANE_B, LANE_C = map(Lane, (A, B, C))
STEP_A, STEP_B, STEP_C = map(StepName, (A, B, C))
X, Y = ActionId("x"), ActionId("y")
LEASE = 60.0
HELD = Lease(LANE_A, 1)
"""The lease of an outgoing lane, for the journal of a storage that no other process can use."""
RECEIPT = Receipt(A, "1700000000.000100")


CLOCK = ManualClock(NOW)
"""The clock of all storages in tests."""


STEPS = (-3600.0, 120.0, 86400.0)
"""Steps of a clock in seconds, ahead or back."""


def at(storage: Storage, time: datetime) -> Storage:
    """Sets the storage's clock, and returns the storage."""
    CLOCK.time = time
    return storage


async def held(storage: Storage, lane: Lane = LANE_A) -> Lease:
    """Returns the lease of an outgoing lane, which journal steps need."""
    lease = await storage.leases.acquire(lane)
    assert lease
    return lease


def after(seconds: float) -> datetime:
    """Returns the time this many seconds after NOW."""
    return NOW + timedelta(seconds=seconds)


def new_entry(channel_id: ChannelId, number: int, received_after: float | None = None) -> OutboxEntry:
    """Returns an entry for this message, received `received_after` (by default `number`) seconds after NOW."""
    message = IncomingMessage(channel_id, f"1700000000.{number:06}", f"message {number}")
    return outbox_entry(message, after(number if received_after is None else received_after))


def new_click(number: int, user_id: str = "U1", channel_id: ChannelId = A) -> OutboxEntry:
    """Returns an entry for a click of this user, received `number` seconds after NOW."""
    click = BlockAction(
        channel_id=channel_id,
        user_id=user_id,
        team_id="T1",
        action_id="approve",
        action_type="button",
        value=f"request {number}",
        timestamp="1700000000.000100",
        trigger_id=f"trigger.{number}",
        response_url=f"https://hooks.slack.com/actions/{number}",
    )
    return outbox_entry(click, after(number))


def action(action_id: ActionId = X, command: Command | None = None) -> Action:
    """Returns an action with this id."""
    return Action(action_id, command or Broadcast("hello"))
