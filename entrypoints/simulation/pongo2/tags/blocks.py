"""The tags that stand around a part of a template: if, for, with, macro and the like."""

from dataclasses import dataclass

from entrypoints.simulation.pongo2 import values
from entrypoints.simulation.pongo2.expressions import Expression, FilterCall
from entrypoints.simulation.pongo2.lexer import Token, TokenKind
from entrypoints.simulation.pongo2.parser import Block, Node, Parser
from entrypoints.simulation.pongo2.regex import compile_pattern
from entrypoints.simulation.pongo2.rendering import RenderContext
from entrypoints.simulation.pongo2.token_stream import TokenStream

_SPACE_BETWEEN_TAGS = r"(?U:(<.*>))([\t\n\v\f\r ]+)(?U:(<.*>))"


@dataclass(frozen=True, slots=True)
class Nothing:
    """What comes to nothing: a comment."""

    def render(self, context: RenderContext) -> None:
        """Write nothing."""


@dataclass(frozen=True, slots=True)
class If:
    """Conditions with their blocks, and a block for when none is true."""

    branches: tuple[tuple[Expression, Block], ...]
    otherwise: Block | None

    def render(self, context: RenderContext) -> None:
        """Write the first block whose condition is true."""
        for condition, block in self.branches:
            if values.is_truthy(condition.evaluate(context)):
                block.render(context)
                return
        if self.otherwise is not None:
            self.otherwise.render(context)


@dataclass(frozen=True, slots=True)
class IfEqual:
    """Two values, a block for when they are (or are not) equal, and one for when not."""

    left: Expression
    right: Expression
    wants_equal: bool
    then: Block
    otherwise: Block | None

    def render(self, context: RenderContext) -> None:
        """Compare, and write a block."""
        is_equal = values.are_equal(self.left.evaluate(context), self.right.evaluate(context))
        block = self.then if is_equal == self.wants_equal else self.otherwise
        if block is not None:
            block.render(context)


@dataclass(frozen=True, slots=True)
class With:
    """Names for a block."""

    pairs: tuple[tuple[str, Expression], ...]
    body: Block

    def render(self, context: RenderContext) -> None:
        """Write the block with the names set."""
        inner = context.child()
        inner.locals.update({name: expression.evaluate(context) for name, expression in self.pairs})
        self.body.render(inner)


@dataclass(frozen=True, slots=True)
class FilterBlock:
    """A block whose text goes through filters."""

    calls: tuple[FilterCall, ...]
    body: Block

    def render(self, context: RenderContext) -> None:
        """Write the block as the filters leave it."""
        value: object = context.capture(self.body.render)
        for call in self.calls:
            value = call.apply_to(value, context)
        context.write(values.to_text(value))


@dataclass(frozen=True, slots=True)
class Autoescape:
    """A block in which variables are escaped, or not."""

    is_on: bool
    body: Block

    def render(self, context: RenderContext) -> None:
        """Write the block."""
        before, context.autoescape = context.autoescape, self.is_on
        self.body.render(context)
        context.autoescape = before


@dataclass(frozen=True, slots=True)
class Spaceless:
    """A block without white space between HTML tags."""

    body: Block

    def render(self, context: RenderContext) -> None:
        """Write the block without that space."""
        text = context.capture(self.body.render)
        pattern = compile_pattern(_SPACE_BETWEEN_TAGS)
        while (shorter := pattern.sub(r"\1\3", text)) != text:
            context.budget.spend_steps()
            text = shorter
        context.write(text)


def parse_autoescape(parser: Parser, start: Token, arguments: TokenStream) -> Node:
    """Escapes the variables of a block for HTML (`on`), or leaves them alone (`off`, as everywhere in a flow)."""
    mode = arguments.expect(TokenKind.NAME, "on", "off")
    arguments.expect_end()
    return Autoescape(mode.value == "on", parser.parse_block(start, "endautoescape"))


def parse_comment(parser: Parser, start: Token, arguments: TokenStream) -> Node:
    """Leaves out what stands in it."""
    arguments.expect_end()
    parser.skip_to(start, "endcomment")
    return Nothing()


def parse_filter(parser: Parser, start: Token, arguments: TokenStream) -> Node:
    """Sends the text of a block through filters."""
    calls = [parser.expressions.parse_filter_call(arguments)]
    while arguments.take_if(TokenKind.SYMBOL, "|"):
        calls.append(parser.expressions.parse_filter_call(arguments))
    arguments.expect_end()
    return FilterBlock(tuple(calls), parser.parse_block(start, "endfilter"))


def parse_if(parser: Parser, start: Token, arguments: TokenStream) -> Node:
    """Chooses a block by conditions; with `{% elif %}` and `{% else %}`."""
    branches: list[tuple[Expression, Block]] = []
    condition = _condition(parser, arguments)
    while True:
        block = parser.parse_block(start, "elif", "else", "endif")
        branches.append((condition, block))
        if block.end != "elif" or block.arguments is None:
            break
        condition = _condition(parser, block.arguments)
    otherwise = parser.parse_block(start, "endif") if block.end == "else" else None
    return If(tuple(branches), otherwise)


def parse_ifequal(parser: Parser, start: Token, arguments: TokenStream) -> Node:
    """Writes a block when two values are equal."""
    return _equality(parser, start, arguments, wants_equal=True)


def parse_ifnotequal(parser: Parser, start: Token, arguments: TokenStream) -> Node:
    """Writes a block when two values differ."""
    return _equality(parser, start, arguments, wants_equal=False)


def parse_spaceless(parser: Parser, start: Token, arguments: TokenStream) -> Node:
    """Removes white space between the HTML tags of a block."""
    arguments.expect_end()
    return Spaceless(parser.parse_block(start, "endspaceless"))


def parse_with(parser: Parser, start: Token, arguments: TokenStream) -> Node:
    """Gives names to values within a block: `a=1 b=2`, or `1 as a`."""
    is_old_style = any(token.kind is TokenKind.KEYWORD and token.value == "as" for token in arguments.remaining())
    pairs: list[tuple[str, Expression]] = []
    while not pairs or arguments.has_more:
        if is_old_style:
            expression = parser.expressions.parse(arguments)
            arguments.expect(TokenKind.KEYWORD, "as")
            name = arguments.expect(TokenKind.NAME)
        else:
            name = arguments.expect(TokenKind.NAME)
            arguments.expect(TokenKind.SYMBOL, "=")
            expression = parser.expressions.parse(arguments)
        pairs.append((name.value, expression))
    return With(tuple(pairs), parser.parse_block(start, "endwith"))


def _condition(parser: Parser, arguments: TokenStream) -> Expression:
    condition = parser.expressions.parse(arguments)
    arguments.expect_end()
    return condition


def _equality(parser: Parser, start: Token, arguments: TokenStream, *, wants_equal: bool) -> Node:
    left = parser.expressions.parse(arguments)
    right = parser.expressions.parse(arguments)
    arguments.expect_end()
    then, otherwise = parser.parse_then_else(start, "endifequal" if wants_equal else "endifnotequal")
    return IfEqual(left, right, wants_equal, then, otherwise)
