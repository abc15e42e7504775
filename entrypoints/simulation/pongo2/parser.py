"""Reads a whole template: text, variables and tags, into nodes that can be rendered."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol

from entrypoints.simulation.pongo2 import values
from entrypoints.simulation.pongo2.errors import Position, TemplateSyntaxError
from entrypoints.simulation.pongo2.expression_parser import ExpressionParser
from entrypoints.simulation.pongo2.expressions import Expression
from entrypoints.simulation.pongo2.html_escape import escape_html
from entrypoints.simulation.pongo2.lexer import Token, TokenKind
from entrypoints.simulation.pongo2.rendering import RenderContext
from entrypoints.simulation.pongo2.token_stream import TokenStream

_NESTING_LIMIT = 50
_SPACES = " \n\r\t"


class Node(Protocol):
    """A part of a template that can be rendered."""

    def render(self, context: RenderContext) -> None:
        """Write what the node comes to; raises TemplateRuntimeError."""


@dataclass(frozen=True, slots=True)
class Text:
    """Text that stands for itself."""

    text: str

    def render(self, context: RenderContext) -> None:
        """Write the text."""
        context.budget.spend_steps()
        context.write(self.text)


@dataclass(frozen=True, slots=True)
class Output:
    """A variable, `{{ ... }}`."""

    expression: Expression

    def render(self, context: RenderContext) -> None:
        """Write the value, escaped where autoescape is on."""
        value = self.expression.evaluate(context)
        needs_escape = context.autoescape and isinstance(value, str) and not isinstance(value, values.SafeText)
        if needs_escape and not self.expression.is_marked_safe:
            value = escape_html(values.to_text(value))
        context.write(values.to_text(value))


@dataclass(frozen=True, slots=True)
class Block:
    """Nodes in a row; `end` is the tag that ended them, with its arguments."""

    nodes: tuple[Node, ...]
    end: str = ""
    arguments: TokenStream | None = None

    def render(self, context: RenderContext) -> None:
        """Write all nodes."""
        for node in self.nodes:
            node.render(context)


TagParser = Callable[["Parser", Token, TokenStream], Node]

NEEDS_FILES = frozenset({"block", "exec", "extends", "import", "include", "ssi"})


class Parser:
    """Reads the tokens of one template."""

    def __init__(self, tokens: list[Token], tags: Mapping[str, TagParser], expressions: ExpressionParser) -> None:
        self._stream = TokenStream(tokens, Position(1, 1))
        self._tags = tags
        self._depth = 0
        self.expressions = expressions

    def parse_document(self) -> Block:
        """The whole template; refused with the position of what is wrong."""
        nodes = []
        while self._stream.has_more:
            nodes.append(self._element())
        return Block(tuple(nodes))

    def parse_block(self, start: Token, *ends: str) -> Block:
        """All that stands up to the first of these tags, which is read too.

        Raises TemplateSyntaxError for none of them follows; or the last one, which only ends the block, has arguments.
        """
        nodes: list[Node] = []
        while self._stream.has_more:
            if self._is_tag(*ends):
                _, name, arguments = self._tag()
                if name.value.startswith(("end", "else", "empty")):
                    arguments.expect_end()
                return Block(tuple(nodes), name.value, arguments)
            nodes.append(self._element())
        expected = " or ".join(f"{{% {end} %}}" for end in ends)
        raise TemplateSyntaxError(f"the tag '{start.value}' does not end; {expected} expected", start.position)

    def parse_then_else(self, start: Token, end: str) -> tuple[Block, Block | None]:
        """A block, and a second one after `{% else %}` if there is one."""
        then = self.parse_block(start, "else", end)
        return then, self.parse_block(start, end) if then.end == "else" else None

    def skip_to(self, start: Token, end: str) -> None:
        """Leave out all that stands up to a tag, and the tag."""
        while self._stream.has_more:
            if self._is_tag(end):
                self._tag()
                return
            self._stream.take()
        raise TemplateSyntaxError(f"the tag '{start.value}' does not end; {{% {end} %}} expected", start.position)

    def _element(self) -> Node:
        if self._stream.next_is(TokenKind.TEXT):
            return self._text()
        if self._stream.next_is(TokenKind.SYMBOL, "{{"):
            return self._output()
        opening, name, arguments = self._tag()
        parse = self._tags.get(name.value)
        if parse is None:
            raise TemplateSyntaxError(_unknown_tag(name.value), name.position)
        self._depth += 1
        if self._depth > _NESTING_LIMIT:
            raise TemplateSyntaxError(f"tags nest deeper than {_NESTING_LIMIT}", opening.position)
        node = parse(self, name, arguments)
        self._depth -= 1
        return node

    def _text(self) -> Text:
        before, token, after = self._stream.peek(-1), self._stream.take(), self._stream.current
        text = token.value
        if before is not None and before.trims:
            text = text.lstrip(_SPACES)
        if after is not None and after.trims:
            text = text.rstrip(_SPACES)
        return Text(text)

    def _output(self) -> Output:
        self._stream.take()
        expression = self.expressions.parse(self._stream)
        self._stream.expect(TokenKind.SYMBOL, "}}")
        return Output(expression)

    def _is_tag(self, *names: str) -> bool:
        name = self._stream.peek(1)
        is_name = name is not None and name.kind is TokenKind.NAME and name.value in names
        return is_name and self._stream.next_is(TokenKind.SYMBOL, "{%")

    def _tag(self) -> tuple[Token, Token, TokenStream]:
        opening = self._stream.expect(TokenKind.SYMBOL, "{%")
        name = self._stream.expect(TokenKind.NAME)
        arguments: list[Token] = []
        while not self._stream.take_if(TokenKind.SYMBOL, "%}"):
            if not self._stream.has_more:
                raise TemplateSyntaxError("the tag does not end; '%}' expected", opening.position)
            arguments.append(self._stream.take())
        return opening, name, TokenStream(arguments, name.position)


def _unknown_tag(name: str) -> str:
    if name in NEEDS_FILES:
        return f"the tag '{name}' is not supported: it needs template files, and flows have none"
    if name.startswith("end") or name in {"else", "elif", "empty"}:
        return f"the tag '{name}' ends or splits nothing here"
    return f"the tag '{name}' is not supported"
