"""Splits a template into tokens: text, and the contents of {{ }} and {% %}."""

import re
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum

from entrypoints.simulation.pongo2.errors import Position, TemplateSyntaxError, UnknownEscape

KEYWORDS = frozenset({"in", "and", "or", "not", "true", "false", "as", "export"})


class TokenKind(Enum):
    """The kind of a token."""

    TEXT = "text"
    NAME = "name"
    KEYWORD = "keyword"
    STRING = "string"
    NUMBER = "number"
    SYMBOL = "symbol"
    INVALID = "invalid character"


@dataclass(frozen=True, slots=True)
class Token:
    """One token. `trims` marks a delimiter such as `{{-`, which removes the white space outside it."""

    kind: TokenKind
    value: str
    position: Position
    trims: bool = False

    def __str__(self) -> str:
        return f"'{self.value}'" if self.kind is not TokenKind.TEXT else "text"


_OPENING = re.compile(r"\{% verbatim %\}|\{\{|\{%|\{#")
_VERBATIM = "{% verbatim %}"
_END_VERBATIM = "{% endverbatim %}"
_CODE = re.compile(
    r"""
    (?P<space>[ \r\t]+)
    | (?P<name>[0-9]*[A-Za-z_][A-Za-z_0-9]*)
    | (?P<number>[0-9]+)
    | (?P<string>"(?:[^"\\\n]|\\["\\])*"|'(?:[^'\\\n]|\\["\\])*')
    | (?P<symbol>\{\{-|-\}\}|\{%-|-%\}|==|>=|<=|&&|\|\||\{\{|\}\}|\{%|%\}|!=|<>|[()+\-*<>/^,.!|:=%])
    """,
    re.VERBOSE,
)
_CLOSING = frozenset({"}}", "-}}", "%}", "-%}"})
_BAD_ESCAPE = re.compile(r"""(["'])(?:(?!\1)[^\\\n]|\\["\\])*(?P<escape>\\.?)""", re.DOTALL)


def tokenize(source: str) -> list[Token]:
    """Returns all tokens of a template.

    Raises TemplateSyntaxError for an invalid character, or a string, comment or verbatim block that is not closed.
    """
    return list(_Lexer(source).tokens())


class _Lexer:
    def __init__(self, source: str) -> None:
        self._source = source
        self._offset = 0
        self._line_starts = [0, *(found.end() for found in re.finditer("\n", source))]

    def tokens(self) -> Iterator[Token]:
        while (found := _OPENING.search(self._source, self._offset)) is not None:
            yield from self._text_until(found.start())
            match found.group():
                case "{#":
                    self._skip_comment(found.start())
                case "{{" | "{%":
                    yield from self._code()
                case _:
                    self._offset = found.end()
                    yield from self._verbatim(found.start())
        yield from self._text_until(len(self._source))

    def _text_until(self, end: int) -> Iterator[Token]:
        if end > self._offset:
            yield Token(TokenKind.TEXT, self._source[self._offset : end], self._position(self._offset))
        self._offset = end

    def _skip_comment(self, start: int) -> None:
        end = self._source.find("#}", start + len("{#"))
        if end < 0:
            raise self._error("the comment is not closed; expected '#}'", start)
        if "\n" in self._source[start:end]:
            raise self._error("a '{# #}' comment can't span lines; use {% comment %}", start)
        self._offset = end + 2

    def _verbatim(self, start: int) -> Iterator[Token]:
        # pongo2 takes the first character as text, and looks for no other block right behind the end.
        end = self._source.find(_END_VERBATIM, self._offset + 1)
        if end < 0:
            raise self._error(f"expected text and '{_END_VERBATIM}'", start)
        yield from self._text_until(end)
        self._offset = end + len(_END_VERBATIM)
        if self._source.startswith(_VERBATIM, self._offset):
            raise self._error(f"two '{_VERBATIM}' can't follow one another without anything between them", self._offset)

    def _code(self) -> Iterator[Token]:
        while self._offset < len(self._source):
            start = self._offset
            found = _CODE.match(self._source, start)
            if found is None:
                self._check_code(start)
                # To pongo2, text follows; the parser refuses it, except in a comment.
                yield Token(TokenKind.INVALID, self._source[start], self._position(start))
                return
            self._offset = found.end()
            if found.lastgroup != "space":
                yield self._token(str(found.lastgroup), found.group(), start)
            if found.group() in _CLOSING:
                return

    def _token(self, group: str, value: str, start: int) -> Token:
        position = self._position(start)
        if group == "name" and value in KEYWORDS:
            return Token(TokenKind.KEYWORD, value, position)
        if group == "string":
            return Token(TokenKind.STRING, value[1:-1].replace('\\"', '"').replace("\\\\", "\\"), position)
        if group == "symbol" and "-" in value and len(value) > 1:
            return Token(TokenKind.SYMBOL, value.replace("-", ""), position, trims=True)
        return Token(TokenKind(group), value, position)

    def _check_code(self, start: int) -> None:
        """Raises TemplateSyntaxError for a line break or an incomplete string."""
        character = self._source[start]
        if character == "\n":
            raise self._error("a tag or variable can't span lines", start)
        if character not in "\"'":
            return
        escape = _BAD_ESCAPE.match(self._source, start)
        if escape is None:
            raise self._error("the string is not closed on its line", start)
        message = rf"unknown escape sequence '{escape['escape']}'; only \" and \\ are allowed"
        raise UnknownEscape(message, self._position(escape.start("escape")))

    def _error(self, message: str, offset: int) -> TemplateSyntaxError:
        return TemplateSyntaxError(message, self._position(offset))

    def _position(self, offset: int) -> Position:
        line = bisect_right(self._line_starts, offset)
        return Position(line, offset - self._line_starts[line - 1] + 1)
