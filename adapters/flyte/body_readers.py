"""Readers of response bodies, which hold no more of a body than they need."""

import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Protocol

import structlog

from adapters.flyte.audit_schemas import AuditedAction, parse_run
from adapters.flyte.json_splitter import JsonPart, JsonSplitter
from adapters.serialization.command_inputs import MAX_INPUT_BYTES
from adapters.serialization.json_codec import read_json

if TYPE_CHECKING:
    from datetime import datetime

log = structlog.get_logger()

MEBIBYTE = 1024 * 1024
_MAX_DECODED_BYTES = MAX_INPUT_BYTES + 64 * 1024
"""The largest input, and its command and links."""
_LONGEST_ESCAPE = 6
"""The length in bytes of an escape such as `\\u0041`, which may stand for one byte."""
_MAX_RUN_BYTES = 2 * MEBIBYTE
_NEEDED_MEMBER = re.compile(rb'\s*"(command|input|links)"\s*:')
_LIST_OF_RUNS = re.compile(rb'\s*"flows"\s*:\s*\[')


class BodyReader(Protocol):
    """Takes a body chunk by chunk."""

    max_bytes: int
    """The client reads no further."""

    def feed(self, chunk: bytes) -> None:
        """Takes the next chunk. Raises ValueError if the body is not what it should be."""

    def body(self) -> bytes:
        """Returns what the response needs of the body."""


class WholeBody:
    """Reads a body as it is."""

    def __init__(self) -> None:
        self.max_bytes = 8 * MEBIBYTE
        self._body = bytearray()

    def feed(self, chunk: bytes) -> None:
        self._body += chunk

    def body(self) -> bytes:
        return bytes(self._body)


class ActionBody:
    """Reads an action: as it is, or without its input if that is too large to be decoded.

    Flyte's limit is that of its database, 16 MB; decoded, such an input can take a hundred times as much memory.
    """

    def __init__(self) -> None:
        self.max_bytes = 256 * MEBIBYTE
        self.lacks_input = False
        """Whether the input is too large, and left out."""
        self._size = 0
        self._whole = bytearray()
        self._splitter = JsonSplitter(1, _MAX_DECODED_BYTES)
        self._members: dict[bytes, JsonPart] = {}

    def feed(self, chunk: bytes) -> None:
        self._size += len(chunk)
        if self._size <= _MAX_DECODED_BYTES * _LONGEST_ESCAPE:
            self._whole += chunk
        else:
            self._whole.clear()
        for member in self._splitter.feed(chunk):
            if key := _NEEDED_MEMBER.match(member.text):
                self._members[key[1]] = member

    def body(self) -> bytes:
        """Returns JSON with the command, the links and perhaps the input; nothing if the body is not an object."""
        decoded_size = self._size - self._whole.count(b"\\u") * (_LONGEST_ESCAPE - 1)
        if decoded_size <= _MAX_DECODED_BYTES:
            return bytes(self._whole)
        if not self._splitter.is_complete:
            return b""
        usable = {key: member for key, member in self._members.items() if member.is_complete}
        self.lacks_input = b"input" in self._members and b"input" not in usable
        return b"{" + b",".join(member.text for member in usable.values()) + b"}"


class AuditBody:
    """Reads a page of the audit, and shows each action of each run to `visit`; a run that is too large is skipped."""

    def __init__(self, visit: Callable[[AuditedAction], None]) -> None:
        self.max_bytes = 64 * MEBIBYTE
        self.runs = 0
        """How many runs the page had, or the part of it that was read."""
        self.last_changed_at: datetime | None = None
        """The latest change of the last run; None if unknown."""
        self._visit = visit
        self._splitter = JsonSplitter(2, _MAX_RUN_BYTES)
        self._has_list = False

    @property
    def is_complete(self) -> bool:
        """Whether the page has a list of runs, and was read to its end."""
        return self._has_list and self._splitter.is_complete

    def feed(self, chunk: bytes) -> None:
        for part in self._splitter.feed(chunk):
            if _LIST_OF_RUNS.fullmatch(part.lead):
                self._has_list = True
                if part.text.strip():
                    self._read_run(part)

    def body(self) -> bytes:
        return b""

    def _read_run(self, run: JsonPart) -> None:
        self.runs += 1
        self.last_changed_at = None
        if not run.is_complete:
            log.warning("audit_run_skipped", reason=f"it has {run.size} bytes")
            return
        actions = parse_run(read_json(run.text))
        self.last_changed_at = max((action.state.time for action in actions if action.state.time), default=None)
        for action in actions:
            self._visit(action)
