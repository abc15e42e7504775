"""Parses expressions: operators in pongo2's order of precedence, names, literals and filters."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field

from entrypoints.simulation.pongo2.errors import TemplateRuntimeError, TemplateSyntaxError, UnknownFilter
from entrypoints.simulation.pongo2.expressions import (
    Binary,
    Expression,
    FilterCall,
    Filtered,
    FilterFunction,
    Function,
    Literal,
    Name,
    NamePart,
    Unary,
)
from entrypoints.simulation.pongo2.lexer import Token, TokenKind
from entrypoints.simulation.pongo2.token_stream import TokenStream
from entrypoints.suggestions import most_similar

_NESTING_LIMIT = 50


@dataclass(frozen=True, slots=True)
class Filter:
    """A filter, and an optional check of literal arguments while parsing, which raises TemplateRuntimeError."""

    apply: FilterFunction
    check_argument: Callable[[object], object] | None = None


@dataclass(slots=True)
class ExpressionParser:
    """Parses expressions that use these filters and functions, and the template's macros, by number of parameters.

    `problems` collects what the server accepts although it fails, or has no effect, whenever it is evaluated. `parsed`
    has every name, filter chain and operation, and `declared` the names that the template itself defines.
    """

    filters: Mapping[str, Filter]
    functions: Mapping[str, Function]
    macros: dict[str, int] = field(default_factory=dict)
    problems: list[TemplateSyntaxError] = field(default_factory=list)
    parsed: list[Expression] = field(default_factory=list)
    declared: set[str] = field(default_factory=set)
    _depth: int = 0

    def parse(self, stream: TokenStream) -> Expression:
        """Parses an expression. `and` and `or` have the same precedence and group to the right, as in pongo2."""
        with self._nested(stream):
            left = self._relation(stream)
            operator = stream.take_if(TokenKind.SYMBOL, "&&", "||") or stream.take_if(TokenKind.KEYWORD, "and", "or")
            if operator is None:
                return left
            return self._parsed(Binary(operator.value, left, self.parse(stream), operator.position))

    def parse_all(self, stream: TokenStream) -> tuple[Expression, ...]:
        """Parses expressions up to the end of the stream."""
        expressions = []
        while stream.has_more:
            expressions.append(self.parse(stream))
        return tuple(expressions)

    def parse_argument(self, stream: TokenStream) -> Expression:
        """Parses a literal, name or call: an operand, or a filter's argument."""
        token = stream.take()
        if token.kind is TokenKind.NUMBER:
            return self._number(token, stream)
        if token.kind is TokenKind.STRING:
            return Literal(token.value)
        if token.kind is TokenKind.KEYWORD and token.value in {"true", "false"}:
            return Literal(token.value == "true")
        if token.kind is TokenKind.NAME:
            return self._name(token, stream)
        raise stream.error(f"expected a number, string or name, not {token}", token)

    def parse_filter_call(self, stream: TokenStream) -> FilterCall:
        """Parses a filter's name and argument."""
        name = stream.expect(TokenKind.NAME)
        known = self.filters.get(name.value)
        if known is None:
            message = f"the filter '{name.value}' is not supported{hint(name.value, self.filters)}"
            raise UnknownFilter(message, name.position)
        argument = None
        if stream.take_if(TokenKind.SYMBOL, ":"):
            at = stream.current
            argument = self.parse_argument(stream)
            if at is not None and known.check_argument is not None and isinstance(argument, Literal):
                try:
                    known.check_argument(argument.value)
                except TemplateRuntimeError as error:
                    self.problems.append(TemplateSyntaxError(f"filter '{name.value}': {error.message}", at.position))
        return FilterCall(name.value, known.apply, argument, name.position)

    def _relation(self, stream: TokenStream) -> Expression:
        left = self._sum(stream)
        operator = stream.take_if(TokenKind.SYMBOL, "==", "<=", ">=", "!=", "<>", ">", "<")
        if operator is not None:
            with self._nested(stream):
                return self._parsed(Binary(operator.value, left, self._relation(stream), operator.position))
        operator = stream.take_if(TokenKind.KEYWORD, "in")
        if operator is not None:
            return self._parsed(Binary("in", left, self._sum(stream), operator.position))
        return left

    def _sum(self, stream: TokenStream) -> Expression:
        sign = stream.take_if(TokenKind.SYMBOL, "+", "-")
        negation = stream.take_if(TokenKind.SYMBOL, "!") or stream.take_if(TokenKind.KEYWORD, "not")
        left = self._product(stream)
        first = sign or negation
        is_negative = sign is not None and sign.value == "-"
        if first is not None and (negation is not None or is_negative):
            left = Unary(left, negation is not None, is_negative, first.position)
        while (operator := stream.take_if(TokenKind.SYMBOL, "+", "-")) is not None:
            left = Binary(operator.value, left, self._product(stream), operator.position)
        return left

    def _product(self, stream: TokenStream) -> Expression:
        left = self._power(stream)
        while (operator := stream.take_if(TokenKind.SYMBOL, "*", "/", "%")) is not None:
            left = Binary(operator.value, left, self._power(stream), operator.position)
        return left

    def _power(self, stream: TokenStream) -> Expression:
        base = self._factor(stream)
        operator = stream.take_if(TokenKind.SYMBOL, "^")
        if operator is None:
            return base
        with self._nested(stream):
            return Binary("^", base, self._power(stream), operator.position)

    def _factor(self, stream: TokenStream) -> Expression:
        if stream.take_if(TokenKind.SYMBOL, "("):
            inner = self.parse(stream)
            stream.expect(TokenKind.SYMBOL, ")")
            return inner
        value = self.parse_argument(stream)
        filters = []
        while stream.take_if(TokenKind.SYMBOL, "|"):
            filters.append(self.parse_filter_call(stream))
        return self._parsed(Filtered(value, tuple(filters))) if filters else value

    def _number(self, token: Token, stream: TokenStream) -> Literal:
        if not stream.take_if(TokenKind.SYMBOL, "."):
            return Literal(_integer(token, stream))
        decimals = stream.expect(TokenKind.NUMBER)
        return Literal(float(f"{token.value}.{decimals.value}"))

    def _name(self, first: Token, stream: TokenStream) -> Expression:
        arguments = self._call(stream)
        if arguments is not None:
            self._check_call(first, len(arguments), stream)
        parts = [NamePart(first.value, arguments)]
        while stream.take_if(TokenKind.SYMBOL, "."):
            parts.append(self._name_part(stream))
        return self._parsed(Name(tuple(parts), self.functions, first.position))

    def _name_part(self, stream: TokenStream) -> NamePart:
        token = stream.take()
        if token.kind is TokenKind.NUMBER:
            return NamePart(_integer(token, stream))
        if token.kind is not TokenKind.NAME:
            raise stream.error(f"expected a name or number after the dot, not {token}", token)
        return NamePart(token.value, self._call(stream))

    def _call(self, stream: TokenStream) -> tuple[Expression, ...] | None:
        if not stream.take_if(TokenKind.SYMBOL, "("):
            return None
        return tuple(self.parse(stream) for _ in stream.items_until_parenthesis())

    def _check_call(self, name: Token, count: int, stream: TokenStream) -> None:
        most = self.macros.get(name.value)
        function = self.functions.get(name.value)
        if most is not None:
            if count > most:
                self.problems.append(stream.error(f"'{name.value}' takes at most {most} arguments, not {count}", name))
        elif function is None:
            message = f"the function '{name.value}' is not supported{hint(name.value, self.functions)}"
            self.problems.append(stream.error(message, name))
        elif function.parameters is not None and len(function.parameters) != count:
            expected = f"{len(function.parameters)} argument{'' if len(function.parameters) == 1 else 's'}"
            self.problems.append(stream.error(f"'{name.value}' takes {expected}, not {count}", name))

    def _parsed(self, expression: Expression) -> Expression:
        self.parsed.append(expression)
        return expression

    @contextmanager
    def _nested(self, stream: TokenStream) -> Iterator[None]:
        self._depth += 1
        if self._depth > _NESTING_LIMIT:
            raise stream.error(f"the expression nests deeper than {_NESTING_LIMIT}")
        yield
        self._depth -= 1


def hint(word: str, known: Iterable[str]) -> str:
    """Returns the end of a message about an unknown word, with the most similar known one if there is one."""
    similar = most_similar(word, known)
    return f"; did you mean '{similar}'?" if similar else ""


def _integer(token: Token, stream: TokenStream) -> int:
    if len(token.value) > len(str(2**63)) or int(token.value) >= 2**63:
        raise stream.error("the number does not fit into 64 bits", token)
    return int(token.value)
