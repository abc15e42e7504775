"""What the packs on a storage are working on, as an operator's command beside them can see it."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Protocol, runtime_checkable

from domain.actions import ActionId
from domain.outbox import Lane


@dataclass(frozen=True, slots=True)
class Work:
    """The running packs, and what each is working on. A pack that is lost, but not yet replaced, has no name."""

    packs: Collection[str]
    """The names of those that run."""
    deliveries: Mapping[Lane, str] = field(default_factory=dict)
    """The lanes of the outbox that a pack has claimed, with its name."""
    delays: Mapping[Lane, float] = field(default_factory=dict)
    """The lanes of the outbox that wait after a rejection, with the seconds that are left."""
    owners: Mapping[ActionId, str] = field(default_factory=dict)
    """The unfinished actions that a pack owns, with its name."""
    turns: Mapping[Lane, str] = field(default_factory=dict)
    """The channels in which a pack may act, with its name, where packs have to agree about that."""
    reserved: Mapping[str, float] = field(default_factory=dict)
    """The seconds until the reserved slots of each channel would end if posts were evenly spaced."""


@runtime_checkable
class ObservableStorage(Protocol):
    """A storage that can tell what its packs are working on. It is open."""

    async def work(self) -> Work:
        """Returns what the packs are working on. Changes nothing."""
