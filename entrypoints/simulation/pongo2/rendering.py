"""One rendering of a template: what names mean, what is written, and the limits it has to keep."""

import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime

from entrypoints.simulation.pongo2.errors import TemplateFailedError

OUTPUT_LIMIT = 1024 * 1024
STEP_LIMIT = 100_000
DEPTH_LIMIT = 50


def _now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What a template may ask of the world beside its values; tests give their own."""

    datastore: Mapping[str, object] = field(default_factory=dict)
    dice: random.Random = field(default_factory=random.Random)
    now: Callable[[], datetime] = _now


@dataclass(slots=True)
class Budget:
    """What one rendering may still use, shared with the templates and macros that it calls.

    A step is one node, one filter or one round of a loop; output and every text made on the way count in characters.
    """

    steps: int = STEP_LIMIT
    output: int = OUTPUT_LIMIT
    depth: int = 0

    def step(self, count: int = 1) -> None:
        """Use steps; raises TemplateFailedError when there are none left."""
        self.steps -= count
        if self.steps < 0:
            raise TemplateFailedError(f"the template takes more than {STEP_LIMIT} steps")

    def write(self, size: int) -> None:
        """Use up output; raises TemplateFailedError when it grows too long."""
        self.output -= size
        if self.output < 0:
            raise TemplateFailedError(f"the output grows longer than {OUTPUT_LIMIT} characters")

    def deeper(self) -> None:
        """One more template or macro inside the other; `shallower` afterwards."""
        self.depth += 1
        if self.depth > DEPTH_LIMIT:
            raise TemplateFailedError(f"macros and templates nest deeper than {DEPTH_LIMIT}")

    def shallower(self) -> None:
        """The inner template or macro has ended."""
        self.depth -= 1


def bounded(size: int) -> int:
    """The size of a text about to be made; raises TemplateFailedError when it is too long to be made at all."""
    if size > OUTPUT_LIMIT:
        raise TemplateFailedError(f"a text grows longer than {OUTPUT_LIMIT} characters")
    return size


class Run:
    """Names in scope, output so far and budget of one rendering."""

    __slots__ = ("autoescape", "budget", "names", "public", "states", "surroundings", "written")

    def __init__(self, public: Mapping[str, object], surroundings: Surroundings, budget: Budget) -> None:
        self.public = public
        self.names: dict[str, object] = {}
        self.surroundings = surroundings
        self.budget = budget
        self.autoescape = False
        self.written: list[str] = []
        self.states: dict[object, object] = {}

    def child(self) -> "Run":
        """A run for an inner block: sees all names, keeps its own to itself, writes into the same output."""
        inner = Run(self.public, self.surroundings, self.budget)
        inner.names = dict(self.names)
        inner.autoescape = self.autoescape
        inner.written = self.written
        inner.states = self.states
        return inner

    def write(self, text: str) -> None:
        """Add to the output."""
        self.budget.write(len(text))
        self.written.append(text)

    def captured(self, render: Callable[["Run"], None]) -> str:
        """What `render` writes, without writing it."""
        outer, self.written = self.written, []
        try:
            render(self)
            text = "".join(self.written)
        finally:
            self.written = outer
        self.budget.output += len(text)
        return text
