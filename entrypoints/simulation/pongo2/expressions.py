"""Expressions: literals, names, filters and operators, and how each is evaluated."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

from entrypoints.simulation.pongo2 import values
from entrypoints.simulation.pongo2.arithmetic import OPERATORS
from entrypoints.simulation.pongo2.errors import Position, TemplateRuntimeError
from entrypoints.simulation.pongo2.rendering import RenderContext, check_size


class Expression(Protocol):
    """Something with a value."""

    @property
    def is_marked_safe(self) -> bool:
        """Whether `safe` was applied, so that nothing is escaped."""

    def evaluate(self, context: RenderContext) -> object:
        """The value; raises TemplateRuntimeError."""


@dataclass(frozen=True, slots=True)
class Literal:
    """A number, string, true or false."""

    value: object
    is_marked_safe: bool = False

    def evaluate(self, context: RenderContext) -> object:
        """The value itself."""
        context.budget.spend_steps()
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
    position: Position
    is_marked_safe: bool = False

    def evaluate(self, context: RenderContext) -> object:
        """What the name stands for; None when it or a part of it is missing."""
        context.budget.spend_steps(len(self.parts))
        try:
            return self._resolved(context)
        except TemplateRuntimeError as error:
            raise with_position(error, self.position) from error

    def __str__(self) -> str:
        return ".".join(str(part.key) for part in self.parts)

    def _resolved(self, context: RenderContext) -> object:
        first = self.parts[0]
        value = self._called(self._first(str(first.key), context), first, context)
        for part in self.parts[1:]:
            if value is None:
                return None
            if isinstance(part.key, int):
                value = values.get_element(value, part.key, str(self))
            else:
                value = values.get_field(value, part.key, str(self))
            value = self._called(value, part, context)
        return value

    def _first(self, key: str, context: RenderContext) -> object:
        if key in context.locals:
            return context.locals[key]
        return self.functions.get(key) or context.variables.get(key)

    def _called(self, value: object, part: NamePart, context: RenderContext) -> object:
        if value is None or (part.arguments is None and not callable(value)):
            return value
        if not callable(value):
            raise TemplateRuntimeError(f"'{self}' is not a function")
        arguments = [argument.evaluate(context) for argument in part.arguments or ()]
        return value(context, *arguments)


class Function(Protocol):
    """A function that templates can call."""

    @property
    def arity(self) -> int:
        """How many arguments it takes."""

    def __call__(self, context: RenderContext, *arguments: object) -> object:
        """Its value; raises TemplateRuntimeError."""


FilterFunction = Callable[[object, object, RenderContext], object]


@dataclass(frozen=True, slots=True)
class FilterCall:
    """One filter in a chain, with its argument if it has one."""

    name: str
    apply: FilterFunction
    argument: Expression | None
    position: Position

    def apply_to(self, value: object, context: RenderContext) -> object:
        """The value as the filter leaves it."""
        context.budget.spend_steps()
        argument = None if self.argument is None else self.argument.evaluate(context)
        try:
            result = self.apply(value, argument, context)
            if isinstance(result, str):
                check_size(len(result))
            elif isinstance(result, list):
                context.budget.spend_steps(len(result) // 100)
        except TemplateRuntimeError as error:
            raise with_position(error, self.position, f"filter '{self.name}': ") from error
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

    def evaluate(self, context: RenderContext) -> object:
        """The value after the last filter."""
        value = self.value.evaluate(context)
        for call in self.filters:
            value = call.apply_to(value, context)
        return value


@dataclass(frozen=True, slots=True)
class Unary:
    """A value with `-` or `not` before it; the `not` binds closer, as in pongo2."""

    value: Expression
    is_negated: bool
    is_negative: bool
    position: Position
    is_marked_safe: bool = field(default=False)

    def evaluate(self, context: RenderContext) -> object:
        """The value with `not`, then `-`, applied."""
        context.budget.spend_steps()
        value = self.value.evaluate(context)
        if self.is_negated:
            value = values.negate(value)
        if not self.is_negative:
            return value
        if isinstance(value, float):
            return -value
        if values.is_integer(value):
            return values.wrap_int64(-values.to_integer(value))
        raise TemplateRuntimeError("a minus sign before what is no number", self.position)


@dataclass(frozen=True, slots=True)
class Binary:
    """Two values with an operator between them; and/or look at the second only when they have to."""

    operator: str
    left: Expression
    right: Expression
    position: Position

    @property
    def is_marked_safe(self) -> bool:
        """Whether both sides are."""
        return self.left.is_marked_safe and self.right.is_marked_safe

    def evaluate(self, context: RenderContext) -> object:
        """What the operator makes of both sides."""
        context.budget.spend_steps()
        left = self.left.evaluate(context)
        if self.operator in {"and", "&&"}:
            return values.is_truthy(left) and values.is_truthy(self.right.evaluate(context))
        if self.operator in {"or", "||"}:
            return values.is_truthy(left) or values.is_truthy(self.right.evaluate(context))
        right = self.right.evaluate(context)
        try:
            return OPERATORS[self.operator](left, right)
        except TemplateRuntimeError as error:
            raise with_position(error, self.position) from error


def with_position(error: TemplateRuntimeError, position: Position, prefix: str = "") -> TemplateRuntimeError:
    """The error with its position, unless it has one from deeper down."""
    if error.position is not None:
        return error
    return TemplateRuntimeError(f"{prefix}{error.message}", position)
