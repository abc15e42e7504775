"""The tags without a block, and macros."""

import math
from collections.abc import Sequence
from functools import partial

from entrypoints.simulation.pongo2 import go_time, lorem, values
from entrypoints.simulation.pongo2.errors import ReportedError
from entrypoints.simulation.pongo2.expressions import Expression, Function
from entrypoints.simulation.pongo2.lexer import Token, TokenKind
from entrypoints.simulation.pongo2.operators import divide
from entrypoints.simulation.pongo2.parser import Node, Parser, TagNode, TextNode
from entrypoints.simulation.pongo2.rendering import STEP_LIMIT, RenderContext, check_size
from entrypoints.simulation.pongo2.rfc3339 import parse
from entrypoints.simulation.pongo2.token_stream import TokenStream

_DELIMITERS = {
    "openblock": "{%",
    "closeblock": "%}",
    "openvariable": "{{",
    "closevariable": "}}",
    "openbrace": "{",
    "closebrace": "}",
    "opencomment": "{#",
    "closecomment": "#}",
}
_FAKE_NOW = "2014-02-05T18:31:45Z"


def parse_firstof(parser: Parser, _: Token, arguments: TokenStream) -> Node:
    """Writes the first value that is true."""
    options = parser.expressions.parse_all(arguments)

    def render(context: RenderContext) -> None:
        for option in options:
            value = option.evaluate(context)
            if values.is_truthy(value):
                text = values.to_text(value)
                needs_escape = context.autoescape and not option.is_marked_safe
                context.write(values.escape_html(text) if needs_escape else text)
                return

    return TagNode(render)


def parse_lorem(_: Parser, __: Token, arguments: TokenStream) -> Node:
    """Writes filler text: a number, then `w` for words, `p` or `b` for paragraphs, then `random`."""
    count_token = arguments.take_if(TokenKind.NUMBER)
    method = arguments.take_if(TokenKind.NAME, "w", "p", "b")
    is_random = arguments.take_if(TokenKind.NAME, "random") is not None
    arguments.expect_end()
    if count_token is not None and len(count_token.value) > len(str(STEP_LIMIT)):
        raise arguments.error("too much filler text", count_token)
    count = int(count_token.value) if count_token else 1
    are_words, in_html = method is not None and method.value == "w", method is not None and method.value == "p"
    source = lorem.WORDS if are_words else lorem.PARAGRAPHS

    def render(context: RenderContext) -> None:
        context.budget.spend_steps(count)
        check_size(count * max(map(len, source)))
        rng = context.environment.rng
        pieces = [rng.choice(source) if is_random else source[index % len(source)] for index in range(count)]
        if in_html:
            pieces = [f"<p>{piece}</p>" for piece in pieces]
        context.write((" " if are_words else "\n").join(pieces))

    return TagNode(render)


def parse_macro(parser: Parser, start: Token, arguments: TokenStream) -> Node:
    """Defines a block with parameters, which may have defaults, to be called like a function."""
    name = parser.declare(arguments.expect(TokenKind.NAME).value)
    arguments.expect(TokenKind.SYMBOL, "(")
    parameters: list[tuple[str, Expression | None]] = []
    for _ in arguments.items_until_parenthesis():
        parameter = arguments.expect(TokenKind.NAME)
        default = parser.expressions.parse(arguments) if arguments.take_if(TokenKind.SYMBOL, "=") else None
        parameters.append((parser.declare(parameter.value), default))
    is_exported = arguments.take_if(TokenKind.KEYWORD, "export") is not None
    arguments.expect_end()
    parser.expressions.macros[name] = len(parameters)
    body = parser.parse_block(start, "endmacro")
    if is_exported and name in parser.exported_macros:
        raise arguments.error(f"there is an exported macro '{name}' already", start)
    parser.exported_macros |= {name} if is_exported else set()

    def output(definition: RenderContext, given: Sequence[object]) -> str:
        defaults = {name: default and default.evaluate(definition) for name, default in parameters}
        if len(given) > len(parameters):
            counts = f"({len(given)} instead of {len(parameters)})"
            wording = f"Macro '{name}' called with too many arguments {counts}."
            raise ReportedError(f"'{name}' has too many arguments {counts}", wording=wording)
        inner = definition.child()
        inner.locals.update({**defaults, **dict(zip(defaults, given, strict=False))})
        return inner.capture(body.render)

    def call(definition: RenderContext, context: RenderContext, *given: object) -> object:
        with context.budget.nested():
            try:
                return values.SafeText(output(definition, given))
            except ReportedError as error:
                return values.SafeText(error.located(start.position, start.value).report())

    def render(context: RenderContext) -> None:
        context.locals[name] = Function(name, partial(call, context), parameters=None)

    return TagNode(render)


def parse_now(_: Parser, __: Token, arguments: TokenStream) -> Node:
    """Writes the time in UTC by Go's layout; with `fake`, a fixed time."""
    layout = arguments.expect(TokenKind.STRING).value
    fake = parse(_FAKE_NOW) if arguments.take_if(TokenKind.NAME, "fake") else None
    arguments.expect_end()

    def render(context: RenderContext) -> None:
        context.write(go_time.format_layout(fake or context.environment.now(), layout))

    return TagNode(render)


def parse_set(parser: Parser, _: Token, arguments: TokenStream) -> Node:
    """Names a value: `name = value`."""
    name = parser.declare(arguments.expect(TokenKind.NAME).value)
    arguments.expect(TokenKind.SYMBOL, "=")
    expression = parser.expressions.parse(arguments)
    arguments.expect_end()

    def render(context: RenderContext) -> None:
        context.locals[name] = expression.evaluate(context)

    return TagNode(render)


def parse_templatetag(_: Parser, __: Token, arguments: TokenStream) -> Node:
    """Writes a delimiter, such as `openvariable` for two opening braces."""
    name = arguments.expect(TokenKind.NAME, *_DELIMITERS).value
    arguments.expect_end()
    return TextNode(_DELIMITERS[name])


def parse_widthratio(parser: Parser, _: Token, arguments: TokenStream) -> Node:
    """Writes a value's share of a maximum, on a scale up to a width; with `as name`, sets the name instead."""
    operands = [parser.expressions.parse(arguments) for _ in range(3)]
    takes_name = arguments.take_if(TokenKind.KEYWORD, "as") is not None
    name = parser.declare(arguments.expect(TokenKind.NAME).value) if takes_name else None
    arguments.expect_end()

    def render(context: RenderContext) -> None:
        value, largest, width = (values.to_float(operand.evaluate(context)) for operand in operands)
        exact = divide(value, largest) * width + 0.5
        ratio = math.ceil(exact) if math.isfinite(exact) else values.truncate(exact)
        if name is None:
            context.write(str(ratio))
        else:
            context.locals[name] = ratio

    return TagNode(render)
