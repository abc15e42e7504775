"""Reads expressions: operators in pongo2's order of precedence, names, literals and filters."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from entrypoints.simulation.pongo2.errors import TemplateFailedError, TemplateRefusedError
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
    Signed,
)
from entrypoints.simulation.pongo2.lexer import Kind, Token
from entrypoints.simulation.pongo2.token_stream import Cursor

_NESTING_LIMIT = 50


@dataclass(frozen=True, slots=True)
class Filter:
    """A filter, and what to check of an argument that is written out."""

    apply: FilterFunction
    check: Callable[[object], object] | None = None


@dataclass(slots=True)
class ExpressionParser:
    """Reads expressions with the filters and functions at hand; `macros` are the template's own, with the
    number of their arguments.
    """

    filters: Mapping[str, Filter]
    functions: dict[str, Function]
    macros: dict[str, int] = field(default_factory=dict)
    _depth: int = 0

    def expression(self, cursor: Cursor) -> Expression:
        """A whole expression. `and` and `or` have the same rank and group to the right, as in pongo2."""
        self._depth += 1
        if self._depth > _NESTING_LIMIT:
            raise cursor.refusal(f"the expression nests deeper than {_NESTING_LIMIT}")
        left = self._relation(cursor)
        operator = cursor.take_if(Kind.SYMBOL, "&&", "||") or cursor.take_if(Kind.KEYWORD, "and", "or")
        if operator is not None:
            left = Binary(operator.value, left, self.expression(cursor), operator.place)
        self._depth -= 1
        return left

    def argument(self, cursor: Cursor) -> Expression:
        """What may follow a filter's colon: a literal, a name or a call, without filters and operators."""
        token = cursor.take()
        if token.kind is Kind.NUMBER:
            return self._number(token, cursor)
        if token.kind is Kind.STRING:
            return Literal(token.value)
        if token.kind is Kind.KEYWORD and token.value in {"true", "false"}:
            return Literal(token.value == "true")
        if token.kind is Kind.NAME:
            return self._name(token, cursor)
        raise cursor.refusal(f"a number, string or name expected, not {token}", token)

    def filter_call(self, cursor: Cursor) -> FilterCall:
        """A filter with its argument, after the bar."""
        name = cursor.expect(Kind.NAME)
        known = self.filters.get(name.value)
        if known is None:
            raise cursor.refusal(f"the filter '{name.value}' is not supported", name)
        argument = None
        if cursor.take_if(Kind.SYMBOL, ":"):
            at = cursor.current
            argument = self.argument(cursor)
            if at is not None and isinstance(argument, Literal):
                _check_argument(known, argument, name, at)
        return FilterCall(name.value, known.apply, argument, name.place)

    def _relation(self, cursor: Cursor) -> Expression:
        left = self._sum(cursor)
        operator = cursor.take_if(Kind.SYMBOL, "==", "<=", ">=", "!=", "<>", ">", "<")
        if operator is not None:
            self._descend(cursor)
            right = self._relation(cursor)
            self._depth -= 1
            return Binary(operator.value, left, right, operator.place)
        operator = cursor.take_if(Kind.KEYWORD, "in")
        if operator is not None:
            return Binary("in", left, self._sum(cursor), operator.place)
        return left

    def _sum(self, cursor: Cursor) -> Expression:
        sign = cursor.take_if(Kind.SYMBOL, "+", "-")
        negation = cursor.take_if(Kind.SYMBOL, "!") or cursor.take_if(Kind.KEYWORD, "not")
        left = self._product(cursor)
        first = sign or negation
        is_negative = sign is not None and sign.value == "-"
        if first is not None and (negation is not None or is_negative):
            left = Signed(left, negation is not None, is_negative, first.place)
        while (operator := cursor.take_if(Kind.SYMBOL, "+", "-")) is not None:
            left = Binary(operator.value, left, self._product(cursor), operator.place)
        return left

    def _product(self, cursor: Cursor) -> Expression:
        left = self._power(cursor)
        while (operator := cursor.take_if(Kind.SYMBOL, "*", "/", "%")) is not None:
            left = Binary(operator.value, left, self._power(cursor), operator.place)
        return left

    def _power(self, cursor: Cursor) -> Expression:
        base = self._factor(cursor)
        operator = cursor.take_if(Kind.SYMBOL, "^")
        if operator is None:
            return base
        self._descend(cursor)
        exponent = self._power(cursor)
        self._depth -= 1
        return Binary("^", base, exponent, operator.place)

    def _factor(self, cursor: Cursor) -> Expression:
        if cursor.take_if(Kind.SYMBOL, "("):
            inner = self.expression(cursor)
            cursor.expect(Kind.SYMBOL, ")")
            return inner
        value = self.argument(cursor)
        filters = []
        while cursor.take_if(Kind.SYMBOL, "|"):
            filters.append(self.filter_call(cursor))
        return Filtered(value, tuple(filters)) if filters else value

    def _number(self, token: Token, cursor: Cursor) -> Literal:
        if not cursor.take_if(Kind.SYMBOL, "."):
            return Literal(self._whole(token, cursor))
        decimals = cursor.expect(Kind.NUMBER)
        return Literal(float(f"{token.value}.{decimals.value}"))

    def _name(self, first: Token, cursor: Cursor) -> Name:
        parts = [NamePart(first.value, self._call(cursor))]
        if parts[0].arguments is not None:
            self._check_function(first, len(parts[0].arguments), cursor)
        while cursor.take_if(Kind.SYMBOL, "."):
            parts.append(self._name_part(cursor))
        return Name(tuple(parts), self.functions, first.place)

    def _name_part(self, cursor: Cursor) -> NamePart:
        token = cursor.take()
        if token.kind is Kind.NUMBER:
            return NamePart(self._whole(token, cursor))
        if token.kind is not Kind.NAME:
            raise cursor.refusal(f"a name or number expected after the dot, not {token}", token)
        if cursor.sees(Kind.SYMBOL, "("):
            raise cursor.refusal(f"'{token.value}' can't be called: methods are not supported", token)
        return NamePart(token.value)

    def _call(self, cursor: Cursor) -> tuple[Expression, ...] | None:
        if not cursor.take_if(Kind.SYMBOL, "("):
            return None
        arguments: list[Expression] = []
        while not cursor.take_if(Kind.SYMBOL, ")"):
            arguments.append(self.expression(cursor))
            if not cursor.sees(Kind.SYMBOL, ")"):
                cursor.expect(Kind.SYMBOL, ",", ")")
        return tuple(arguments)

    def _check_function(self, name: Token, count: int, cursor: Cursor) -> None:
        most = self.macros.get(name.value)
        if most is not None:
            if count > most:
                raise cursor.refusal(f"'{name.value}' takes at most {most} arguments, not {count}", name)
            return
        function = self.functions.get(name.value)
        if function is None:
            raise cursor.refusal(f"the function '{name.value}' is not supported", name)
        if function.arity != count:
            wanted = f"{function.arity} argument{'' if function.arity == 1 else 's'}"
            raise cursor.refusal(f"'{name.value}' takes {wanted}, not {count}", name)

    def _whole(self, token: Token, cursor: Cursor) -> int:
        if len(token.value) > len(str(2**63)) or int(token.value) >= 2**63:
            raise cursor.refusal("the number does not fit into 64 bits", token)
        return int(token.value)

    def _descend(self, cursor: Cursor) -> None:
        self._depth += 1
        if self._depth > _NESTING_LIMIT:
            raise cursor.refusal(f"the expression nests deeper than {_NESTING_LIMIT}")


def _check_argument(known: Filter, argument: Literal, name: Token, at: Token) -> None:
    if known.check is None:
        return
    try:
        known.check(argument.value)
    except TemplateFailedError as error:
        raise TemplateRefusedError(f"filter '{name.value}': {error.message}", at.place) from error
