"""A template: read once, rendered as often as wanted."""

from collections.abc import Mapping
from functools import lru_cache

from entrypoints.simulation.pongo2.errors import TemplateError, TemplateRuntimeError, TemplateSyntaxError
from entrypoints.simulation.pongo2.expression_parser import ExpressionParser
from entrypoints.simulation.pongo2.expressions import Function
from entrypoints.simulation.pongo2.filters.registry import FILTERS
from entrypoints.simulation.pongo2.functions import (
    TemplateFunction,
    base64_decode,
    base64_encode,
    datastore,
    random_alpha,
    random_int,
    unmarshal_json,
)
from entrypoints.simulation.pongo2.lexer import tokenize
from entrypoints.simulation.pongo2.parser import Block, Parser
from entrypoints.simulation.pongo2.rendering import Budget, RenderContext, TemplateEnvironment
from entrypoints.simulation.pongo2.tags.registry import TAGS
from entrypoints.simulation.pongo2.values import describe, to_text

SOURCE_LIMIT = 256 * 1024


class Template:
    """A template that was read.

    Raises TemplateSyntaxError for it can't be read; with the position of what is wrong.
    """

    __slots__ = ("_document", "is_constant", "source")

    def __init__(self, source: str) -> None:
        if len(source) > SOURCE_LIMIT:
            raise TemplateSyntaxError(f"the template is longer than {SOURCE_LIMIT} characters")
        if source.endswith("{"):
            position = tokenize(source)[-1].position
            raise TemplateSyntaxError(
                "a template can't end with '{': the server puts a tag of its own behind it", position
            )
        self.source = source
        self.is_constant = "{{" not in source and "{%" not in source and "{#" not in source
        self._document = Block(()) if self.is_constant else self._parsed(source)

    def render(self, names: Mapping[str, object], environment: TemplateEnvironment | None = None) -> str:
        """The text that the template writes with these values.

        Raises TemplateRuntimeError for a value does not fit, or a limit is broken; with the position.
        """
        if self.is_constant:
            return self.source
        return self.render_within(RenderContext(names, environment or TemplateEnvironment(), Budget()))

    def render_within(self, context: RenderContext) -> str:
        """The text that the template writes in a context that has begun."""
        try:
            self._document.render(context)
        except RecursionError as error:
            raise TemplateRuntimeError("the template nests too deep") from error
        return "".join(context.output) if not self.is_constant else self.source

    def _parsed(self, source: str) -> Block:
        return Parser(tokenize(source), TAGS, ExpressionParser(FILTERS, FUNCTIONS)).parse_document()


@lru_cache(maxsize=256)
def _cached(source: str) -> Template:
    return Template(source)


def template(context: RenderContext, source: object, names: object) -> object:
    """Renders the first argument as a template, with the second as its names."""
    if not isinstance(names, dict):
        raise TemplateRuntimeError(f"a map of names expected, not {describe(names)}")
    context.budget.enter()
    try:
        inner = RenderContext(names, context.environment, context.budget)
        return _cached(to_text(source)).render_within(inner)
    except TemplateError as error:
        raise TemplateRuntimeError(f"in the inner template, {error}") from error
    finally:
        context.budget.leave()


FUNCTIONS: dict[str, Function] = {
    function.name: function
    for function in (
        TemplateFunction("randomInt", 1, random_int),
        TemplateFunction("randomAlpha", 1, random_alpha),
        TemplateFunction("base64Encode", 1, base64_encode),
        TemplateFunction("base64Decode", 1, base64_decode),
        TemplateFunction("datastore", 1, datastore),
        TemplateFunction("template", 2, template),
        TemplateFunction("unmarshalJson", 1, unmarshal_json),
    )
}
