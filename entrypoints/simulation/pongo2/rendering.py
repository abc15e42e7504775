"""One rendering of a template: what names mean, what is written, and the limits it has to keep."""

import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime

from entrypoints.simulation.pongo2.errors import TemplateRuntimeError

OUTPUT_LIMIT = 1024 * 1024
STEP_LIMIT = 100_000
DEPTH_LIMIT = 50


def _now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class TemplateEnvironment:
    """What a template may ask of the world beside its values; tests give their own."""

    datastore: Mapping[str, object] = field(default_factory=dict)
    rng: random.Random = field(default_factory=random.Random)
    now: Callable[[], datetime] = _now


@dataclass(slots=True)
class Budget:
    """What one rendering may still use, shared with the templates and macros that it calls.

    A step is one node, one filter or one round of a loop; output and every text made on the way count in characters.
    """

    steps: int = STEP_LIMIT
    output: int = OUTPUT_LIMIT
    depth: int = 0

    def spend_steps(self, count: int = 1) -> None:
        """Use steps; raises TemplateRuntimeError when there are none left."""
        self.steps -= count
        if self.steps < 0:
            raise TemplateRuntimeError(f"the template takes more than {STEP_LIMIT} steps")

    def spend_output(self, size: int) -> None:
        """Use up output; raises TemplateRuntimeError when it grows too long."""
        self.output -= size
        if self.output < 0:
            raise TemplateRuntimeError(f"the output grows longer than {OUTPUT_LIMIT} characters")

    def enter(self) -> None:
        """One more template or macro inside the other; `shallower` afterwards."""
        self.depth += 1
        if self.depth > DEPTH_LIMIT:
            raise TemplateRuntimeError(f"macros and templates nest deeper than {DEPTH_LIMIT}")

    def leave(self) -> None:
        """The inner template or macro has ended."""
        self.depth -= 1


def check_size(size: int) -> int:
    """The size of a text about to be made; raises TemplateRuntimeError when it is too long to be made at all."""
    if size > OUTPUT_LIMIT:
        raise TemplateRuntimeError(f"a text grows longer than {OUTPUT_LIMIT} characters")
    return size


class RenderContext:
    """Names in scope, output so far and budget of one rendering."""

    __slots__ = ("autoescape", "budget", "environment", "locals", "output", "tag_states", "variables")

    def __init__(self, variables: Mapping[str, object], environment: TemplateEnvironment, budget: Budget) -> None:
        self.variables = variables
        self.locals: dict[str, object] = {}
        self.environment = environment
        self.budget = budget
        self.autoescape = False
        self.output: list[str] = []
        self.tag_states: dict[object, object] = {}

    def child(self) -> "RenderContext":
        """A context for an inner block: sees all names, keeps its own to itself, writes into the same output."""
        inner = RenderContext(self.variables, self.environment, self.budget)
        inner.locals = dict(self.locals)
        inner.autoescape = self.autoescape
        inner.output = self.output
        inner.tag_states = self.tag_states
        return inner

    def write(self, text: str) -> None:
        """Add to the output."""
        self.budget.spend_output(len(text))
        self.output.append(text)

    def capture(self, render: Callable[["RenderContext"], None]) -> str:
        """What `render` writes, without writing it."""
        outer, self.output = self.output, []
        try:
            render(self)
            text = "".join(self.output)
        finally:
            self.output = outer
        self.budget.output += len(text)
        return text
