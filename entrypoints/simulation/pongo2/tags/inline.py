"""The tags that stand alone, and macros."""

import math
from dataclasses import dataclass

from entrypoints.simulation.pongo2 import go_time, lorem, values
from entrypoints.simulation.pongo2.arithmetic import divided
from entrypoints.simulation.pongo2.expressions import Expression
from entrypoints.simulation.pongo2.html_escape import escaped
from entrypoints.simulation.pongo2.lexer import Kind, Token
from entrypoints.simulation.pongo2.parser import Block, Node, Parser, Text
from entrypoints.simulation.pongo2.rendering import STEP_LIMIT, Run, bounded
from entrypoints.simulation.pongo2.rfc3339 import parsed
from entrypoints.simulation.pongo2.token_stream import Cursor

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

    def render(self, run: Run) -> None:
        """Write it."""
        for option in self.options:
            value = option.evaluate(run)
            if values.truth(value):
                needs_escape = run.autoescape and not option.is_marked_safe
                run.write(escaped(values.text(value)) if needs_escape else values.text(value))
                return


@dataclass(frozen=True, slots=True)
class Lorem:
    """Text without a meaning."""

    count: int
    method: str
    is_random: bool

    def render(self, run: Run) -> None:
        """Write so many words or paragraphs."""
        run.budget.step(self.count)
        source = lorem.WORDS if self.method == "w" else lorem.PARAGRAPHS
        bounded(self.count * max(map(len, source)))
        dice = run.surroundings.dice
        picked = [dice.choice(source) if self.is_random else source[i % len(source)] for i in range(self.count)]
        if self.method == "p":
            picked = [f"<p>{paragraph}</p>" for paragraph in picked]
        run.write((" " if self.method == "w" else "\n").join(picked))


@dataclass(frozen=True, slots=True)
class Now:
    """The time."""

    layout: str
    is_fake: bool

    def render(self, run: Run) -> None:
        """Write it in Go's layout."""
        moment = parsed(_FAKE_NOW) if self.is_fake else None
        run.write(go_time.formatted(moment or run.surroundings.now(), self.layout))


@dataclass(frozen=True, slots=True)
class Set:
    """A name for a value, from here on."""

    name: str
    expression: Expression

    def render(self, run: Run) -> None:
        """Set it; write nothing."""
        run.names[self.name] = self.expression.evaluate(run)


@dataclass(frozen=True, slots=True)
class WidthRatio:
    """A value in proportion to the largest possible one, on a scale of a width."""

    value: Expression
    largest: Expression
    width: Expression
    name: str | None

    def render(self, run: Run) -> None:
        """Write it, or set its name."""
        value, largest, width = (values.number(one.evaluate(run)) for one in (self.value, self.largest, self.width))
        exact = divided(value, largest) * width + 0.5
        ratio = math.ceil(exact) if math.isfinite(exact) else values.truncated(exact)
        if self.name is None:
            run.write(str(ratio))
        else:
            run.names[self.name] = ratio


@dataclass(frozen=True, slots=True)
class Macro:
    """A block with a name and arguments, to be called like a function."""

    name: str
    parameters: tuple[tuple[str, Expression | None], ...]
    body: Block

    def render(self, run: Run) -> None:
        """Give it its name; write nothing."""
        run.names[self.name] = MacroCall(self, run)


@dataclass(frozen=True, slots=True)
class MacroCall:
    """A macro, together with the names that it was defined among."""

    macro: Macro
    home: Run

    def __call__(self, run: Run, *arguments: object) -> object:
        """The text that the macro writes with these arguments."""
        run.budget.deeper()
        inner = self.home.child()
        given = dict(zip((name for name, _ in self.macro.parameters), arguments, strict=False))
        for name, default in self.macro.parameters:
            inner.names[name] = None if default is None else default.evaluate(self.home)
        inner.names.update(given)
        text = values.SafeText(inner.captured(self.macro.body.render))
        run.budget.shallower()
        return text


def parse_firstof(parser: Parser, _: Token, arguments: Cursor) -> Node:
    """Writes the first value that is true."""
    options = []
    while arguments.has_more:
        options.append(parser.expressions.expression(arguments))
    return FirstOf(tuple(options))


def parse_lorem(_: Parser, __: Token, arguments: Cursor) -> Node:
    """Writes filler text: a number, then `w` for words, `p` or `b` for paragraphs, then `random`."""
    count = arguments.take_if(Kind.NUMBER)
    method = arguments.take_if(Kind.NAME, "w", "p", "b")
    is_random = arguments.take_if(Kind.NAME, "random") is not None
    arguments.expect_end()
    if count is not None and len(count.value) > len(str(STEP_LIMIT)):
        raise arguments.refusal("that is too much filler text", count)
    return Lorem(int(count.value) if count else 1, method.value if method else "b", is_random)


def parse_macro(parser: Parser, start: Token, arguments: Cursor) -> Node:
    """Names a block with arguments, which may have defaults, to be called like a function."""
    name = arguments.expect(Kind.NAME)
    arguments.expect(Kind.SYMBOL, "(")
    parameters: list[tuple[str, Expression | None]] = []
    while not arguments.take_if(Kind.SYMBOL, ")"):
        parameter = arguments.expect(Kind.NAME)
        default = parser.expressions.expression(arguments) if arguments.take_if(Kind.SYMBOL, "=") else None
        parameters.append((parameter.value, default))
        if not arguments.sees(Kind.SYMBOL, ")"):
            arguments.expect(Kind.SYMBOL, ",", ")")
    arguments.take_if(Kind.KEYWORD, "export")
    arguments.expect_end()
    parser.expressions.macros[name.value] = len(parameters)
    return Macro(name.value, tuple(parameters), parser.block(start, "endmacro"))


def parse_now(_: Parser, __: Token, arguments: Cursor) -> Node:
    """Writes the time in Go's layout, in UTC; `fake` takes a fixed one."""
    layout = arguments.expect(Kind.STRING)
    is_fake = arguments.take_if(Kind.NAME, "fake") is not None
    arguments.expect_end()
    return Now(layout.value, is_fake)


def parse_set(parser: Parser, _: Token, arguments: Cursor) -> Node:
    """Gives a name to a value: `name = value`."""
    name = arguments.expect(Kind.NAME)
    arguments.expect(Kind.SYMBOL, "=")
    expression = parser.expressions.expression(arguments)
    arguments.expect_end()
    return Set(name.value, expression)


def parse_templatetag(_: Parser, __: Token, arguments: Cursor) -> Node:
    """Writes one of the signs that templates are made of, such as `openvariable` for two opening braces."""
    name = arguments.expect(Kind.NAME, *_DELIMITERS)
    arguments.expect_end()
    return Text(_DELIMITERS[name.value])


def parse_widthratio(parser: Parser, _: Token, arguments: Cursor) -> Node:
    """Writes a value in proportion to a largest one, on the scale of a width; `as name` keeps it instead."""
    value, largest, width = (parser.expressions.expression(arguments) for _ in range(3))
    name = arguments.expect(Kind.NAME).value if arguments.take_if(Kind.KEYWORD, "as") else None
    arguments.expect_end()
    return WidthRatio(value, largest, width, name)
