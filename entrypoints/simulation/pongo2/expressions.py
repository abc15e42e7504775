"""Expressions and their evaluation: literals, names, filters and operators."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol

from entrypoints.simulation.pongo2 import values
from entrypoints.simulation.pongo2.errors import Position, ReportedError, TemplateRuntimeError
from entrypoints.simulation.pongo2.methods import check_arguments, find_method
from entrypoints.simulation.pongo2.operators import OPERATORS, negate
from entrypoints.simulation.pongo2.rendering import RenderContext, check_size


class Expression(Protocol):
    """An expression in a tag or variable."""

    @property
    def is_marked_safe(self) -> bool:
        """Whether the filter `safe` was applied, which prevents escaping."""

    def evaluate(self, context: RenderContext) -> object:
        """Returns the value. Raises TemplateRuntimeError."""


@dataclass(frozen=True, slots=True)
class Literal:
    """A number, string or boolean."""

    value: object
    is_marked_safe: bool = False

    def evaluate(self, context: RenderContext) -> object:
        """Returns the value itself."""
        context.budget.spend_steps()
        return self.value


@dataclass(frozen=True, slots=True)
class Function:
    """A function or macro that templates can call.

    `parameters` are the Go types of its parameters, an empty one for any value; None if any number is allowed.
    """

    name: str
    body: Callable[..., object]
    parameters: tuple[str, ...] | None

    def call(self, context: RenderContext, *arguments: object) -> object:
        """Returns the function's result. Raises TemplateRuntimeError."""
        if self.parameters is not None:
            check_arguments(self.name, self.parameters, arguments)
        return self.body(context, *arguments)

    def __str__(self) -> str:
        return "<func Value>"


@dataclass(frozen=True, slots=True)
class NamePart:
    """One part of a dotted name, with its arguments if it is called."""

    key: str | int
    arguments: tuple[Expression, ...] | None = None


@dataclass(frozen=True, slots=True)
class Name:
    """A dotted name: `Event.Payload.user.id`, `replies.0`, `randomInt(6)`."""

    parts: tuple[NamePart, ...]
    functions: Mapping[str, Function]
    position: Position
    is_marked_safe: bool = False

    def evaluate(self, context: RenderContext) -> object:
        """Returns the value of the name; None if it or one of its parts is missing."""
        context.budget.spend_steps(len(self.parts))
        try:
            return self._resolve(context)
        except TemplateRuntimeError as error:
            raise error.located(self.position, str(self.parts[0].key)) from error

    def __str__(self) -> str:
        return ".".join(str(part.key) for part in self.parts)

    def _resolve(self, context: RenderContext) -> object:
        first = self.parts[0]
        value = self._called(self._first(str(first.key), context), first, context)
        for part in self.parts[1:]:
            if value is None:
                return None
            value = self._member(value, part, context)
        return value

    def _first(self, key: str, context: RenderContext) -> object:
        if key in context.locals:
            return context.locals[key]
        return self.functions.get(key) or context.variables.get(key)

    def _member(self, value: object, part: NamePart, context: RenderContext) -> object:
        if isinstance(part.key, int):
            return values.get_element(value, part.key, str(self))
        method = find_method(value, part.key)
        if method is None:
            return self._called(values.get_field(value, part.key, str(self)), part, context)
        arguments = _evaluated(part, context)
        check_arguments(str(self), method.parameters, arguments)
        try:
            return method.call(value, *arguments)
        except (ValueError, OverflowError) as error:
            raise TemplateRuntimeError(f"'{self}': {error}") from error

    def _called(self, value: object, part: NamePart, context: RenderContext) -> object:
        if isinstance(value, Function):
            return value.call(context, *_evaluated(part, context))
        if value is not None and part.arguments is not None:
            wording = f"'{self}' is not a function (it is {values.kind_name(value)})"
            raise ReportedError(f"'{self}' is not a function", wording=wording)
        return value


def _evaluated(part: NamePart, context: RenderContext) -> tuple[object, ...]:
    return tuple(argument.evaluate(context) for argument in part.arguments or ())


FilterFunction = Callable[[object, object, RenderContext], object]


@dataclass(frozen=True, slots=True)
class FilterCall:
    """One filter in a chain, with its argument if it has one."""

    name: str
    apply: FilterFunction
    argument: Expression | None
    position: Position

    def apply_to(self, value: object, context: RenderContext) -> object:
        """Returns the filtered value. Raises TemplateRuntimeError."""
        context.budget.spend_steps()
        argument = None if self.argument is None else self.argument.evaluate(context)
        try:
            result = self.apply(value, argument, context)
            if isinstance(result, str):
                check_size(len(result))
            elif isinstance(result, list):
                context.budget.spend_steps(len(result) // 100)
        except TemplateRuntimeError as error:
            origin = "" if self.name == "matchesCron" else f" (where: filter:{self.name})"
            raise error.located(self.position, self.name, prefix=f"filter '{self.name}': ", origin=origin) from error
        return result


@dataclass(frozen=True, slots=True)
class Filtered:
    """A value passed through a chain of filters."""

    value: Expression
    filters: tuple[FilterCall, ...]

    @property
    def is_marked_safe(self) -> bool:
        """Whether `safe` is among the filters."""
        return any(call.name == "safe" for call in self.filters)

    def evaluate(self, context: RenderContext) -> object:
        """Returns the value after the last filter."""
        value = self.value.evaluate(context)
        for call in self.filters:
            value = call.apply_to(value, context)
        return value


@dataclass(frozen=True, slots=True)
class Unary:
    """A value with `-` or `not` before it; `not` binds closer, as in pongo2."""

    value: Expression
    is_negated: bool
    is_negative: bool
    position: Position
    is_marked_safe: bool = False

    def evaluate(self, context: RenderContext) -> object:
        """Returns the value with `not`, then `-`, applied."""
        context.budget.spend_steps()
        value = self.value.evaluate(context)
        if self.is_negated:
            value = negate(value)
        if not self.is_negative:
            return value
        if isinstance(value, float):
            return -value
        if values.is_integer(value):
            return values.wrap_int64(-value)
        message = f"only a number can have a minus sign, not {values.describe(value)}"
        raise ReportedError(message, wording="Negative sign on a non-number expression").located(self.position, "-")


@dataclass(frozen=True, slots=True)
class Binary:
    """Two values with an operator between them. `and` and `or` evaluate the second only if needed."""

    operator: str
    left: Expression
    right: Expression
    position: Position

    @property
    def is_marked_safe(self) -> bool:
        """Whether both sides are."""
        return self.left.is_marked_safe and self.right.is_marked_safe

    def evaluate(self, context: RenderContext) -> object:
        """Returns the operator's result."""
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
            raise error.located(self.position, self.operator) from error
