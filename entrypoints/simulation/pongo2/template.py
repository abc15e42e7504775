"""A template: read once, rendered as often as wanted."""

from collections.abc import Mapping
from functools import lru_cache

from entrypoints.simulation.pongo2.errors import TemplateError, TemplateFailedError, TemplateRefusedError
from entrypoints.simulation.pongo2.expression_parser import ExpressionParser
from entrypoints.simulation.pongo2.expressions import Function
from entrypoints.simulation.pongo2.filters.registry import FILTERS
from entrypoints.simulation.pongo2.functions import (
    FlyteFunction,
    base64_decode,
    base64_encode,
    datastore,
    random_alpha,
    random_int,
    unmarshal_json,
)
from entrypoints.simulation.pongo2.lexer import tokens_of
from entrypoints.simulation.pongo2.parser import Block, Parser
from entrypoints.simulation.pongo2.rendering import Budget, Run, Surroundings
from entrypoints.simulation.pongo2.tags.registry import TAGS
from entrypoints.simulation.pongo2.values import described, text

SOURCE_LIMIT = 256 * 1024


class Template:
    """A template that was read.

    Raises TemplateRefusedError for it can't be read; with the place of what is wrong.
    """

    __slots__ = ("_document", "is_constant", "source")

    def __init__(self, source: str) -> None:
        if len(source) > SOURCE_LIMIT:
            raise TemplateRefusedError(f"the template is longer than {SOURCE_LIMIT} characters")
        if source.endswith("{"):
            place = tokens_of(source)[-1].place
            raise TemplateRefusedError(
                "a template can't end with '{': the server puts a tag of its own behind it", place
            )
        self.source = source
        self.is_constant = "{{" not in source and "{%" not in source and "{#" not in source
        self._document = Block(()) if self.is_constant else self._parsed(source)

    def render(self, names: Mapping[str, object], surroundings: Surroundings | None = None) -> str:
        """The text that the template writes with these values.

        Raises TemplateFailedError for a value does not fit, or a limit is broken; with the place.
        """
        if self.is_constant:
            return self.source
        return self.render_within(Run(names, surroundings or Surroundings(), Budget()))

    def render_within(self, run: Run) -> str:
        """The text that the template writes in a run that has begun."""
        try:
            self._document.render(run)
        except RecursionError as error:
            raise TemplateFailedError("the template nests too deep") from error
        return "".join(run.written) if not self.is_constant else self.source

    def _parsed(self, source: str) -> Block:
        return Parser(tokens_of(source), TAGS, ExpressionParser(FILTERS, FUNCTIONS)).document()


@lru_cache(maxsize=256)
def _cached(source: str) -> Template:
    return Template(source)


def template(run: Run, source: object, names: object) -> object:
    """Renders the first argument as a template, with the second as its names."""
    if not isinstance(names, dict):
        raise TemplateFailedError(f"a map of names expected, not {described(names)}")
    run.budget.deeper()
    try:
        inner = Run(names, run.surroundings, run.budget)
        return _cached(text(source)).render_within(inner)
    except TemplateError as error:
        raise TemplateFailedError(f"in the inner template, {error}") from error
    finally:
        run.budget.shallower()


FUNCTIONS: dict[str, Function] = {
    function.name: function
    for function in (
        FlyteFunction("randomInt", 1, random_int),
        FlyteFunction("randomAlpha", 1, random_alpha),
        FlyteFunction("base64Encode", 1, base64_encode),
        FlyteFunction("base64Decode", 1, base64_decode),
        FlyteFunction("datastore", 1, datastore),
        FlyteFunction("template", 2, template),
        FlyteFunction("unmarshalJson", 1, unmarshal_json),
    )
}
