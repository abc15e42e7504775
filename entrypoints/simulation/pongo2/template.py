"""Templates: parsed once, rendered any number of times."""

from collections.abc import Mapping
from functools import lru_cache

from entrypoints.simulation.pongo2 import functions
from entrypoints.simulation.pongo2.errors import TemplateError, TemplateRuntimeError, TemplateSyntaxError
from entrypoints.simulation.pongo2.expression_parser import ExpressionParser
from entrypoints.simulation.pongo2.expressions import Function
from entrypoints.simulation.pongo2.filters.registry import FILTERS
from entrypoints.simulation.pongo2.lexer import tokenize
from entrypoints.simulation.pongo2.parser import Block, Parser
from entrypoints.simulation.pongo2.rendering import RenderContext, TemplateEnvironment
from entrypoints.simulation.pongo2.tags.registry import TAGS
from entrypoints.simulation.pongo2.values import describe, to_text

SOURCE_LIMIT = 256 * 1024


class Template:
    """A parsed template. The constructor raises TemplateSyntaxError, with the position of the error."""

    __slots__ = ("_document", "is_constant", "source")

    def __init__(self, source: str) -> None:
        if len(source) > SOURCE_LIMIT:
            raise TemplateSyntaxError(f"the template is longer than {SOURCE_LIMIT} characters")
        if source.endswith("{"):
            message = "a template can't end with '{': the server appends a tag of its own"
            raise TemplateSyntaxError(message, tokenize(source)[-1].position)
        self.source = source
        self.is_constant = "{{" not in source and "{%" not in source and "{#" not in source
        self._document = Block(()) if self.is_constant else _parse(source)

    def render(self, names: Mapping[str, object], environment: TemplateEnvironment | None = None) -> str:
        """Renders the template with variables. Raises TemplateRuntimeError, with the position of the error."""
        return self.render_within(RenderContext(names, environment or TemplateEnvironment()))

    def render_within(self, context: RenderContext) -> str:
        """Renders the template in a context without output."""
        if self.is_constant:
            return self.source
        try:
            self._document.render(context)
        except RecursionError as error:
            raise TemplateRuntimeError("the template nests too deep") from error
        return "".join(context.output)


def _parse(source: str) -> Block:
    return Parser(tokenize(source), TAGS, ExpressionParser(FILTERS, FUNCTIONS)).parse_document()


@lru_cache(maxsize=256)
def _cached(source: str) -> Template:
    return Template(source)


def template(context: RenderContext, source: object, names: object) -> object:
    """Renders the first argument as a template, with the second as its variables."""
    if not isinstance(names, dict):
        raise TemplateRuntimeError(f"expected a map of names, not {describe(names)}")
    with context.budget.nested():
        try:
            return _cached(to_text(source)).render_within(RenderContext(names, context.environment, context.budget))
        except TemplateError as error:
            raise TemplateRuntimeError(f"in the inner template, {error}") from error


FUNCTIONS = {
    function.name: function
    for function in (
        Function("randomInt", functions.random_int, 1),
        Function("randomAlpha", functions.random_alpha, 1),
        Function("base64Encode", functions.base64_encode, 1),
        Function("base64Decode", functions.base64_decode, 1),
        Function("datastore", functions.datastore, 1),
        Function("template", template, 2),
        Function("unmarshalJson", functions.unmarshal_json, 1),
    )
}
