"""The tags that stand alone, and macros."""

import math
from dataclasses import dataclass

from entrypoints.simulation.pongo2 import go_time, lorem, values
from entrypoints.simulation.pongo2.arithmetic import divide
from entrypoints.simulation.pongo2.expressions import Expression
from entrypoints.simulation.pongo2.html_escape import escape_html
from entrypoints.simulation.pongo2.lexer import Token, TokenKind
from entrypoints.simulation.pongo2.parser import Block, Node, Parser, Text
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


@dataclass(frozen=True, slots=True)
class FirstOf:
    """The first value that is true."""

    options: tuple[Expression, ...]

    def render(self, context: RenderContext) -> None:
        """Write it."""
        for option in self.options:
            value = option.evaluate(context)
            if values.is_truthy(value):
                needs_escape = context.autoescape and not option.is_marked_safe
                context.write(escape_html(values.to_text(value)) if needs_escape else values.to_text(value))
                return


@dataclass(frozen=True, slots=True)
class Lorem:
    """Text without a meaning."""

    count: int
    method: str
    is_random: bool

    def render(self, context: RenderContext) -> None:
        """Write so many words or paragraphs."""
        context.budget.spend_steps(self.count)
        source = lorem.WORDS if self.method == "w" else lorem.PARAGRAPHS
        check_size(self.count * max(map(len, source)))
        rng = context.environment.rng
        picked = [rng.choice(source) if self.is_random else source[i % len(source)] for i in range(self.count)]
        if self.method == "p":
            picked = [f"<p>{paragraph}</p>" for paragraph in picked]
        context.write((" " if self.method == "w" else "\n").join(picked))


@dataclass(frozen=True, slots=True)
class Now:
    """The time."""

    layout: str
    is_fake: bool

    def render(self, context: RenderContext) -> None:
        """Write it in Go's layout."""
        moment = parse(_FAKE_NOW) if self.is_fake else None
        context.write(go_time.format_time(moment or context.environment.now(), self.layout))


@dataclass(frozen=True, slots=True)
class Set:
    """A name for a value, from here on."""

    name: str
    expression: Expression

    def render(self, context: RenderContext) -> None:
        """Set it; write nothing."""
        context.locals[self.name] = self.expression.evaluate(context)


@dataclass(frozen=True, slots=True)
class WidthRatio:
    """A value in proportion to the largest possible one, on a scale of a width."""

    value: Expression
    largest: Expression
    width: Expression
    name: str | None

    def render(self, context: RenderContext) -> None:
        """Write it, or set its name."""
        value, largest, width = (
            values.to_float(one.evaluate(context)) for one in (self.value, self.largest, self.width)
        )
        exact = divide(value, largest) * width + 0.5
        ratio = math.ceil(exact) if math.isfinite(exact) else values.truncate(exact)
        if self.name is None:
            context.write(str(ratio))
        else:
            context.locals[self.name] = ratio


@dataclass(frozen=True, slots=True)
class Macro:
    """A block with a name and arguments, to be called like a function."""

    name: str
    parameters: tuple[tuple[str, Expression | None], ...]
    body: Block

    def render(self, context: RenderContext) -> None:
        """Give it its name; write nothing."""
        context.locals[self.name] = MacroCall(self, context)


@dataclass(frozen=True, slots=True)
class MacroCall:
    """A macro, together with the names that it was defined among."""

    macro: Macro
    home: RenderContext

    def __call__(self, context: RenderContext, *arguments: object) -> object:
        """The text that the macro writes with these arguments."""
        context.budget.enter()
        inner = self.home.child()
        given = dict(zip((name for name, _ in self.macro.parameters), arguments, strict=False))
        for name, default in self.macro.parameters:
            inner.locals[name] = None if default is None else default.evaluate(self.home)
        inner.locals.update(given)
        text = values.SafeText(inner.capture(self.macro.body.render))
        context.budget.leave()
        return text


def parse_firstof(parser: Parser, _: Token, arguments: TokenStream) -> Node:
    """Writes the first value that is true."""
    options = []
    while arguments.has_more:
        options.append(parser.expressions.parse(arguments))
    return FirstOf(tuple(options))


def parse_lorem(_: Parser, __: Token, arguments: TokenStream) -> Node:
    """Writes filler text: a number, then `w` for words, `p` or `b` for paragraphs, then `random`."""
    count = arguments.take_if(TokenKind.NUMBER)
    method = arguments.take_if(TokenKind.NAME, "w", "p", "b")
    is_random = arguments.take_if(TokenKind.NAME, "random") is not None
    arguments.expect_end()
    if count is not None and len(count.value) > len(str(STEP_LIMIT)):
        raise arguments.error("that is too much filler text", count)
    return Lorem(int(count.value) if count else 1, method.value if method else "b", is_random)


def parse_macro(parser: Parser, start: Token, arguments: TokenStream) -> Node:
    """Names a block with arguments, which may have defaults, to be called like a function."""
    name = arguments.expect(TokenKind.NAME)
    arguments.expect(TokenKind.SYMBOL, "(")
    parameters: list[tuple[str, Expression | None]] = []
    while not arguments.take_if(TokenKind.SYMBOL, ")"):
        parameter = arguments.expect(TokenKind.NAME)
        default = parser.expressions.parse(arguments) if arguments.take_if(TokenKind.SYMBOL, "=") else None
        parameters.append((parameter.value, default))
        if not arguments.next_is(TokenKind.SYMBOL, ")"):
            arguments.expect(TokenKind.SYMBOL, ",", ")")
    arguments.take_if(TokenKind.KEYWORD, "export")
    arguments.expect_end()
    parser.expressions.macros[name.value] = len(parameters)
    return Macro(name.value, tuple(parameters), parser.parse_block(start, "endmacro"))


def parse_now(_: Parser, __: Token, arguments: TokenStream) -> Node:
    """Writes the time in Go's layout, in UTC; `fake` takes a fixed one."""
    layout = arguments.expect(TokenKind.STRING)
    is_fake = arguments.take_if(TokenKind.NAME, "fake") is not None
    arguments.expect_end()
    return Now(layout.value, is_fake)


def parse_set(parser: Parser, _: Token, arguments: TokenStream) -> Node:
    """Gives a name to a value: `name = value`."""
    name = arguments.expect(TokenKind.NAME)
    arguments.expect(TokenKind.SYMBOL, "=")
    expression = parser.expressions.parse(arguments)
    arguments.expect_end()
    return Set(name.value, expression)


def parse_templatetag(_: Parser, __: Token, arguments: TokenStream) -> Node:
    """Writes one of the signs that templates are made of, such as `openvariable` for two opening braces."""
    name = arguments.expect(TokenKind.NAME, *_DELIMITERS)
    arguments.expect_end()
    return Text(_DELIMITERS[name.value])


def parse_widthratio(parser: Parser, _: Token, arguments: TokenStream) -> Node:
    """Writes a value in proportion to a largest one, on the scale of a width; `as name` keeps it instead."""
    value, largest, width = (parser.expressions.parse(arguments) for _ in range(3))
    name = arguments.expect(TokenKind.NAME).value if arguments.take_if(TokenKind.KEYWORD, "as") else None
    arguments.expect_end()
    return WidthRatio(value, largest, width, name)
