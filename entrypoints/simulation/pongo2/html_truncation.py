"""Truncates HTML as pongo2 does: tags are kept and do not count, and those that are open are closed at the end."""

from collections.abc import Callable
from typing import Final

_REPLACEMENT: Final = "\ufffd"
_WORD_ENDS: Final = " .,;"
_ELLIPSIS: Final = "..."


def truncate_characters(text: str, limit: int) -> str:
    """Keeps a number of characters beside the tags."""
    html = _Html(text)
    count = 0
    while html.has_more and count < limit:
        if html.copy_tag():
            continue
        html.copy_character()
        count += 1
    if limit <= count < len(text.encode()):
        html.write(_ELLIPSIS)
    return html.closed()


def truncate_words(text: str, limit: int) -> str:
    """Keeps a number of words beside the tags."""
    html = _Html(text)
    count = 0
    while html.has_more and count < limit:
        if not html.copy_tag():
            count += html.copy_word()
    if count >= limit:
        html.write(_ELLIPSIS)
    return html.closed()


class _Html:
    """A position in a text, and what has been copied of it."""

    def __init__(self, text: str) -> None:
        # pongo2 leaves out what it can't decode, and this character too.
        self._text = text.replace(_REPLACEMENT, "")
        self._position = 0
        self._output: list[str] = []
        self._open_tags: list[str] = []

    @property
    def has_more(self) -> bool:
        return self._position < len(self._text)

    def write(self, text: str) -> None:
        self._output.append(text)

    def closed(self) -> str:
        return "".join([*self._output, *(f"</{tag}>" for tag in reversed(self._open_tags))])

    def copy_character(self) -> None:
        self._output.append(self._text[self._position])
        self._position += 1

    def copy_tag(self) -> bool:
        """Copies a tag; returns False where there is none."""
        if self._text[self._position] != "<":
            return False
        self.copy_character()
        if len(self._text[self._position :].encode()) <= 1:
            return True
        is_end = self._text[self._position] == "/"
        inside = self._read_until(lambda character: character == ">")
        self._output.append(inside)
        is_complete = self._text.startswith(">", self._position)
        if is_complete or is_end:
            self._output.append(">")
        self._position += is_complete
        if is_end:
            self._close(inside[1:])
        else:
            self._open_tags.append(inside.partition(" ")[0])
        return True

    def copy_word(self) -> bool:
        """Copies a word with the character that ends it; returns whether it counts: one right before a tag does not."""
        word = self._read_until(lambda character: character in _WORD_ENDS or character == "<")
        self._output.append(word)
        if not self.has_more:
            return bool(word)
        if self._text[self._position] == "<":
            return False
        self.copy_character()
        return bool(word)

    def _read_until(self, is_end: Callable[[str], bool]) -> str:
        start = self._position
        while self.has_more and not is_end(self._text[self._position]):
            self._position += 1
        return self._text[start : self._position]

    def _close(self, tag: str) -> None:
        for index in reversed(range(len(self._open_tags))):
            if self._open_tags[index] == tag:
                self._open_tags[index] = self._open_tags[-1]
                self._open_tags.pop()
                return
