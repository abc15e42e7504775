"""Templates: parsed once, rendered any number of times."""

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Final

from entrypoints.simulation.pongo2 import functions
from entrypoints.simulation.pongo2.errors import TemplateError, TemplateRuntimeError, TemplateSyntaxError
from entrypoints.simulation.pongo2.expression_parser import ExpressionParser
from entrypoints.simulation.pongo2.expressions import Expression, Function
from entrypoints.simulation.pongo2.filters.registry import FILTERS
from entrypoints.simulation.pongo2.lexer import tokenize
from entrypoints.simulation.pongo2.parser import Block, Parser, TextNode
from entrypoints.simulation.pongo2.rendering import RenderContext, TemplateEnvironment
from entrypoints.simulation.pongo2.tags.registry import TAGS
from entrypoints.simulation.pongo2.values import to_text

_IDENTIFIER: Final = re.compile("[A-Za-z0-9_]+")
SOURCE_LIMIT = 256 * 1024


class Template:
    """A parsed template. The constructor raises TemplateSyntaxError, with the position of the error.

    `problems` are what the server accepts although it can't work, such as an invalid regular expression. With
    `is_deferred`, as on the server, a syntax error is one of them: the template fails when it is rendered, and
    `document` is None. `expressions` are all names, filter chains and operations in it, and `declared` the names that
    it defines.
    """

    __slots__ = ("_exported_macros", "declared", "document", "expressions", "is_constant", "problems", "source")

    def __init__(self, source: str, *, is_deferred: bool = False) -> None:
        self.source = source
        self.is_constant = "{{" not in source and "{%" not in source and "{#" not in source
        self.problems: tuple[TemplateSyntaxError, ...] = ()
        self._exported_macros: frozenset[str] = frozenset()
        self.document: Block | None = None
        self.expressions: tuple[Expression, ...] = ()
        self.declared: frozenset[str] = frozenset()
        try:
            self._parse()
        except TemplateSyntaxError as error:
            if not is_deferred:
                raise
            self.problems = (error,)

    def _parse(self) -> None:
        if len(self.source) > SOURCE_LIMIT:
            raise TemplateSyntaxError(f"the template is longer than {SOURCE_LIMIT} characters")
        if self.source.endswith("{"):
            message = "a template can't end with '{': the server appends a tag of its own"
            raise TemplateSyntaxError(message, tokenize(self.source)[-1].position)
        if self.is_constant:
            self.document = Block((TextNode(self.source),) if self.source else ())
            return
        expressions = ExpressionParser(FILTERS, FUNCTIONS)
        parser = Parser(tokenize(self.source), TAGS, expressions)
        try:
            self.document = parser.parse_document()
        finally:
            self.expressions = tuple(expressions.parsed)
            self.declared = frozenset(expressions.declared)
        self.problems = tuple(expressions.problems)
        self._exported_macros = frozenset(parser.exported_macros)

    def render(self, names: Mapping[str, object], environment: TemplateEnvironment | None = None) -> str:
        """Renders the template with variables. Raises TemplateRuntimeError, with the position of the error."""
        return self.render_within(RenderContext(names, environment or TemplateEnvironment()))

    def render_within(self, context: RenderContext) -> str:
        """Renders the template in a context without output."""
        if self.document is None:
            raise TemplateRuntimeError(str(self.problems[0]))
        if self.is_constant:
            return self.source
        if clashes := self._exported_macros & {*context.variables, *FUNCTIONS}:
            raise TemplateRuntimeError(f"the exported macro '{min(clashes)}' has the name of another value")
        try:
            self.document.render(context)
        except RecursionError as error:
            raise TemplateRuntimeError("the template nests too deep") from error
        return "".join(context.output)


@lru_cache(maxsize=256)
def _cached(source: str) -> Template:
    return Template(source)


def template(context: RenderContext, source: object, names: dict[str, object]) -> object:
    """Renders the first argument as a template, with the second as its variables.

    Like pongo2, adds the functions to the given map: an event that the map is a part of can't be stored any more.
    """
    with context.budget.nested():
        try:
            inner = _cached(to_text(source))
            names.update(FUNCTIONS)
            if invalid := next((name for name in names if not _IDENTIFIER.fullmatch(name)), None):
                raise TemplateRuntimeError(f"'{invalid}' can't be the name of a variable")
            return inner.render_within(RenderContext(names, context.environment, context.budget))
        except TemplateError as error:
            raise TemplateRuntimeError(f"in the inner template, {error}") from error


FUNCTIONS = {
    function.name: function
    for function in (
        Function("randomInt", functions.random_int, ("int",)),
        Function("randomAlpha", functions.random_alpha, ("int",)),
        Function("base64Encode", functions.base64_encode, ("string",)),
        Function("base64Decode", functions.base64_decode, ("string",)),
        Function("datastore", functions.datastore, ("string",)),
        Function("template", template, ("", "map[string]interface {}")),
        Function("unmarshalJson", functions.unmarshal_json, ("string",)),
    )
}
