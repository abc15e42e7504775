"""The replicas that share the storage: what this one has to know of the others."""

import asyncio
import math
import re
from dataclasses import replace

import structlog

from application.health import HealthReporter
from application.loop_time import loop_time
from application.policies import LeasePolicy
from application.ports.replicas import Replica
from application.ports.storage import Storage
from application.ports.workflow import PackDefinition
from application.resilience.shutdown import Shutdown

log = structlog.get_logger()

_TOPIC = "replicas"
_COUNTED_SECONDS = 60.0
"""How long a replica that has gone still counts when commands are registered: actions may still reach it."""
_TOLERANCE_SECONDS = 1.0
"""How far the storage's time may run ahead of the event loop's."""


class ReplicaGroup:
    """The process itself, and the others as they were a few seconds ago."""

    def __init__(
        self,
        storage: Storage,
        replica: Replica,
        definition: PackDefinition,
        health: HealthReporter,
        shutdown: Shutdown,
        lease: LeasePolicy,
    ) -> None:
        """`definition` is the complete one of this version of the pack."""
        self._storage = storage
        self._replica = replica
        self._full_definition = definition
        self._health = health
        self._shutdown = shutdown
        self._lease = lease
        self._others: list[Replica] = []
        self._reported: set[tuple[str, frozenset[str]]] = set()
        self._updated_at = -math.inf
        """The time of the latest update, by the event loop's time."""
        self.definition_changed = asyncio.Event()
        """Set when this replica has to register the pack, or to register it otherwise."""
        self.replica_lost = asyncio.Event()
        """Set when another replica was lost, perhaps with events that the chat service will not deliver again."""

    @property
    def is_alone(self) -> bool:
        """Whether no other replica is alive."""
        return not self._alive

    def definition(self) -> PackDefinition | None:
        """Returns what to register the pack with: no commands that another replica does not know.

        None if a newer replica registers it.
        """
        own = _order(self._replica.version)
        if any(_order(other.version) > own for other in self._alive):
            return None
        recent = [other for other in self._others if other.gone_seconds < _COUNTED_SECONDS]
        known_to_all = (
            command
            for command in self._full_definition.commands
            if all(command.name in replica.commands for replica in recent)
        )
        return replace(self._full_definition, commands=tuple(known_to_all))

    def is_known_elsewhere(self, command: str) -> bool:
        """Whether another replica can execute a command that this one does not know."""
        return any(command in other.commands for other in self._alive)

    async def join(self) -> None:
        """Announces this replica to the others, and learns of them."""
        self._update(await self._storage.replicas.announce(self._replica))

    async def watch(self) -> None:
        """Follows the other replicas until the pack ends. Returns at once where there can be none."""
        while self._storage.describe().is_shared:
            await self._shutdown.sleep(self._lease.poll_seconds)
            await self.join()

    @property
    def _alive(self) -> list[Replica]:
        return [other for other in self._others if not other.gone_seconds]

    def _update(self, others: list[Replica]) -> None:
        before, self._others = self.definition(), others
        now = loop_time()
        passed, self._updated_at = now - self._updated_at, now
        if any(0 < other.gone_seconds <= passed + _TOLERANCE_SECONDS and not other.has_ended for other in others):
            self.replica_lost.set()
        for other in self._alive:
            self._compare(other)
        self._health.note(_TOPIC, "" if self.is_alone else f"replicas: {len(self._alive) + 1}")
        if self.definition() not in (None, before):
            self.definition_changed.set()

    def _compare(self, other: Replica) -> None:
        """Warns of settings that should be the same."""
        own = self._replica.settings
        differing = {name for name in own.keys() & other.settings.keys() if own[name] != other.settings[name]}
        found = (other.name, frozenset(differing))
        if differing and found not in self._reported:
            self._reported.add(found)
            log.warning("replica_settings_differ", replica=other.name, settings=sorted(differing))


def _order(version: str) -> tuple[tuple[int, str], ...]:
    """Returns a sort key for versions: numbers by value, and pre-releases before their release."""
    parts = re.findall(r"\d+|[a-z]+", version.lower().partition("+")[0])
    order = [(int(part), "") if part.isdigit() else (-1, part) for part in parts]
    return (*order, (0, ""))
