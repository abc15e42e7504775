"""Constraints on JSON values. Their errors are worded as Slack's own, with a pointer to the place."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final, Protocol

NO_MATCH: Final = "failed to match all allowed schemas"


class Constraint(Protocol):
    """What a value must be like."""

    def errors(self, value: object, place: str) -> Iterator[str]:
        """Yields an error for each rule that the value at this place breaks."""


def error(message: str, place: str) -> str:
    """Returns the error with its place, a JSON pointer."""
    return f"{message} [json-pointer:{place}]"


@dataclass(frozen=True, slots=True)
class Text:
    """A string of `least` to `most` characters that contains a match of `pattern`."""

    most: int | None = None
    least: int = 1
    pattern: str = ""

    def errors(self, value: object, place: str) -> Iterator[str]:
        """Implements Constraint."""
        if not isinstance(value, str):
            yield error("must provide a string", place)
        elif len(value) < self.least:
            yield error(f"must be more than {self.least - 1} characters", place)
        elif self.most is not None and len(value) > self.most:
            yield error(f"must be less than {self.most + 1} characters", place)
        elif not re.search(self.pattern, value, re.ASCII):
            yield error(f"input must match regex pattern: {self.pattern}", place)


@dataclass(frozen=True, slots=True)
class Flag:
    """A boolean."""

    def errors(self, value: object, place: str) -> Iterator[str]:
        """Implements Constraint."""
        if not isinstance(value, bool):
            yield error("must be a boolean", place)


@dataclass(frozen=True, slots=True)
class Number:
    """A number from `least` to `most`, by default an integer."""

    least: float | None = 0
    most: float | None = None
    kind: type | tuple[type, ...] = int

    def errors(self, value: object, place: str) -> Iterator[str]:
        """Implements Constraint."""
        if isinstance(value, bool) or not isinstance(value, int | float) or not isinstance(value, self.kind):
            yield error("must provide an integer" if self.kind is int else "must provide a number", place)
        elif self.least is not None and value < self.least:
            yield error(f"must be more than {self.least - 1}", place)
        elif self.most is not None and value > self.most:
            yield error(f"must be less than {self.most + 1}", place)


@dataclass(frozen=True, slots=True)
class Choice:
    """One of these values."""

    values: tuple[object, ...]

    def errors(self, value: object, place: str) -> Iterator[str]:
        """Implements Constraint."""
        if value not in self.values:
            yield error("must be a valid enum value", place)


@dataclass(frozen=True, slots=True)
class ListOf:
    """A list of `least` to `most` items."""

    item: Constraint
    most: int | None = None
    least: int = 1

    def errors(self, value: object, place: str) -> Iterator[str]:
        """Implements Constraint."""
        if not isinstance(value, list):
            yield error("must provide an array", place)
        elif len(value) < self.least:
            yield error(f"must provide at least {self.least} items", place)
        elif self.most is not None and len(value) > self.most:
            yield error(f"no more than {self.most} items allowed", place)
        else:
            for number, item in enumerate(value):
                yield from self.item.errors(item, f"{place}/{number}")


@dataclass(frozen=True, slots=True)
class Fields:
    """An object with these fields and no others.

    `some_of` are fields of which at least one is required, `one_of` those of which exactly one is.
    """

    required: Mapping[str, Constraint] = field(default_factory=dict)
    optional: Mapping[str, Constraint] = field(default_factory=dict)
    some_of: tuple[str, ...] = ()
    one_of: tuple[str, ...] = ()

    def errors(self, value: object, place: str) -> Iterator[str]:
        """Implements Constraint."""
        if not isinstance(value, dict):
            yield error("must provide an object", place)
            return
        known = {**self.required, **self.optional}
        yield from (error(f"missing required field: {name}", place) for name in self.required if name not in value)
        for name, content in value.items():
            if name in known:
                yield from known[name].errors(content, f"{place}/{name}")
            else:
                yield error(f"invalid additional property: {name}", place)
        alternatives = " or ".join(f"`{name}`" for name in self.some_of or self.one_of)
        defined = len(value.keys() & {*self.some_of, *self.one_of})
        if alternatives and not defined:
            yield error(f"must define either {alternatives}", f"{place}/type")
        elif self.one_of and defined > 1:
            yield error(f"must define only one of {alternatives}", f"{place}/type")


@dataclass(frozen=True, slots=True)
class ByType:
    """An object whose field `type` selects the constraint for its other fields."""

    kinds: Mapping[str, Constraint]

    def errors(self, value: object, place: str) -> Iterator[str]:
        """Implements Constraint."""
        if not isinstance(value, dict):
            yield error("must provide an object", place)
        elif "type" not in value:
            yield error("missing required field: type", place)
        elif not isinstance(kind := value["type"], str):
            yield error("must provide a string", f"{place}/type")
        elif kind in self.kinds:
            others = {name: content for name, content in value.items() if name != "type"}
            yield from self.kinds[kind].errors(others, place)
        elif len(self.kinds) == 1:
            yield error("must be a valid enum value", f"{place}/type")
        else:
            yield error(f"unsupported type: {kind}", f"{place}/type")


@dataclass(frozen=True, slots=True)
class Matching:
    """A value for which Slack combines several schemas: it reports first that they do not all match."""

    constraint: Constraint

    def errors(self, value: object, place: str) -> Iterator[str]:
        """Implements Constraint."""
        found = list(self.constraint.errors(value, place))
        if found:
            yield error(NO_MATCH, place)
            yield from found


@dataclass(frozen=True, slots=True)
class Nullable:
    """A value that may be null."""

    constraint: Constraint

    def errors(self, value: object, place: str) -> Iterator[str]:
        """Implements Constraint."""
        if value is not None:
            yield from self.constraint.errors(value, place)


@dataclass(frozen=True, slots=True)
class Anything:
    """Any value: Slack documents no rule for it, or one that does not matter here."""

    def errors(self, _value: object, _place: str) -> Iterator[str]:
        """Implements Constraint."""
        yield from ()


def words_in(constraint: Constraint) -> frozenset[str]:
    """Returns the names of all types and fields that a constraint and those in it know."""
    match constraint:
        case Fields(required, optional):
            inner: Mapping[str, Constraint] = {**required, **optional}
        case ByType(kinds):
            inner = {"type": Anything(), **kinds}
        case ListOf(item) | Nullable(item) | Matching(item):
            return words_in(item)
        case _:
            return frozenset()
    return frozenset(inner).union(*map(words_in, inner.values()))
