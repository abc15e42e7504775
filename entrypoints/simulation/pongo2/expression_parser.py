"""Reads expressions: operators in pongo2's order of precedence, names, literals and filters."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from entrypoints.simulation.pongo2.errors import TemplateRuntimeError, TemplateSyntaxError
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

_NESTING_LIMIT = 50


@dataclass(frozen=True, slots=True)
class Filter:
    """A filter, and what to check of an argument that is written out."""

    apply: FilterFunction
    check_argument: Callable[[object], object] | None = None


@dataclass(slots=True)
class ExpressionParser:
    """Reads expressions with the filters and functions at hand; `macros` are the template's own, with the
    number of their arguments.
    """

    filters: Mapping[str, Filter]
    functions: dict[str, Function]
    macros: dict[str, int] = field(default_factory=dict)
    _depth: int = 0

    def parse(self, stream: TokenStream) -> Expression:
        """A whole expression. `and` and `or` have the same rank and group to the right, as in pongo2."""
        self._depth += 1
        if self._depth > _NESTING_LIMIT:
            raise stream.error(f"the expression nests deeper than {_NESTING_LIMIT}")
        left = self._relation(stream)
        operator = stream.take_if(TokenKind.SYMBOL, "&&", "||") or stream.take_if(TokenKind.KEYWORD, "and", "or")
        if operator is not None:
            left = Binary(operator.value, left, self.parse(stream), operator.position)
        self._depth -= 1
        return left

    def parse_argument(self, stream: TokenStream) -> Expression:
        """What may follow a filter's colon: a literal, a name or a call, without filters and operators."""
        token = stream.take()
        if token.kind is TokenKind.NUMBER:
            return self._number(token, stream)
        if token.kind is TokenKind.STRING:
            return Literal(token.value)
        if token.kind is TokenKind.KEYWORD and token.value in {"true", "false"}:
            return Literal(token.value == "true")
        if token.kind is TokenKind.NAME:
            return self._name(token, stream)
        raise stream.error(f"a number, string or name expected, not {token}", token)

    def parse_filter_call(self, stream: TokenStream) -> FilterCall:
        """A filter with its argument, after the bar."""
        name = stream.expect(TokenKind.NAME)
        known = self.filters.get(name.value)
        if known is None:
            raise stream.error(f"the filter '{name.value}' is not supported", name)
        argument = None
        if stream.take_if(TokenKind.SYMBOL, ":"):
            at = stream.current
            argument = self.parse_argument(stream)
            if at is not None and isinstance(argument, Literal):
                _check_argument(known, argument, name, at)
        return FilterCall(name.value, known.apply, argument, name.position)

    def _relation(self, stream: TokenStream) -> Expression:
        left = self._sum(stream)
        operator = stream.take_if(TokenKind.SYMBOL, "==", "<=", ">=", "!=", "<>", ">", "<")
        if operator is not None:
            self._descend(stream)
            right = self._relation(stream)
            self._depth -= 1
            return Binary(operator.value, left, right, operator.position)
        operator = stream.take_if(TokenKind.KEYWORD, "in")
        if operator is not None:
            return Binary("in", left, self._sum(stream), operator.position)
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
        self._descend(stream)
        exponent = self._power(stream)
        self._depth -= 1
        return Binary("^", base, exponent, operator.position)

    def _factor(self, stream: TokenStream) -> Expression:
        if stream.take_if(TokenKind.SYMBOL, "("):
            inner = self.parse(stream)
            stream.expect(TokenKind.SYMBOL, ")")
            return inner
        value = self.parse_argument(stream)
        filters = []
        while stream.take_if(TokenKind.SYMBOL, "|"):
            filters.append(self.parse_filter_call(stream))
        return Filtered(value, tuple(filters)) if filters else value

    def _number(self, token: Token, stream: TokenStream) -> Literal:
        if not stream.take_if(TokenKind.SYMBOL, "."):
            return Literal(self._whole(token, stream))
        decimals = stream.expect(TokenKind.NUMBER)
        return Literal(float(f"{token.value}.{decimals.value}"))

    def _name(self, first: Token, stream: TokenStream) -> Name:
        parts = [NamePart(first.value, self._call(stream))]
        if parts[0].arguments is not None:
            self._check_function(first, len(parts[0].arguments), stream)
        while stream.take_if(TokenKind.SYMBOL, "."):
            parts.append(self._name_part(stream))
        return Name(tuple(parts), self.functions, first.position)

    def _name_part(self, stream: TokenStream) -> NamePart:
        token = stream.take()
        if token.kind is TokenKind.NUMBER:
            return NamePart(self._whole(token, stream))
        if token.kind is not TokenKind.NAME:
            raise stream.error(f"a name or number expected after the dot, not {token}", token)
        if stream.next_is(TokenKind.SYMBOL, "("):
            raise stream.error(f"'{token.value}' can't be called: methods are not supported", token)
        return NamePart(token.value)

    def _call(self, stream: TokenStream) -> tuple[Expression, ...] | None:
        if not stream.take_if(TokenKind.SYMBOL, "("):
            return None
        arguments: list[Expression] = []
        while not stream.take_if(TokenKind.SYMBOL, ")"):
            arguments.append(self.parse(stream))
            if not stream.next_is(TokenKind.SYMBOL, ")"):
                stream.expect(TokenKind.SYMBOL, ",", ")")
        return tuple(arguments)

    def _check_function(self, name: Token, count: int, stream: TokenStream) -> None:
        most = self.macros.get(name.value)
        if most is not None:
            if count > most:
                raise stream.error(f"'{name.value}' takes at most {most} arguments, not {count}", name)
            return
        function = self.functions.get(name.value)
        if function is None:
            raise stream.error(f"the function '{name.value}' is not supported", name)
        if function.arity != count:
            wanted = f"{function.arity} argument{'' if function.arity == 1 else 's'}"
            raise stream.error(f"'{name.value}' takes {wanted}, not {count}", name)

    def _whole(self, token: Token, stream: TokenStream) -> int:
        if len(token.value) > len(str(2**63)) or int(token.value) >= 2**63:
            raise stream.error("the number does not fit into 64 bits", token)
        return int(token.value)

    def _descend(self, stream: TokenStream) -> None:
        self._depth += 1
        if self._depth > _NESTING_LIMIT:
            raise stream.error(f"the expression nests deeper than {_NESTING_LIMIT}")


def _check_argument(known: Filter, argument: Literal, name: Token, at: Token) -> None:
    if known.check_argument is None:
        return
    try:
        known.check_argument(argument.value)
    except TemplateRuntimeError as error:
        raise TemplateSyntaxError(f"filter '{name.value}': {error.message}", at.position) from error
