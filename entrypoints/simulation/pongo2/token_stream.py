"""Walks over tokens, for the parsers of the document and of the tags' arguments."""

from collections.abc import Sequence

from entrypoints.simulation.pongo2.errors import Position, TemplateSyntaxError
from entrypoints.simulation.pongo2.lexer import Token, TokenKind


class TokenStream:
    """A position in a list of tokens; `end` is where to point at when there are none left."""

    __slots__ = ("_end", "_index", "_tokens")

    def __init__(self, tokens: Sequence[Token], end: Position) -> None:
        self._tokens = tokens
        self._index = 0
        self._end = tokens[-1].position if tokens else end

    @property
    def has_more(self) -> bool:
        """Whether any token is left."""
        return self._index < len(self._tokens)

    @property
    def current(self) -> Token | None:
        """The token to be read next."""
        return self.peek(0)

    def peek(self, distance: int) -> Token | None:
        """A token further on, or back with a negative distance; None beyond either end."""
        index = self._index + distance
        return self._tokens[index] if 0 <= index < len(self._tokens) else None

    def remaining(self) -> Sequence[Token]:
        """All tokens still to be read."""
        return self._tokens[self._index :]

    def take(self) -> Token:
        """The next token; refused when there is none."""
        token = self.current
        if token is None:
            raise self.error("more expected")
        self._index += 1
        return token

    def next_is(self, kind: TokenKind, *of: str) -> bool:
        """Whether the next token is of this kind, and one of these if any are given."""
        token = self.current
        return token is not None and token.kind is kind and (not of or token.value in of)

    def take_if(self, kind: TokenKind, *of: str) -> Token | None:
        """The next token if it is of this kind, and one of these if any are given."""
        return self.take() if self.next_is(kind, *of) else None

    def expect(self, kind: TokenKind, *of: str) -> Token:
        """The next token, which has to be of this kind, and one of these if any are given."""
        token = self.take_if(kind, *of)
        if token is None:
            wanted = " or ".join(f"'{one}'" for one in of) or f"a {kind.value}"
            raise self.error(f"{wanted} expected")
        return token

    def expect_end(self) -> None:
        """Refuses whatever is left."""
        if self.has_more:
            raise self.error("nothing more expected")

    def error(self, message: str, at: Token | None = None) -> TemplateSyntaxError:
        """An error at a token, by default the next one, or at the end."""
        token = at or self.current
        if token is None:
            return TemplateSyntaxError(f"{message}, but the tag or template ends here", self._end)
        return TemplateSyntaxError(f"{message}, not {token}" if at is None else message, token.position)
