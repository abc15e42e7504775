"""A stream of tokens for the parsers of templates, expressions and tags."""

from collections.abc import Iterator, Sequence

from entrypoints.simulation.pongo2.errors import Position, TemplateSyntaxError
from entrypoints.simulation.pongo2.lexer import Token, TokenKind


class TokenStream:
    """A cursor over tokens; errors after the last one point at it, or at `start` if there are none."""

    __slots__ = ("_end", "_index", "_tokens")

    def __init__(self, tokens: Sequence[Token], start: Position) -> None:
        self._tokens = tokens
        self._index = 0
        self._end = tokens[-1].position if tokens else start

    @property
    def has_more(self) -> bool:
        """Whether any token is left."""
        return self._index < len(self._tokens)

    @property
    def current(self) -> Token | None:
        """The next token."""
        return self.peek(0)

    def peek(self, offset: int) -> Token | None:
        """Returns the token at an offset from the next one; None beyond either end."""
        index = self._index + offset
        return self._tokens[index] if 0 <= index < len(self._tokens) else None

    def remaining(self) -> Sequence[Token]:
        """Returns all tokens left."""
        return self._tokens[self._index :]

    def take(self) -> Token:
        """Consumes the next token. Raises TemplateSyntaxError if there is none."""
        token = self.current
        if token is None:
            raise self.error("expected more")
        self._index += 1
        return token

    def next_is(self, kind: TokenKind, *values: str) -> bool:
        """Whether the next token has this kind and, if any are given, one of these values."""
        token = self.current
        return token is not None and token.kind is kind and (not values or token.value in values)

    def take_if(self, kind: TokenKind, *values: str) -> Token | None:
        """Consumes the next token if `next_is`; otherwise returns None."""
        return self.take() if self.next_is(kind, *values) else None

    def expect(self, kind: TokenKind, *values: str) -> Token:
        """Consumes the next token if `next_is`; otherwise raises TemplateSyntaxError."""
        token = self.take_if(kind, *values)
        if token is None:
            expected = " or ".join(f"'{value}'" for value in values) or f"a {kind.value}"
            raise self.error(f"expected {expected}")
        return token

    def expect_end(self) -> None:
        """Raises TemplateSyntaxError if any token is left."""
        if self.has_more:
            raise self.error("expected the end of the tag")

    def items_until_parenthesis(self) -> Iterator[None]:
        """Yields before each item of a comma-separated list, and consumes the closing parenthesis."""
        while not self.take_if(TokenKind.SYMBOL, ")"):
            yield
            if not self.next_is(TokenKind.SYMBOL, ")"):
                self.expect(TokenKind.SYMBOL, ",", ")")

    def error(self, message: str, at: Token | None = None) -> TemplateSyntaxError:
        """Returns an error at a token: by default the next one, which it names, or the end."""
        token = at or self.current
        if token is None:
            return TemplateSyntaxError(f"{message}, but the tag or template ends here", self._end)
        if token.kind is TokenKind.INVALID:
            return TemplateSyntaxError(f"'{token.value}' is not allowed here", token.position)
        return TemplateSyntaxError(f"{message}, not {token}" if at is None else message, token.position)
