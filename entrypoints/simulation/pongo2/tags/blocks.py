"""The tags that stand around a part of a template: if, for, with, macro and the like."""

from dataclasses import dataclass

from entrypoints.simulation.pongo2 import values
from entrypoints.simulation.pongo2.expressions import Expression, FilterCall
from entrypoints.simulation.pongo2.lexer import Kind, Token
from entrypoints.simulation.pongo2.parser import Block, Node, Parser
from entrypoints.simulation.pongo2.regex import compiled
from entrypoints.simulation.pongo2.rendering import Run
from entrypoints.simulation.pongo2.token_stream import Cursor

_SPACE_BETWEEN_TAGS = r"(?U:(<.*>))([\t\n\v\f\r ]+)(?U:(<.*>))"


@dataclass(frozen=True, slots=True)
class Nothing:
    """What comes to nothing: a comment."""

    def render(self, run: Run) -> None:
        """Write nothing."""


@dataclass(frozen=True, slots=True)
class If:
    """Conditions with their blocks, and a block for when none is true."""

    branches: tuple[tuple[Expression, Block], ...]
    otherwise: Block | None

    def render(self, run: Run) -> None:
        """Write the first block whose condition is true."""
        for condition, block in self.branches:
            if values.truth(condition.evaluate(run)):
                block.render(run)
                return
        if self.otherwise is not None:
            self.otherwise.render(run)


@dataclass(frozen=True, slots=True)
class IfEqual:
    """Two values, a block for when they are (or are not) equal, and one for when not."""

    left: Expression
    right: Expression
    wants_equal: bool
    then: Block
    otherwise: Block | None

    def render(self, run: Run) -> None:
        """Compare, and write a block."""
        is_equal = values.equal(self.left.evaluate(run), self.right.evaluate(run))
        block = self.then if is_equal == self.wants_equal else self.otherwise
        if block is not None:
            block.render(run)


@dataclass(frozen=True, slots=True)
class With:
    """Names for a block."""

    pairs: tuple[tuple[str, Expression], ...]
    body: Block

    def render(self, run: Run) -> None:
        """Write the block with the names set."""
        inner = run.child()
        inner.names.update({name: expression.evaluate(run) for name, expression in self.pairs})
        self.body.render(inner)


@dataclass(frozen=True, slots=True)
class FilterBlock:
    """A block whose text goes through filters."""

    calls: tuple[FilterCall, ...]
    body: Block

    def render(self, run: Run) -> None:
        """Write the block as the filters leave it."""
        value: object = run.captured(self.body.render)
        for call in self.calls:
            value = call.on(value, run)
        run.write(values.text(value))


@dataclass(frozen=True, slots=True)
class Autoescape:
    """A block in which variables are escaped, or not."""

    is_on: bool
    body: Block

    def render(self, run: Run) -> None:
        """Write the block."""
        before, run.autoescape = run.autoescape, self.is_on
        self.body.render(run)
        run.autoescape = before


@dataclass(frozen=True, slots=True)
class Spaceless:
    """A block without white space between HTML tags."""

    body: Block

    def render(self, run: Run) -> None:
        """Write the block without that space."""
        text = run.captured(self.body.render)
        pattern = compiled(_SPACE_BETWEEN_TAGS)
        while (shorter := pattern.sub(r"\1\3", text)) != text:
            run.budget.step()
            text = shorter
        run.write(text)


def parse_autoescape(parser: Parser, start: Token, arguments: Cursor) -> Node:
    """Escapes the variables of a block for HTML (`on`), or leaves them alone (`off`, as everywhere in a flow)."""
    mode = arguments.expect(Kind.NAME, "on", "off")
    arguments.expect_end()
    return Autoescape(mode.value == "on", parser.block(start, "endautoescape"))


def parse_comment(parser: Parser, start: Token, arguments: Cursor) -> Node:
    """Leaves out what stands in it."""
    arguments.expect_end()
    parser.skip(start, "endcomment")
    return Nothing()


def parse_filter(parser: Parser, start: Token, arguments: Cursor) -> Node:
    """Sends the text of a block through filters."""
    calls = [parser.expressions.filter_call(arguments)]
    while arguments.take_if(Kind.SYMBOL, "|"):
        calls.append(parser.expressions.filter_call(arguments))
    arguments.expect_end()
    return FilterBlock(tuple(calls), parser.block(start, "endfilter"))


def parse_if(parser: Parser, start: Token, arguments: Cursor) -> Node:
    """Chooses a block by conditions; with `{% elif %}` and `{% else %}`."""
    branches: list[tuple[Expression, Block]] = []
    condition = _condition(parser, arguments)
    while True:
        block = parser.block(start, "elif", "else", "endif")
        branches.append((condition, block))
        if block.end != "elif" or block.arguments is None:
            break
        condition = _condition(parser, block.arguments)
    otherwise = parser.block(start, "endif") if block.end == "else" else None
    return If(tuple(branches), otherwise)


def parse_ifequal(parser: Parser, start: Token, arguments: Cursor) -> Node:
    """Writes a block when two values are equal."""
    return _equality(parser, start, arguments, wants_equal=True)


def parse_ifnotequal(parser: Parser, start: Token, arguments: Cursor) -> Node:
    """Writes a block when two values differ."""
    return _equality(parser, start, arguments, wants_equal=False)


def parse_spaceless(parser: Parser, start: Token, arguments: Cursor) -> Node:
    """Removes white space between the HTML tags of a block."""
    arguments.expect_end()
    return Spaceless(parser.block(start, "endspaceless"))


def parse_with(parser: Parser, start: Token, arguments: Cursor) -> Node:
    """Gives names to values within a block: `a=1 b=2`, or `1 as a`."""
    is_old_style = any(token.kind is Kind.KEYWORD and token.value == "as" for token in arguments.rest())
    pairs: list[tuple[str, Expression]] = []
    while not pairs or arguments.has_more:
        if is_old_style:
            expression = parser.expressions.expression(arguments)
            arguments.expect(Kind.KEYWORD, "as")
            name = arguments.expect(Kind.NAME)
        else:
            name = arguments.expect(Kind.NAME)
            arguments.expect(Kind.SYMBOL, "=")
            expression = parser.expressions.expression(arguments)
        pairs.append((name.value, expression))
    return With(tuple(pairs), parser.block(start, "endwith"))


def _condition(parser: Parser, arguments: Cursor) -> Expression:
    condition = parser.expressions.expression(arguments)
    arguments.expect_end()
    return condition


def _equality(parser: Parser, start: Token, arguments: Cursor, *, wants_equal: bool) -> Node:
    left = parser.expressions.expression(arguments)
    right = parser.expressions.expression(arguments)
    arguments.expect_end()
    then, otherwise = parser.then_else(start, "endifequal" if wants_equal else "endifnotequal")
    return IfEqual(left, right, wants_equal, then, otherwise)
