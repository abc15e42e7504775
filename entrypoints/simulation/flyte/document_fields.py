"""Marshmallow fields for documents that people write, and the wording of their errors."""

import re
from collections.abc import Callable, Iterable
from decimal import Decimal
from functools import partial
from typing import Any, Final, Self

from marshmallow import ValidationError, fields, validate

from entrypoints.simulation.pongo2.errors import TemplateError
from entrypoints.simulation.pongo2.template import Template
from entrypoints.suggestions import most_similar

NOT_AN_OBJECT: Final = "expected an object"
NOT_A_STRING: Final = "expected a string; put numbers and booleans in quotes"
_DEPTH_LIMIT: Final = 60
_NODE_LIMIT: Final = 400_000
_PLAIN_BELOW: Final = 1e21
_DURATION_PART: Final = re.compile(r"(\d+(?:\.\d+)?)(ms|s|m|h|d)", re.ASCII)
_UNIT_SECONDS: Final = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_MAX_SECONDS: Final = 366 * 86400.0


class TemplateProblem(str):
    """The message of an error in a template, which `Document.load` places in the document."""

    __slots__ = ("error",)
    error: TemplateError

    def __new__(cls, error: TemplateError) -> Self:
        """Has the position within the template, for documents without positions."""
        problem = super().__new__(cls, error)
        problem.error = error
        return problem


def unknown(kind: str, word: object, known: Iterable[str]) -> str:
    """Returns the message for a word that is not one of the known ones, with the most similar of them."""
    known = list(known)
    similar = most_similar(str(word), known)
    hint = f"did you mean '{similar}'?" if similar else f"expected one of: {', '.join(known)}"
    return f"unknown {kind} '{word}'" + (f"; {hint}" if known else "")


class Text(fields.Field[str]):
    """A string, not empty where it is required."""

    def _deserialize(self, value: object, *_: object, **__: object) -> str:
        if not isinstance(value, str):
            raise ValidationError(NOT_A_STRING)
        if self.required and not value:
            raise self.make_error("required")
        return value


class Flag(fields.Field[bool]):
    """True or false."""

    def _deserialize(self, value: object, *_: object, **__: object) -> bool:
        if not isinstance(value, bool):
            raise ValidationError("expected true or false")
        return value


class TemplateText(fields.Field[Template]):
    """A template, not empty where it is required. A deferred one is checked later or fails when it is rendered."""

    def __init__(self, *, is_deferred: bool = False, **options: Any) -> None:
        super().__init__(**options)
        self._is_deferred = is_deferred

    def _deserialize(self, value: object, *_: object, **__: object) -> Template:
        if self.required and value == "":
            raise self.make_error("required")
        text = Text().deserialize(value)
        return Template(text, is_deferred=True) if self._is_deferred else _template(text)


class OptionalTemplate(fields.Field[Template | None]):
    """A template; None for an empty string."""

    def _deserialize(self, value: object, *_: object, **__: object) -> Template | None:
        return None if value == "" else _template(Text().deserialize(value))


class TemplateTree(fields.Field[object]):
    """A JSON value, loaded with a Template in place of each string."""

    def _deserialize(self, value: object, *_: object, **__: object) -> object:
        return template_tree(value)


class DeferredTemplateTree(fields.Field[object]):
    """A JSON value, loaded with a deferred Template in place of each string, and with numbers as on the server."""

    def _deserialize(self, value: object, *_: object, **__: object) -> object:
        return _TreeBuilder(partial(Template, is_deferred=True), float_number).build(value, 0)


class Duration(fields.Field[float]):
    """A duration such as `1m30s`, or a number of seconds; loaded as seconds."""

    def _deserialize(self, value: object, *_: object, **__: object) -> float:
        seconds = _seconds(value)
        if not 0 <= seconds <= _MAX_SECONDS:
            raise ValidationError("expected a duration up to a year, such as 500ms, 10s, 1m30s or 2h")
        return seconds


class MappingField(fields.Dict):
    """An object with arbitrary keys. Unlike those of its base, its errors have the paths of the document."""

    def _deserialize(self, value: object, *args: Any, **kwargs: Any) -> Any:
        if not isinstance(value, dict):
            raise ValidationError(NOT_AN_OBJECT)
        try:
            return super()._deserialize(value, *args, **kwargs)  # type: ignore[no-untyped-call] # marshmallow's
        except ValidationError as error:
            messages = {str(key): found.get("value") or found["key"] for key, found in error.messages_dict.items()}
            raise ValidationError(messages) from None


text_map: Final = partial(MappingField, keys=Text(), values=Text())
"""An object whose values are strings."""

template_map: Final = partial(MappingField, keys=Text(), values=TemplateText())
"""An object whose values are templates."""


def count(**options: Any) -> fields.Integer:
    """A whole number, at least 1."""
    message = "expected a whole number, at least 1"
    check = validate.Range(min=1, error=message)
    return fields.Integer(strict=True, validate=check, error_messages={"invalid": message}, **options)


def choice(*words: str, **options: Any) -> Text:
    """One of a few words."""

    def check(word: str) -> None:
        if word not in words:
            raise ValidationError(unknown("value", word, words))

    return Text(validate=check, **options)


def non_empty_list(inner: fields.Field[Any], of: str) -> fields.List[Any]:
    """A required list with at least one item."""
    message = f"expected a list of {of}, with at least one"
    check = validate.Length(min=1, error=message)
    return fields.List(inner, required=True, validate=check, error_messages={"invalid": message})


def template_tree(value: object) -> object:
    """Returns a JSON value with a Template in place of each string. Raises ValidationError."""
    return _TreeBuilder(_template).build(value, 0)


def float_number(value: float) -> float:
    """Returns a number as the server stores and sends it: as a float64, without a point where it has no fraction."""
    number = float(value)
    return int(Decimal(repr(number))) if number.is_integer() and abs(number) < _PLAIN_BELOW else number


class _TreeBuilder:
    """Builds one tree, within the limits of size and depth."""

    def __init__(
        self, make_template: Callable[[str], Template], convert: Callable[[float], float] = lambda number: number
    ) -> None:
        self._make_template = make_template
        self._convert = convert
        self._nodes_left = _NODE_LIMIT

    def build(self, value: object, depth: int) -> object:
        self._nodes_left -= 1
        if depth > _DEPTH_LIMIT or self._nodes_left < 0:
            raise ValidationError("too large or nested too deep")
        if isinstance(value, str):
            return self._make_template(value)
        if isinstance(value, list):
            return [self._build_at(index, item, depth + 1) for index, item in enumerate(value)]
        if isinstance(value, dict):
            if not all(isinstance(key, str) for key in value):
                raise ValidationError("expected strings as keys; put them in quotes")
            return {key: self._build_at(key, item, depth + 1) for key, item in value.items()}
        if value is None or isinstance(value, bool):
            return value
        if isinstance(value, int | float):
            return self._convert(value)
        raise ValidationError("not a JSON value")

    def _build_at(self, key: str | int, value: object, depth: int) -> object:
        try:
            return self.build(value, depth)
        except ValidationError as error:
            raise ValidationError({key: error.messages}) from None


def _template(source: str) -> Template:
    try:
        template = Template(source)
    except TemplateError as error:
        raise ValidationError(TemplateProblem(error)) from error
    if template.problems:
        raise ValidationError(TemplateProblem(template.problems[0]))
    return template


def _seconds(value: object) -> float:
    """Returns a duration in seconds; -1 for anything else."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        return float(value)
    if not isinstance(value, str) or not value or _DURATION_PART.sub("", value):
        return -1
    return sum(float(number) * _UNIT_SECONDS[unit] for number, unit in _DURATION_PART.findall(value))
