"""Explains what entries of the outbox and the journal wait for, from their storage and the pack's health."""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Final

from application.catalog.commands import COMMANDS_BY_NAME
from application.health import HealthStatus
from application.ports.work import Work
from application.services.lanes import lane_of
from domain.actions import ActionId, ActionState, JournalEntry, action_key
from domain.commands import ChatCommand, command_name
from domain.outbox import Lane, OutboxEntry

_LOOK_UP: Final = "look_up"
"""The method of Chat that finds the author of a message."""
_ALL_POSTS: Final = "all posts held back"
_HEALTHY: Final = HealthStatus(healthy=True, status="")


class WaitKind(Enum):
    """The kinds of waits. The values are public."""

    PACK = "pack"
    """A pack has to run."""
    FLYTE = "flyte"
    """Flyte has to answer, or to accept the entry."""
    SLACK = "slack"
    """Slack has to answer."""
    TOKEN = "token"  # noqa: S105 - not a secret
    """A valid token has to be set."""
    PACE = "pace"
    """The rate of posts into the channel permits the post later."""
    PAUSE = "pause"
    """A pause that Slack has asked for has to end."""
    EARLIER = "earlier"
    """An earlier entry of the same lane has to be done."""
    REPLICA = "replica"
    """Another replica has to finish, or the lease of a lost one has to end."""
    TURN = "turn"
    """A pack has to take it up, which it will do when it has the capacity."""


@dataclass(frozen=True, slots=True)
class Wait:
    """What an entry waits for."""

    kind: WaitKind
    text: str
    """Follows the word `for`."""
    seconds: float | None = None
    """The longest time left; None if that is not known."""


class Waits:
    """Explains what the entries of a queue wait for. Has to be asked about all of them, in order."""

    def __init__(
        self,
        work: Work | None,
        paused: Mapping[str, float],
        health: Mapping[str, HealthStatus],
        *,
        messages_per_second: float,
        message_burst: int,
    ) -> None:
        """`work` is None if the storage can't tell; `health` is that of the running pack, empty if it is unknown."""
        self._is_known = work is not None
        self._work = work or Work(packs=())
        self._paused = paused
        self._flyte = health.get("flyte", _HEALTHY)
        self._slack = health.get("slack", _HEALTHY)
        self._burst_seconds = message_burst / messages_per_second
        self._heads: dict[Lane, str] = {}

    def of_message(self, entry: OutboxEntry) -> Wait | None:
        """Returns what an entry of the outbox waits for; None if it was set aside, or nothing is known."""
        if entry.dead_letter_reason:
            return None
        if (head := self._heads.setdefault(entry.lane, entry.key)) != entry.key:
            return Wait(WaitKind.EARLIER, f"an earlier one of its lane: {head}")
        return self._pack_missing() or self._flyte_problem() or self._of_head(entry)

    def of_action(self, entry: JournalEntry) -> Wait | None:
        """Returns what an action waits for; None if it was set aside, or nothing is known."""
        if entry.state in (ActionState.DEAD_LETTERED, ActionState.REPORTED):
            return None
        if entry.state is ActionState.COMPLETED:
            return self._pack_missing() or self._flyte_problem() or Wait(WaitKind.FLYTE, "Flyte to accept its result")
        lane = Lane(lane_of(entry.action.id, entry.action.command))
        if (head := self._heads.setdefault(lane, entry.action.id)) != entry.action.id:
            return Wait(WaitKind.EARLIER, f"an earlier one of its channel: {action_key(ActionId(head))}")
        return self._pack_missing() or self._of_turn(entry, lane) or self._of_chat(entry, lane)

    def _pack_missing(self) -> Wait | None:
        if self._is_known and not self._work.packs:
            return Wait(WaitKind.PACK, "a pack: none is running on this storage")
        return None

    def _flyte_problem(self) -> Wait | None:
        if self._flyte.healthy:
            return None
        kind = WaitKind.TOKEN if "token" in self._flyte.status else WaitKind.FLYTE
        return Wait(kind, f"Flyte ({self._flyte.status})")

    def _of_head(self, entry: OutboxEntry) -> Wait | None:
        if left := self._work.delays.get(entry.lane):
            times = f"{entry.rejections} times" if entry.rejections > 1 else "once"
            return Wait(WaitKind.FLYTE, f"Flyte, which rejected it {times}: again within {_seconds(left)}", left)
        if entry.is_backfilled and (pause := self._pause(_LOOK_UP)):
            return pause
        if entry.is_backfilled and not self._slack.healthy:
            return Wait(WaitKind.SLACK, f"Slack ({self._slack.status}), to look up its author")
        holder = self._work.deliveries.get(entry.lane)
        if holder == "":
            return Wait(WaitKind.REPLICA, "the end of the lease of a replica that is gone")
        if holder:
            return Wait(WaitKind.FLYTE, f"Flyte to accept it from {holder}")
        return Wait(WaitKind.TURN, "its turn") if self._is_known else None

    def _of_turn(self, entry: JournalEntry, lane: Lane) -> Wait | None:
        """Whether another replica has to do something before."""
        if not self._is_known:
            return None
        owner, holder = self._work.owners.get(entry.action.id), self._work.turns.get(lane)
        if owner is None:
            return Wait(WaitKind.TURN, "a pack to take it up")
        if "" in (owner, holder):
            return Wait(WaitKind.REPLICA, "the end of the lease of a replica that is gone")
        if holder not in (None, owner):
            return Wait(WaitKind.REPLICA, f"{holder}, which has the channel")
        return None

    def _of_chat(self, entry: JournalEntry, lane: Lane) -> Wait | None:
        names = (*_channels(entry, lane), *_methods(entry))
        if wait := self._slack_problem() or next(filter(None, map(self._pause, names)), None):
            return wait
        if _ALL_POSTS in self._slack.status:
            return Wait(WaitKind.PAUSE, "a pause of all posts, which Slack limits")
        left = max(self._work.reserved.get(name, 0.0) for name in names) - self._burst_seconds
        if left > 0:
            return Wait(WaitKind.PACE, f"the pace of its channel: {_seconds(left)} more", left)
        return Wait(WaitKind.SLACK, "Slack to answer") if self._is_known else None

    def _slack_problem(self) -> Wait | None:
        if "token is refused" in self._slack.status:
            return Wait(WaitKind.TOKEN, f"a valid token: Slack says that {self._slack.status}")
        if "out of reach" in self._slack.status:
            return Wait(WaitKind.SLACK, f"Slack ({self._slack.status})")
        return None

    def _pause(self, name: str) -> Wait | None:
        if (left := self._paused.get(name)) is None:
            return None
        return Wait(WaitKind.PAUSE, f"a pause that Slack asked for ({name}): {_seconds(left)} more", left)


def _channels(entry: JournalEntry, lane: Lane) -> Iterator[str]:
    """Yields the channels in which something is left to do; a step of a broadcast is named for its channel."""
    yield lane
    yield from (name for name, step in entry.steps.items() if not step.is_complete)


def _methods(entry: JournalEntry) -> Iterator[str]:
    """Yields the methods that the action calls, and those of the service that its flow chose."""
    command = entry.action.command
    if (spec := COMMANDS_BY_NAME.get(command_name(command))) is not None:
        yield from spec.requests
    if isinstance(command, ChatCommand) and command.name == "CallSlack":
        yield str(command.input.get("method", ""))


def _seconds(seconds: float) -> str:
    return f"{math.ceil(seconds)} s"
