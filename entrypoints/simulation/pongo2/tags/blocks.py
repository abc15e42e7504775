"""The tags that enclose a block: if, with, filter and the like."""

from collections.abc import Sequence

from entrypoints.simulation.pongo2 import values
from entrypoints.simulation.pongo2.expressions import Binary, Expression
from entrypoints.simulation.pongo2.lexer import Token, TokenKind
from entrypoints.simulation.pongo2.parser import Block, Node, Parser, TagNode
from entrypoints.simulation.pongo2.regex import compile_pattern
from entrypoints.simulation.pongo2.rendering import RenderContext
from entrypoints.simulation.pongo2.token_stream import TokenStream

_SPACE_BETWEEN_TAGS = r"(?U:(<.*>))([\t\n\v\f\r ]+)(?U:(<.*>))"


def parse_autoescape(parser: Parser, start: Token, arguments: TokenStream) -> Node:
    """Turns HTML escaping of variables on or off within a block (`off` everywhere else in a flow)."""
    is_on = arguments.expect(TokenKind.NAME, "on", "off").value == "on"
    arguments.expect_end()
    body = parser.parse_block(start, "endautoescape", checks_end=False)

    def render(context: RenderContext) -> None:
        before, context.autoescape = context.autoescape, is_on
        body.render(context)
        context.autoescape = before

    return TagNode(render)


def parse_block(parser: Parser, start: Token, arguments: TokenStream) -> Node:
    """Renders its content; the name has no meaning without template files."""
    name = arguments.expect(TokenKind.NAME)
    arguments.expect_end()
    body = parser.parse_block(start, "endblock", checks_end=False)
    if body.arguments is not None and body.arguments.has_more:
        body.arguments.expect(TokenKind.NAME, name.value)
        body.arguments.expect_end()
    if name.value in parser.block_names:
        raise arguments.error(f"there is a block '{name.value}' already", name)
    parser.block_names.add(name.value)
    parser.declare("block")

    def render(context: RenderContext) -> None:
        context.locals["block"] = values.Struct("pongo2.tagBlockInformation", {"Super": ""})
        body.render(context)

    return TagNode(render)


def parse_comment(parser: Parser, start: Token, arguments: TokenStream) -> Node:
    """Leaves out a block."""
    arguments.expect_end()
    parser.skip_to(start, "endcomment")
    return Block(())


def parse_filter(parser: Parser, start: Token, arguments: TokenStream) -> Node:
    """Applies filters to the output of a block."""
    filters = [parser.expressions.parse_filter_call(arguments)] if arguments.has_more else []
    while arguments.take_if(TokenKind.SYMBOL, "|"):
        filters.append(parser.expressions.parse_filter_call(arguments))
    arguments.expect_end()
    body = parser.parse_block(start, "endfilter", checks_end=False)

    def render(context: RenderContext) -> None:
        value: object = context.capture(body.render)
        for call in filters:
            value = call.apply_to(value, context)
        context.write(values.to_text(value))

    return TagNode(render)


def parse_if(parser: Parser, start: Token, arguments: TokenStream) -> Node:
    """Chooses a block by conditions, with `{% elif %}` and `{% else %}`."""
    branches: list[tuple[Expression, Block]] = []
    stream: TokenStream | None = arguments
    while stream is not None:
        condition = parser.expressions.parse(stream)
        stream.expect_end()
        block = parser.parse_block(start, "elif", "else", "endif")
        branches.append((condition, block))
        stream = block.arguments if block.end == "elif" else None
    return _conditional(branches, parser.parse_block(start, "endif") if block.end == "else" else None)


def parse_ifequal(parser: Parser, start: Token, arguments: TokenStream) -> Node:
    """Writes a block if two values are equal."""
    return _comparison(parser, start, arguments, "==")


def parse_ifnotequal(parser: Parser, start: Token, arguments: TokenStream) -> Node:
    """Writes a block if two values differ."""
    return _comparison(parser, start, arguments, "!=")


def parse_spaceless(parser: Parser, start: Token, arguments: TokenStream) -> Node:
    """Removes white space between the HTML tags of a block."""
    arguments.expect_end()
    body = parser.parse_block(start, "endspaceless", checks_end=False)

    def render(context: RenderContext) -> None:
        text = context.capture(body.render)
        pattern = compile_pattern(_SPACE_BETWEEN_TAGS)
        while (shorter := pattern.sub(r"\1\3", text)) != text:
            context.budget.spend_steps()
            text = shorter
        context.write(text)

    return TagNode(render)


def parse_with(parser: Parser, start: Token, arguments: TokenStream) -> Node:
    """Names values within a block: `a=1 b=2`, or `1 as a`."""
    uses_as = any(token.kind is TokenKind.KEYWORD and token.value == "as" for token in arguments.remaining())
    pairs: list[tuple[str, Expression]] = []
    while not pairs or arguments.has_more:
        if uses_as:
            expression = parser.expressions.parse(arguments)
            arguments.expect(TokenKind.KEYWORD, "as")
            name = arguments.expect(TokenKind.NAME)
        else:
            name = arguments.expect(TokenKind.NAME)
            arguments.expect(TokenKind.SYMBOL, "=")
            expression = parser.expressions.parse(arguments)
        pairs.append((parser.declare(name.value), expression))
    body = parser.parse_block(start, "endwith")

    def render(context: RenderContext) -> None:
        inner = context.child()
        inner.locals.update({name: expression.evaluate(context) for name, expression in pairs})
        body.render(inner)

    return TagNode(render)


def _comparison(parser: Parser, start: Token, arguments: TokenStream, operator: str) -> Node:
    left = parser.expressions.parse(arguments)
    right = parser.expressions.parse(arguments)
    arguments.expect_end()
    then, otherwise = parser.parse_alternatives(start, "else", f"end{start.value}")
    return _conditional([(Binary(operator, left, right, start.position), then)], otherwise)


def _conditional(branches: Sequence[tuple[Expression, Block]], otherwise: Block | None) -> Node:
    last = otherwise or Block(())

    def render(context: RenderContext) -> None:
        for condition, block in branches:
            if values.is_truthy(condition.evaluate(context)):
                block.render(context)
                return
        last.render(context)

    return TagNode(render, (*(block for _, block in branches), last))
