"""The tags that repeat, and those that know which time round it is: for, cycle, ifchanged."""

from dataclasses import dataclass

from entrypoints.simulation.pongo2 import values
from entrypoints.simulation.pongo2.errors import TemplateRuntimeError
from entrypoints.simulation.pongo2.expressions import Expression
from entrypoints.simulation.pongo2.lexer import Token, TokenKind
from entrypoints.simulation.pongo2.parser import Block, Node, Parser
from entrypoints.simulation.pongo2.rendering import RenderContext
from entrypoints.simulation.pongo2.token_stream import TokenStream


@dataclass(frozen=True, slots=True)
class For:
    """A block for every item of a list, key of a map or character of a text; another when there is none."""

    key: str
    value: str | None
    iterated: Expression
    is_reversed: bool
    is_sorted: bool
    body: Block
    empty: Block | None

    def render(self, context: RenderContext) -> None:
        """Write the block for every item."""
        inner = context.child()
        outer_loop = context.locals.get("forloop")
        inner.locals["forloop"] = _loop(0, 0, outer_loop)
        rounds = self._rounds(self.iterated.evaluate(inner))
        for index, key, value in rounds:
            context.budget.spend_steps()
            inner.locals[self.key] = key
            if self.value is not None and value is not _MISSING:
                inner.locals[self.value] = value
            inner.locals["forloop"] = _loop(index, len(rounds), outer_loop)
            self.body.render(inner)
        if not rounds and self.empty is not None:
            self.empty.render(inner)

    def _rounds(self, value: object) -> list[tuple[int, object, object]]:
        """Index, item or key, and value of every round."""
        if isinstance(value, dict):
            keys = sorted(value, reverse=self.is_reversed) if self.is_sorted else list(value)
            return [(index, key, value[key]) for index, key in enumerate(keys)]
        if isinstance(value, str):
            if self.is_sorted:
                raise TemplateRuntimeError("pongo2 can't sort the characters of a text")
            characters: list[tuple[int, object, object]] = [(i, one, _MISSING) for i, one in enumerate(value)]
            return characters[::-1] if self.is_reversed else characters
        items = list(value) if isinstance(value, list) else []
        if self.is_sorted and isinstance(value, values.StringList):
            items.sort(key=values.to_text, reverse=self.is_reversed)
        elif self.is_reversed and not self.is_sorted:
            items.reverse()
        # Of all other lists pongo2 can't tell the order when it is to sort them, and leaves them as they are.
        return [(index, item, _MISSING) for index, item in enumerate(items)]


_MISSING = object()


def _loop(index: int, count: int, outer: object) -> values.Struct:
    return values.Struct(
        "pongo2.tagForLoopInformation",
        {
            "Counter": index + 1,
            "Counter0": index,
            "Revcounter": count - index,
            "Revcounter0": count - index - 1,
            "First": index == 0,
            "Last": index + 1 == count,
            "Parentloop": outer,
        },
    )


@dataclass(slots=True, eq=False)
class Cycled:
    """What a cycle is at: its node, to go on with, and the value; written as the value is."""

    cycle: "Cycle"
    value: object

    def __str__(self) -> str:
        return values.to_text(self.value)


@dataclass(frozen=True, slots=True, eq=False)
class Cycle:
    """Values, one after another, each time round."""

    options: tuple[Expression, ...]
    name: str | None
    is_silent: bool

    def render(self, context: RenderContext) -> None:
        """Write the next value."""
        value = self.advance(context)
        if isinstance(value, Cycled):
            value.value = value.cycle.advance(context)
            is_silent, shown = value.cycle.is_silent, value.value
        else:
            is_silent, shown = self.is_silent, value
            if self.name is not None:
                context.locals[self.name] = Cycled(self, value)
        if not is_silent:
            context.write(values.to_text(shown))

    def advance(self, context: RenderContext) -> object:
        """The value whose turn it is."""
        position = context.tag_states.get(self, 0)
        index = position if isinstance(position, int) else 0
        context.tag_states[self] = index + 1
        return self.options[index % len(self.options)].evaluate(context)


@dataclass(frozen=True, slots=True, eq=False)
class IfChanged:
    """A block that is written only when it, or one of the watched values, differs from the last time round."""

    watched: tuple[Expression, ...]
    then: Block
    otherwise: Block | None

    def render(self, context: RenderContext) -> None:
        """Compare with the last time round, and write a block."""
        if not self.watched:
            self._render_changed_text(context)
            return
        now = [expression.evaluate(context) for expression in self.watched]
        before = context.tag_states.get(self)
        context.tag_states[self] = now
        if not isinstance(before, list) or any(
            not values.are_equal(one, other) for one, other in zip(before, now, strict=True)
        ):
            self.then.render(context)
        elif self.otherwise is not None:
            self.otherwise.render(context)
        else:
            # pongo2 breaks here too; the server then leaves the step out.
            raise TemplateRuntimeError("pongo2 can't render an unchanged 'ifchanged' that has no 'else'")

    def _render_changed_text(self, context: RenderContext) -> None:
        text = context.capture(self.then.render)
        if context.tag_states.get(self, "") != text:
            context.tag_states[self] = text
            context.write(text)


def parse_for(parser: Parser, start: Token, arguments: TokenStream) -> Node:
    """Repeats a block for every item; `reversed`, `sorted`, `{% empty %}`, and `forloop` with its counters."""
    key = arguments.expect(TokenKind.NAME)
    value = arguments.expect(TokenKind.NAME) if arguments.take_if(TokenKind.SYMBOL, ",") else None
    arguments.expect(TokenKind.KEYWORD, "in")
    iterated = parser.expressions.parse(arguments)
    is_reversed = arguments.take_if(TokenKind.NAME, "reversed") is not None
    is_sorted = arguments.take_if(TokenKind.NAME, "sorted") is not None
    arguments.expect_end()
    body = parser.parse_block(start, "empty", "endfor")
    empty = parser.parse_block(start, "endfor") if body.end == "empty" else None
    return For(key.value, value.value if value else None, iterated, is_reversed, is_sorted, body, empty)


def parse_cycle(parser: Parser, _: Token, arguments: TokenStream) -> Node:
    """In a loop, writes one value after another; `as name` keeps it, `silent` does not write it."""
    options = [parser.expressions.parse(arguments)]
    name = None
    is_silent = False
    while arguments.has_more:
        if arguments.take_if(TokenKind.KEYWORD, "as"):
            name = arguments.expect(TokenKind.NAME).value
            is_silent = arguments.take_if(TokenKind.NAME, "silent") is not None
            arguments.expect_end()
        else:
            options.append(parser.expressions.parse(arguments))
    return Cycle(tuple(options), name, is_silent)


def parse_ifchanged(parser: Parser, start: Token, arguments: TokenStream) -> Node:
    """In a loop, writes a block only when it, or a given value, differs from the last time round."""
    watched = []
    while arguments.has_more:
        watched.append(parser.expressions.parse(arguments))
    then, otherwise = parser.parse_then_else(start, "endifchanged")
    return IfChanged(tuple(watched), then, otherwise)
