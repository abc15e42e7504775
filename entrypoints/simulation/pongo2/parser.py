"""Reads a whole template: text, variables and tags, into nodes that can be rendered."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol

from entrypoints.simulation.pongo2 import values
from entrypoints.simulation.pongo2.errors import Place, TemplateRefusedError
from entrypoints.simulation.pongo2.expression_parser import ExpressionParser
from entrypoints.simulation.pongo2.expressions import Expression
from entrypoints.simulation.pongo2.html_escape import escaped
from entrypoints.simulation.pongo2.lexer import Kind, Token
from entrypoints.simulation.pongo2.rendering import Run
from entrypoints.simulation.pongo2.token_stream import Cursor

_NESTING_LIMIT = 50
_SPACES = " \n\r\t"


class Node(Protocol):
    """A part of a template that can be rendered."""

    def render(self, run: Run) -> None:
        """Write what the node comes to; raises TemplateFailedError."""


@dataclass(frozen=True, slots=True)
class Text:
    """Text that stands for itself."""

    text: str

    def render(self, run: Run) -> None:
        """Write the text."""
        run.budget.step()
        run.write(self.text)


@dataclass(frozen=True, slots=True)
class Output:
    """A variable, `{{ ... }}`."""

    expression: Expression

    def render(self, run: Run) -> None:
        """Write the value, escaped where autoescape is on."""
        value = self.expression.evaluate(run)
        needs_escape = run.autoescape and isinstance(value, str) and not isinstance(value, values.SafeText)
        if needs_escape and not self.expression.is_marked_safe:
            value = escaped(values.text(value))
        run.write(values.text(value))


@dataclass(frozen=True, slots=True)
class Block:
    """Nodes in a row; `end` is the tag that ended them, with its arguments."""

    nodes: tuple[Node, ...]
    end: str = ""
    arguments: Cursor | None = None

    def render(self, run: Run) -> None:
        """Write all nodes."""
        for node in self.nodes:
            node.render(run)


TagParser = Callable[["Parser", Token, Cursor], Node]

NEEDS_FILES = frozenset({"block", "exec", "extends", "import", "include", "ssi"})


class Parser:
    """Reads the tokens of one template."""

    def __init__(self, tokens: list[Token], tags: Mapping[str, TagParser], expressions: ExpressionParser) -> None:
        self._cursor = Cursor(tokens, Place(1, 1))
        self._tags = tags
        self._depth = 0
        self.expressions = expressions

    def document(self) -> Block:
        """The whole template; refused with the place of what is wrong."""
        nodes = []
        while self._cursor.has_more:
            nodes.append(self._element())
        return Block(tuple(nodes))

    def block(self, start: Token, *ends: str) -> Block:
        """All that stands up to the first of these tags, which is read too.

        Raises TemplateRefusedError for none of them follows; or the last one, which only ends the block, has arguments.
        """
        nodes: list[Node] = []
        while self._cursor.has_more:
            if self._is_tag(*ends):
                _, name, arguments = self._tag()
                if name.value.startswith(("end", "else", "empty")):
                    arguments.expect_end()
                return Block(tuple(nodes), name.value, arguments)
            nodes.append(self._element())
        expected = " or ".join(f"{{% {end} %}}" for end in ends)
        raise TemplateRefusedError(f"the tag '{start.value}' does not end; {expected} expected", start.place)

    def then_else(self, start: Token, end: str) -> tuple[Block, Block | None]:
        """A block, and a second one after `{% else %}` if there is one."""
        then = self.block(start, "else", end)
        return then, self.block(start, end) if then.end == "else" else None

    def skip(self, start: Token, end: str) -> None:
        """Leave out all that stands up to a tag, and the tag."""
        while self._cursor.has_more:
            if self._is_tag(end):
                self._tag()
                return
            self._cursor.take()
        raise TemplateRefusedError(f"the tag '{start.value}' does not end; {{% {end} %}} expected", start.place)

    def _element(self) -> Node:
        if self._cursor.sees(Kind.TEXT):
            return self._text()
        if self._cursor.sees(Kind.SYMBOL, "{{"):
            return self._output()
        opening, name, arguments = self._tag()
        parse = self._tags.get(name.value)
        if parse is None:
            raise TemplateRefusedError(_unknown_tag(name.value), name.place)
        self._depth += 1
        if self._depth > _NESTING_LIMIT:
            raise TemplateRefusedError(f"tags nest deeper than {_NESTING_LIMIT}", opening.place)
        node = parse(self, name, arguments)
        self._depth -= 1
        return node

    def _text(self) -> Text:
        before, token, after = self._cursor.ahead(-1), self._cursor.take(), self._cursor.current
        text = token.value
        if before is not None and before.trims:
            text = text.lstrip(_SPACES)
        if after is not None and after.trims:
            text = text.rstrip(_SPACES)
        return Text(text)

    def _output(self) -> Output:
        self._cursor.take()
        expression = self.expressions.expression(self._cursor)
        self._cursor.expect(Kind.SYMBOL, "}}")
        return Output(expression)

    def _is_tag(self, *names: str) -> bool:
        name = self._cursor.ahead(1)
        is_name = name is not None and name.kind is Kind.NAME and name.value in names
        return is_name and self._cursor.sees(Kind.SYMBOL, "{%")

    def _tag(self) -> tuple[Token, Token, Cursor]:
        opening = self._cursor.expect(Kind.SYMBOL, "{%")
        name = self._cursor.expect(Kind.NAME)
        arguments: list[Token] = []
        while not self._cursor.take_if(Kind.SYMBOL, "%}"):
            if not self._cursor.has_more:
                raise TemplateRefusedError("the tag does not end; '%}' expected", opening.place)
            arguments.append(self._cursor.take())
        return opening, name, Cursor(arguments, name.place)


def _unknown_tag(name: str) -> str:
    if name in NEEDS_FILES:
        return f"the tag '{name}' is not supported: it needs template files, and flows have none"
    if name.startswith("end") or name in {"else", "elif", "empty"}:
        return f"the tag '{name}' ends or splits nothing here"
    return f"the tag '{name}' is not supported"
