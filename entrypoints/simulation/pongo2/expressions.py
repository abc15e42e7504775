"""Expressions: literals, names, filters and operators, and how each is evaluated."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

from entrypoints.simulation.pongo2 import values
from entrypoints.simulation.pongo2.arithmetic import OPERATORS
from entrypoints.simulation.pongo2.errors import Place, TemplateFailedError
from entrypoints.simulation.pongo2.rendering import Run, bounded


class Expression(Protocol):
    """Something with a value."""

    @property
    def is_marked_safe(self) -> bool:
        """Whether `safe` was applied, so that nothing is escaped."""

    def evaluate(self, run: Run) -> object:
        """The value; raises TemplateFailedError."""


@dataclass(frozen=True, slots=True)
class Literal:
    """A number, string, true or false."""

    value: object
    is_marked_safe: bool = False

    def evaluate(self, run: Run) -> object:
        """The value itself."""
        run.budget.step()
        return self.value


@dataclass(frozen=True, slots=True)
class NamePart:
    """One part of a dotted name, with the arguments when it is called."""

    key: str | int
    arguments: tuple[Expression, ...] | None = None


@dataclass(frozen=True, slots=True)
class Name:
    """A dotted name: `Event.Payload.user.id`, `replies.0`, `randomInt(6)`."""

    parts: tuple[NamePart, ...]
    functions: "dict[str, Function]"
    place: Place
    is_marked_safe: bool = False

    def evaluate(self, run: Run) -> object:
        """What the name stands for; None when it or a part of it is missing."""
        run.budget.step(len(self.parts))
        try:
            return self._resolved(run)
        except TemplateFailedError as error:
            raise placed(error, self.place) from error

    def __str__(self) -> str:
        return ".".join(str(part.key) for part in self.parts)

    def _resolved(self, run: Run) -> object:
        first = self.parts[0]
        value = self._called(self._first(str(first.key), run), first, run)
        for part in self.parts[1:]:
            if value is None:
                return None
            if isinstance(part.key, int):
                value = values.element(value, part.key, str(self))
            else:
                value = values.field(value, part.key, str(self))
            value = self._called(value, part, run)
        return value

    def _first(self, key: str, run: Run) -> object:
        if key in run.names:
            return run.names[key]
        return self.functions.get(key) or run.public.get(key)

    def _called(self, value: object, part: NamePart, run: Run) -> object:
        if value is None or (part.arguments is None and not callable(value)):
            return value
        if not callable(value):
            raise TemplateFailedError(f"'{self}' is not a function")
        arguments = [argument.evaluate(run) for argument in part.arguments or ()]
        return value(run, *arguments)


class Function(Protocol):
    """A function that templates can call."""

    @property
    def arity(self) -> int:
        """How many arguments it takes."""

    def __call__(self, run: Run, *arguments: object) -> object:
        """Its value; raises TemplateFailedError."""


FilterFunction = Callable[[object, object, Run], object]


@dataclass(frozen=True, slots=True)
class FilterCall:
    """One filter in a chain, with its argument if it has one."""

    name: str
    apply: FilterFunction
    argument: Expression | None
    place: Place

    def on(self, value: object, run: Run) -> object:
        """The value as the filter leaves it."""
        run.budget.step()
        argument = None if self.argument is None else self.argument.evaluate(run)
        try:
            result = self.apply(value, argument, run)
            if isinstance(result, str):
                bounded(len(result))
            elif isinstance(result, list):
                run.budget.step(len(result) // 100)
        except TemplateFailedError as error:
            raise placed(error, self.place, f"filter '{self.name}': ") from error
        return result


@dataclass(frozen=True, slots=True)
class Filtered:
    """A value going through filters."""

    value: Expression
    filters: tuple[FilterCall, ...]

    @property
    def is_marked_safe(self) -> bool:
        """Whether `safe` is among the filters."""
        return any(call.name == "safe" for call in self.filters)

    def evaluate(self, run: Run) -> object:
        """The value after the last filter."""
        value = self.value.evaluate(run)
        for call in self.filters:
            value = call.on(value, run)
        return value


@dataclass(frozen=True, slots=True)
class Signed:
    """A value with `-` or `not` before it; the `not` binds closer, as in pongo2."""

    value: Expression
    is_negated: bool
    is_negative: bool
    place: Place
    is_marked_safe: bool = field(default=False)

    def evaluate(self, run: Run) -> object:
        """The value with `not`, then `-`, applied."""
        run.budget.step()
        value = self.value.evaluate(run)
        if self.is_negated:
            value = values.negated(value)
        if not self.is_negative:
            return value
        if isinstance(value, float):
            return -value
        if values.is_integer(value):
            return values.wrapped(-values.integer(value))
        raise TemplateFailedError("a minus sign before what is no number", self.place)


@dataclass(frozen=True, slots=True)
class Binary:
    """Two values with an operator between them; and/or look at the second only when they have to."""

    operator: str
    left: Expression
    right: Expression
    place: Place

    @property
    def is_marked_safe(self) -> bool:
        """Whether both sides are."""
        return self.left.is_marked_safe and self.right.is_marked_safe

    def evaluate(self, run: Run) -> object:
        """What the operator makes of both sides."""
        run.budget.step()
        left = self.left.evaluate(run)
        if self.operator in {"and", "&&"}:
            return values.truth(left) and values.truth(self.right.evaluate(run))
        if self.operator in {"or", "||"}:
            return values.truth(left) or values.truth(self.right.evaluate(run))
        right = self.right.evaluate(run)
        try:
            return OPERATORS[self.operator](left, right)
        except TemplateFailedError as error:
            raise placed(error, self.place) from error


def placed(error: TemplateFailedError, place: Place, prefix: str = "") -> TemplateFailedError:
    """The error with its place, unless it has one from deeper down."""
    if error.place is not None:
        return error
    return TemplateFailedError(f"{prefix}{error.message}", place)
