"""The loop, and the tags that remember its previous iterations: for, cycle and ifchanged."""

from dataclasses import dataclass

from entrypoints.simulation.pongo2 import values
from entrypoints.simulation.pongo2.errors import TemplateRuntimeError
from entrypoints.simulation.pongo2.expressions import Expression
from entrypoints.simulation.pongo2.lexer import Token, TokenKind
from entrypoints.simulation.pongo2.operators import are_equal
from entrypoints.simulation.pongo2.parser import Node, Parser, TagNode
from entrypoints.simulation.pongo2.rendering import RenderContext
from entrypoints.simulation.pongo2.token_stream import TokenStream

_NO_VALUE = object()


def parse_for(parser: Parser, start: Token, arguments: TokenStream) -> Node:
    """Repeats a block for every item, with `reversed`, `sorted`, `{% empty %}` and the counters of `forloop`."""
    key_name = parser.declare(arguments.expect(TokenKind.NAME).value)
    has_value = arguments.take_if(TokenKind.SYMBOL, ",") is not None
    value_name = parser.declare(arguments.expect(TokenKind.NAME).value) if has_value else None
    parser.declare("forloop")
    arguments.expect(TokenKind.KEYWORD, "in")
    iterated = parser.expressions.parse(arguments)
    is_reversed = arguments.take_if(TokenKind.NAME, "reversed") is not None
    is_sorted = arguments.take_if(TokenKind.NAME, "sorted") is not None
    arguments.expect_end()
    body, empty = parser.parse_alternatives(start, "empty", "endfor")

    def render(context: RenderContext) -> None:
        inner = context.child()
        outer_loop = context.locals.get("forloop")
        inner.locals["forloop"] = _loop_info(0, 0, outer_loop)
        iterations = _iterations(iterated.evaluate(inner), is_reversed=is_reversed, is_sorted=is_sorted)
        for index, key, value in iterations:
            context.budget.spend_steps()
            inner.locals[key_name] = key
            if value_name is not None and value is not _NO_VALUE:
                inner.locals[value_name] = value
            inner.locals["forloop"] = _loop_info(index, len(iterations), outer_loop)
            body.render(inner)
        if not iterations and empty is not None:
            empty.render(inner)

    return TagNode(render)


def _iterations(iterated: object, *, is_reversed: bool, is_sorted: bool) -> list[tuple[int, object, object]]:
    """Returns the index, the key or item, and the value of every iteration."""
    if isinstance(iterated, dict):
        keys = sorted(iterated, reverse=is_reversed) if is_sorted else list(iterated)
        return [(index, key, iterated[key]) for index, key in enumerate(keys)]
    if isinstance(iterated, str):
        if is_sorted:
            raise TemplateRuntimeError("pongo2 can't sort the characters of a string")
        characters: list[tuple[int, object, object]] = [(i, one, _NO_VALUE) for i, one in enumerate(iterated)]
        return characters[::-1] if is_reversed else characters
    items = list(iterated) if isinstance(iterated, list) else []
    if is_sorted and isinstance(iterated, values.StringList):
        items.sort(key=values.to_text, reverse=is_reversed)
    elif is_reversed and not is_sorted:
        items.reverse()
    # pongo2 can't compare the items of any other list, and `sorted` leaves their order as it is.
    return [(index, item, _NO_VALUE) for index, item in enumerate(items)]


def _loop_info(index: int, count: int, outer: object) -> values.Struct:
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
        is_pointer=True,
    )


def parse_cycle(parser: Parser, _: Token, arguments: TokenStream) -> Node:
    """Writes one value after another in a loop; `as name` names the cycle, `silent` does not write it."""
    options = [parser.expressions.parse(arguments)]
    name = None
    is_silent = False
    while arguments.has_more:
        if arguments.take_if(TokenKind.KEYWORD, "as"):
            name = parser.declare(arguments.expect(TokenKind.NAME).value)
            is_silent = arguments.take_if(TokenKind.NAME, "silent") is not None
            arguments.expect_end()
        else:
            options.append(parser.expressions.parse(arguments))
    return _Cycle(tuple(options), name, is_silent)


@dataclass(frozen=True, slots=True, eq=False)
class _Cycle:
    options: tuple[Expression, ...]
    name: str | None
    is_silent: bool

    def render(self, context: RenderContext) -> None:
        """Writes the next value."""
        value = self.advance(context)
        if isinstance(value, _CycleState):
            value.value = value.cycle.advance(context)
            is_silent, shown = value.cycle.is_silent, value.value
        else:
            is_silent, shown = self.is_silent, value
            if self.name is not None:
                context.locals[self.name] = _CycleState(self, value)
        if not is_silent:
            context.write(values.to_text(shown))

    def advance(self, context: RenderContext) -> object:
        """Returns the next value."""
        position = context.tag_states.get(self, 0)
        index = position if isinstance(position, int) else 0
        context.tag_states[self] = index + 1
        return self.options[index % len(self.options)].evaluate(context)


@dataclass(slots=True, eq=False)
class _CycleState:
    """The value of `as name`: renders as the current value; another `cycle` of it advances the same cycle."""

    cycle: _Cycle
    value: object

    def __str__(self) -> str:
        return values.to_text(self.value)


def parse_ifchanged(parser: Parser, start: Token, arguments: TokenStream) -> Node:
    """Writes a block only if it, or a given value, differs from the previous iteration of the loop."""
    watched = parser.expressions.parse_all(arguments)
    then, otherwise = parser.parse_alternatives(start, "else", "endifchanged")
    state_key = object()

    def render_if_values_changed(context: RenderContext) -> None:
        now = [expression.evaluate(context) for expression in watched]
        before = context.tag_states.get(state_key)
        context.tag_states[state_key] = now
        if not isinstance(before, list) or not all(map(are_equal, before, now)):
            then.render(context)
        elif otherwise is not None:
            otherwise.render(context)
        else:
            # pongo2 crashes here too; the server then leaves the step out.
            raise TemplateRuntimeError("pongo2 can't render an unchanged 'ifchanged' without 'else'")

    def render_if_output_changed(context: RenderContext) -> None:
        text = context.capture(then.render)
        if context.tag_states.get(state_key, "") != text:
            context.tag_states[state_key] = text
            context.write(text)

    return TagNode(render_if_values_changed if watched else render_if_output_changed)
