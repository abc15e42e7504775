"""Parses a template into nodes: text, variables and tags."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Protocol

from entrypoints.simulation.pongo2 import values
from entrypoints.simulation.pongo2.errors import Position, TemplateSyntaxError
from entrypoints.simulation.pongo2.expression_parser import ExpressionParser, hint
from entrypoints.simulation.pongo2.expressions import Expression
from entrypoints.simulation.pongo2.lexer import Token, TokenKind
from entrypoints.simulation.pongo2.rendering import RenderContext
from entrypoints.simulation.pongo2.token_stream import TokenStream

_NESTING_LIMIT = 50
_SPACES = " \n\r\t"
_NEEDS_FILES = frozenset({"exec", "extends", "import", "include", "ssi"})


class Node(Protocol):
    """A part of a template."""

    def render(self, context: RenderContext, /) -> None:
        """Writes the node's output. Raises TemplateRuntimeError."""


@dataclass(frozen=True, slots=True)
class TextNode:
    """Literal text."""

    text: str

    def render(self, context: RenderContext) -> None:
        """Writes the text."""
        context.budget.spend_steps()
        context.write(self.text)


@dataclass(frozen=True, slots=True)
class VariableNode:
    """A variable, `{{ ... }}`."""

    expression: Expression

    def render(self, context: RenderContext) -> None:
        """Writes the value; escapes strings while autoescape is on."""
        value = self.expression.evaluate(context)
        needs_escape = context.autoescape and isinstance(value, str) and not isinstance(value, values.SafeText)
        if needs_escape and not self.expression.is_marked_safe:
            value = values.escape_html(values.to_text(value))
        context.write(values.to_text(value))


@dataclass(frozen=True, slots=True)
class TagNode:
    """A tag, rendered by a function that its parser made."""

    render: Callable[[RenderContext], None]
    branches: "tuple[Block, ...] | None" = None
    """The blocks of which it renders exactly one; None if it does anything else."""


@dataclass(frozen=True, slots=True)
class Block:
    """A sequence of nodes, and the name and arguments of the tag that ended it."""

    nodes: tuple[Node, ...]
    end: str = ""
    arguments: TokenStream | None = None

    def render(self, context: RenderContext) -> None:
        """Writes all nodes."""
        for node in self.nodes:
            node.render(context)


TagParser = Callable[["Parser", Token, TokenStream], Node]


class Parser:
    """Parses the tokens of one template."""

    def __init__(self, tokens: list[Token], tags: Mapping[str, TagParser], expressions: ExpressionParser) -> None:
        self._stream = TokenStream(tokens, Position(1, 1))
        self._tags = tags
        self._depth = 0
        self.expressions = expressions
        self.exported_macros: set[str] = set()
        self.block_names: set[str] = set()

    def declare(self, name: str) -> str:
        """Notes that the template defines a name, and returns the name."""
        self.expressions.declared.add(name)
        return name

    def parse_document(self) -> Block:
        """Parses the whole template. Raises TemplateSyntaxError."""
        nodes = []
        while self._stream.has_more:
            nodes.append(self._node())
        return Block(tuple(nodes))

    def parse_block(self, start: Token, *ends: str, checks_end: bool = True) -> Block:
        """Parses up to and including the first of these end tags.

        Raises TemplateSyntaxError if there is none, or if one that takes no arguments has some.
        """
        nodes: list[Node] = []
        while self._stream.has_more:
            if self._next_is_tag(*ends):
                _, name, arguments = self._tag()
                if name.value.startswith(("end", "else", "empty")) and checks_end:
                    arguments.expect_end()
                return Block(tuple(nodes), name.value, arguments)
            nodes.append(self._node())
        raise _unclosed(start, *ends)

    def parse_alternatives(self, start: Token, separator: str, end: str) -> tuple[Block, Block | None]:
        """Parses a block, and a second one if the separator follows the first."""
        first = self.parse_block(start, separator, end)
        return first, self.parse_block(start, end) if first.end == separator else None

    def skip_to(self, start: Token, end: str) -> None:
        """Skips up to and including an end tag. Raises TemplateSyntaxError if there is none."""
        while self._stream.has_more:
            if self._next_is_tag(end):
                self._tag()
                return
            self._stream.take()
        raise _unclosed(start, end)

    def _node(self) -> Node:
        if self._stream.next_is(TokenKind.TEXT):
            return self._text()
        if self._stream.take_if(TokenKind.SYMBOL, "{{"):
            expression = self.expressions.parse(self._stream)
            self._stream.expect(TokenKind.SYMBOL, "}}")
            return VariableNode(expression)
        opening, name, arguments = self._tag()
        parse = self._tags.get(name.value)
        if parse is None:
            raise TemplateSyntaxError(_describe_unknown_tag(name.value, self._tags), name.position)
        self._depth += 1
        if self._depth > _NESTING_LIMIT:
            raise TemplateSyntaxError(f"tags nest deeper than {_NESTING_LIMIT}", opening.position)
        node = parse(self, name, arguments)
        self._depth -= 1
        return node

    def _text(self) -> TextNode:
        before, token, after = self._stream.peek(-1), self._stream.take(), self._stream.current
        text = token.value
        if before is not None and before.trims:
            text = text.lstrip(_SPACES)
        if after is not None and after.trims:
            text = text.rstrip(_SPACES)
        return TextNode(text)

    def _next_is_tag(self, *names: str) -> bool:
        name = self._stream.peek(1)
        is_name = name is not None and name.kind is TokenKind.NAME and name.value in names
        return is_name and self._stream.next_is(TokenKind.SYMBOL, "{%")

    def _tag(self) -> tuple[Token, Token, TokenStream]:
        opening = self._stream.expect(TokenKind.SYMBOL, "{%")
        name = self._stream.expect(TokenKind.NAME)
        arguments: list[Token] = []
        while not self._stream.take_if(TokenKind.SYMBOL, "%}"):
            if not self._stream.has_more:
                raise TemplateSyntaxError("the tag is not closed; expected '%}'", opening.position)
            arguments.append(self._stream.take())
        return opening, name, TokenStream(arguments, name.position)


def _unclosed(start: Token, *ends: str) -> TemplateSyntaxError:
    expected = " or ".join(f"{{% {end} %}}" for end in ends)
    return TemplateSyntaxError(f"the tag '{start.value}' is not closed; expected {expected}", start.position)


def _describe_unknown_tag(name: str, tags: Iterable[str]) -> str:
    if name in _NEEDS_FILES:
        return f"the tag '{name}' is not supported: it needs template files, and flows have none"
    if name.startswith("end") or name in {"else", "elif", "empty"}:
        return f"the tag '{name}' has no opening tag"
    return f"the tag '{name}' is not supported{hint(name, tags)}"
