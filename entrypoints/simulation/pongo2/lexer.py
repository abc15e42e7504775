"""Cuts a template into tokens: text, and what stands between {{ and }} or {% and %}."""

import re
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum

from entrypoints.simulation.pongo2.errors import Position, TemplateSyntaxError

KEYWORDS = frozenset({"in", "and", "or", "not", "true", "false", "as", "export"})


class TokenKind(Enum):
    """What a token is."""

    TEXT = "text"
    NAME = "name"
    KEYWORD = "keyword"
    STRING = "string"
    NUMBER = "number"
    SYMBOL = "symbol"


@dataclass(frozen=True, slots=True)
class Token:
    """One token; `trims` says that white space beside it goes away, as with `{{-`."""

    kind: TokenKind
    value: str
    position: Position
    trims: bool = False

    def __str__(self) -> str:
        return f"'{self.value}'" if self.kind is not TokenKind.TEXT else "text"


_OPENING = re.compile(r"\{% verbatim %\}|\{\{|\{%|\{#")
_END_VERBATIM = "{% endverbatim %}"
_CODE = re.compile(
    r"""
    (?P<space>[ \r\t]+)
    | (?P<newline>\n)
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
    """All tokens of a template.

    Raises TemplateSyntaxError for something that no token starts with, a string or comment that does not end.
    """
    return list(_Lexer(source).tokens())


class _Lexer:
    """Goes through one template once."""

    def __init__(self, source: str) -> None:
        self._source = source
        self._position = 0
        self._line_starts = [0, *(found.end() for found in re.finditer("\n", source))]

    def tokens(self) -> Iterator[Token]:
        while (found := _OPENING.search(self._source, self._position)) is not None:
            yield from self._text_until(found.start())
            if found.group() == "{#":
                self._skip_comment(found.start())
            elif found.group() in {"{{", "{%"}:
                yield from self._code()
            else:
                self._position = found.end()
                yield from self._verbatim(found.start())
        yield from self._text_until(len(self._source))

    def _text_until(self, end: int) -> Iterator[Token]:
        if end > self._position:
            yield Token(TokenKind.TEXT, self._source[self._position : end], self._place(self._position))
        self._position = end

    def _skip_comment(self, start: int) -> None:
        end = self._source.find("#}", start)
        if end < 0:
            raise TemplateSyntaxError("the comment does not end; '#}' expected", self._place(start))
        if "\n" in self._source[start:end]:
            raise TemplateSyntaxError(
                "a comment of this kind stands on one line; {% comment %} spans several", self._place(start)
            )
        self._position = end + 2

    def _verbatim(self, start: int) -> Iterator[Token]:
        end = self._source.find(_END_VERBATIM, self._position)
        if end < 0:
            raise TemplateSyntaxError(f"'{_END_VERBATIM}' expected", self._place(start))
        yield from self._text_until(end)
        self._position = end + len(_END_VERBATIM)

    def _code(self) -> Iterator[Token]:
        while self._position < len(self._source):
            start = self._position
            found = _CODE.match(self._source, start)
            if found is None or found.lastgroup == "newline":
                raise self._refusal(start)
            self._position = found.end()
            if found.lastgroup != "space":
                yield self._token(str(found.lastgroup), found.group(), start)
            if found.group() in _CLOSING and found.lastgroup == "symbol":
                return

    def _token(self, group: str, value: str, start: int) -> Token:
        position = self._place(start)
        if group == "name" and value in KEYWORDS:
            return Token(TokenKind.KEYWORD, value, position)
        if group == "string":
            return Token(TokenKind.STRING, value[1:-1].replace('\\"', '"').replace("\\\\", "\\"), position)
        if group == "symbol" and "-" in value and len(value) > 1:
            return Token(TokenKind.SYMBOL, value.replace("-", ""), position, trims=True)
        return Token(TokenKind(group), value, position)

    def _refusal(self, start: int) -> TemplateSyntaxError:
        character = self._source[start]
        if character == "\n":
            return TemplateSyntaxError("a tag or variable can't span lines", self._place(start))
        if character not in "\"'":
            return TemplateSyntaxError(f"'{character}' is not allowed here", self._place(start))
        escape = _BAD_ESCAPE.match(self._source, start)
        if escape is not None:
            return TemplateSyntaxError(
                rf"unknown escape sequence '{escape['escape']}'; only \" and \\ are known",
                self._place(escape.start("escape")),
            )
        return TemplateSyntaxError("the string does not end on its line", self._place(start))

    def _place(self, position: int) -> Position:
        line = bisect_right(self._line_starts, position)
        return Position(line, position - self._line_starts[line - 1] + 1)
