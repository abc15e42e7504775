"""Splits a JSON text of any size into the parts of its containers, without reading more than a chunk at a time."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import accumulate

_TOKEN = re.compile(rb'"(?:[^"\\]++|\\.)*+(")?|[\[\]{},]', re.DOTALL)
"""A string, closed or not, or a character that structures the text."""
_NOT_BRACKETS = bytes(set(range(256)) - set(b"[]{}"))
_QUOTE = ord('"')
_OPENING, _CLOSING = b"[{", b"]}"
_DEPTH_CHANGES = [(code in _OPENING) - (code in _CLOSING) for code in range(256)]
_MAX_LEAD_BYTES = 256


@dataclass(frozen=True, slots=True)
class JsonPart:
    """A member of an object, with its key, or an element of a list."""

    lead: bytes
    """The text before the container, from the last comma to its opening bracket; cut if it is long."""
    text: bytes
    """The part, cut if it is too large."""
    size: int
    """The part's size in bytes, before it was cut."""

    @property
    def is_complete(self) -> bool:
        """Whether nothing is cut off."""
        return self.size == len(self.text)


class _Buffer:
    """The beginning of a text, and its length."""

    def __init__(self, max_bytes: int) -> None:
        self._max_bytes = max_bytes
        self.clear()

    def clear(self) -> None:
        self.text = bytearray()
        self.size = 0

    def append(self, text: bytes) -> None:
        self.text += text[: max(0, self._max_bytes - len(self.text))]
        self.size += len(text)


class JsonSplitter:
    """Yields the parts of all containers at one depth; 1 is the whole text. It does not validate the text.

    Holds no more than one part, cut to `max_part_bytes`. A chunk of 64 KiB takes a few milliseconds at worst.
    """

    def __init__(self, depth: int, max_part_bytes: int) -> None:
        self._split_depth = depth
        self._depth = 0
        self._carry = b""
        """A prefix for the next chunk that makes it continue the open string."""
        self._lead = _Buffer(_MAX_LEAD_BYTES)
        self._part = _Buffer(max_part_bytes)

    @property
    def is_complete(self) -> bool:
        """Whether no bracket and no string is open."""
        return self._depth == 0 and not self._carry

    def feed(self, chunk: bytes) -> Iterator[JsonPart]:
        """Yields the parts that end within the next chunk of the text, which is read by iterating to the end."""
        text = self._carry + chunk
        copied_until = len(self._carry)
        if self._depth <= self._split_depth or not self._skip(text):
            self._carry = b""
            for token in _TOKEN.finditer(text):
                start = token.start()
                code = text[start]
                if code == _QUOTE:
                    if token[1] is None:
                        self._carry = b'"\\' if token.end() < len(text) else b'"'
                    continue
                depth_before, self._depth = self._depth, self._depth + _DEPTH_CHANGES[code]
                level = max(depth_before, self._depth)
                if level > self._split_depth:
                    continue
                if level < self._split_depth:
                    self._lead.clear()
                elif code in _OPENING:
                    self._lead.append(text[copied_until : start + 1])
                else:
                    yield self._end_part(text[copied_until:start])
                copied_until = start + 1
        (self._part if self._depth >= self._split_depth else self._lead).append(text[copied_until:])

    def _end_part(self, rest: bytes) -> JsonPart:
        self._part.append(rest)
        part = JsonPart(bytes(self._lead.text), bytes(self._part.text), self._part.size)
        self._part.clear()
        return part

    def _skip(self, text: bytes) -> bool:
        """Advances behind the text if all of it lies below the split depth. Returns False otherwise.

        Does the same as the loop over the tokens in a tenth of the time, for inputs with millions of brackets.
        """
        unescaped = text.replace(b"\\\\", b"").replace(b'\\"', b"")
        pieces = unescaped.split(b'"')  # every second one is a string
        brackets = b"".join(pieces[::2]).translate(None, _NOT_BRACKETS)
        depths = list(accumulate(map(_DEPTH_CHANGES.__getitem__, brackets), initial=self._depth))
        if min(depths) <= self._split_depth:
            return False
        self._depth = depths[-1]
        is_closed = len(pieces) % 2 == 1
        self._carry = b"" if is_closed else (b'"\\' if unescaped.endswith(b"\\") else b'"')
        return True
