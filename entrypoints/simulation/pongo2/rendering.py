"""The state of one rendering: variables in scope, output so far and remaining limits."""

import random
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import partial

from entrypoints.simulation.pongo2.errors import TemplateRuntimeError
from entrypoints.simulation.pongo2.values import MetaContext

OUTPUT_LIMIT = 1024 * 1024
STEP_LIMIT = 100_000
DEPTH_LIMIT = 50


@dataclass(frozen=True, slots=True)
class TemplateEnvironment:
    """What templates can use besides their variables: the datastore, random numbers and the time."""

    datastore: Mapping[str, object] = field(default_factory=dict)
    rng: random.Random = field(default_factory=random.Random)
    now: Callable[[], datetime] = field(default=partial(datetime.now, UTC))


@dataclass(slots=True)
class Budget:
    """The remaining limits of one rendering, shared with the templates and macros it calls.

    A step is one node, one filter or one iteration of a loop. Output is measured in characters.
    """

    steps: int = STEP_LIMIT
    output: int = OUTPUT_LIMIT
    depth: int = 0

    def spend_steps(self, count: int = 1) -> None:
        """Raises TemplateRuntimeError if no steps are left."""
        self.steps -= count
        if self.steps < 0:
            raise TemplateRuntimeError(f"the template takes more than {STEP_LIMIT} steps")

    def spend_output(self, size: int) -> None:
        """Raises TemplateRuntimeError if the output becomes too long."""
        self.output -= size
        if self.output < 0:
            raise TemplateRuntimeError(f"the output exceeds {OUTPUT_LIMIT} characters")

    @contextmanager
    def nested(self) -> Iterator[None]:
        """Enters a template or macro inside the current one. Raises TemplateRuntimeError if they nest too deep."""
        if self.depth >= DEPTH_LIMIT:
            raise TemplateRuntimeError(f"macros and templates nest deeper than {DEPTH_LIMIT}")
        self.depth += 1
        try:
            yield
        finally:
            self.depth -= 1


def check_size(size: int) -> int:
    """Returns the size of a string about to be built; raises TemplateRuntimeError if it is too long."""
    if size > OUTPUT_LIMIT:
        raise TemplateRuntimeError(f"a string exceeds {OUTPUT_LIMIT} characters")
    return size


@dataclass(slots=True, eq=False)
class RenderContext:
    """The variables in scope, the output so far and the budget of one rendering.

    `variables` are given by the caller; `locals` are set by the template and hide them.
    """

    variables: Mapping[str, object]
    environment: TemplateEnvironment = field(default_factory=TemplateEnvironment)
    budget: Budget = field(default_factory=Budget)
    locals: dict[str, object] = field(default_factory=lambda: {"pongo2": MetaContext(version="dev")})
    output: list[str] = field(default_factory=list)
    tag_states: dict[object, object] = field(default_factory=dict)
    autoescape: bool = False

    def child(self) -> "RenderContext":
        """Returns a context for an inner block, whose locals end with it; the output is shared."""
        return replace(self, locals=dict(self.locals))

    def write(self, text: str) -> None:
        """Appends to the output."""
        self.budget.spend_output(len(text))
        self.output.append(text)

    def capture(self, render: Callable[["RenderContext"], None]) -> str:
        """Returns what `render` writes, without writing it."""
        outer, self.output = self.output, []
        try:
            render(self)
            text = "".join(self.output)
        finally:
            self.output = outer
        self.budget.output += len(text)
        return text
