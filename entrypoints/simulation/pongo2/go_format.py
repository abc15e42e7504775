"""Formats one value as Go's fmt.Sprintf does, for the filter `stringformat`: reads the layout and its verbs."""

import re
from dataclasses import dataclass, field, replace
from typing import Final

from entrypoints.simulation.pongo2.go_printer import format_extra, format_value
from entrypoints.simulation.pongo2.go_verbs import Flags
from entrypoints.simulation.pongo2.rendering import check_size
from entrypoints.simulation.pongo2.values import is_integer

_FLAGS: Final = re.compile("[-+# 0]*")
_NUMBER: Final = re.compile("[0-9]+")
_LARGEST_NUMBER: Final = 1_000_000
_SHORTEST_INDEX: Final = len("[1]")


def sprintf(layout: str, value: object) -> str:
    """Formats the value in a layout. Raises TemplateRuntimeError for too large a width."""
    return _Layout(layout, value).format()


@dataclass(slots=True)
class _Layout:
    """The position in a layout, and which argument is next; there is only one."""

    layout: str
    value: object
    position: int = 0
    next_argument: int = 0
    has_index: bool = False
    has_good_index: bool = True
    is_reordered: bool = False
    output: list[str] = field(default_factory=list)

    def format(self) -> str:
        while (start := self.layout.find("%", self.position)) >= 0:
            self.output.append(self.layout[self.position : start])
            self.position = start + 1
            self.has_good_index = True
            self._format_verb()
        extra = "" if self.is_reordered or self.next_argument else format_extra(self.value)
        return "".join(self.output) + self.layout[self.position :] + extra

    def _format_verb(self) -> None:
        flags = self._flags()
        self.has_index = self._read_index()
        flags = self._with_width(flags)
        flags = self._with_precision(flags)
        if not self.has_index:
            self._read_index()
        verb = self.layout[self.position : self.position + 1]
        self.position += 1
        if not verb:
            self.output.append("%!(NOVERB)")
        elif verb == "%":
            self.output.append("%")
        elif not self.has_good_index:
            self.output.append(f"%!{verb}(BADINDEX)")
        elif self.next_argument:
            self.output.append(f"%!{verb}(MISSING)")
        else:
            self.next_argument += 1
            self.output.append(format_value(self.value, verb, flags))

    def _flags(self) -> Flags:
        found = _FLAGS.match(self.layout, self.position)
        written = found.group() if found else ""
        self.position += len(written)
        # Zeros only pad on the left.
        is_zero = "0" in written.partition("-")[0]
        minus = "-" in written
        return Flags("+" in written, minus, "#" in written, " " in written, zero=is_zero and not minus)

    def _with_width(self, flags: Flags) -> Flags:
        if not self._take("*"):
            width = self._number()
            self.has_good_index = self.has_good_index and not (self.has_index and width is not None)
            return replace(flags, width=width)
        width = self._integer_argument()
        if width is None:
            self.output.append("%!(BADWIDTH)")
        elif width < 0:
            return replace(flags, width=check_size(-width), minus=True, zero=False)
        return replace(flags, width=width)

    def _with_precision(self, flags: Flags) -> Flags:
        if not self._take("."):
            return flags
        self.has_good_index = self.has_good_index and not self.has_index
        self.has_index = self._read_index()
        if not self._take("*"):
            return replace(flags, precision=self._number() or 0)
        precision = self._integer_argument()
        if precision is None or precision < 0:
            self.output.append("%!(BADPREC)")
            precision = None
        return replace(flags, precision=precision)

    def _integer_argument(self) -> int | None:
        self.has_index = False
        if self.next_argument:
            return None
        self.next_argument += 1
        value = self.value
        return value if is_integer(value) and abs(value) <= _LARGEST_NUMBER else None

    def _read_index(self) -> bool:
        """Reads an index such as `[1]`; returns whether it is good."""
        if self.layout[self.position : self.position + 1] != "[":
            return False
        self.is_reordered = True
        end = self.layout.find("]", self.position + 1)
        if len(self.layout) - self.position < _SHORTEST_INDEX or end < 0:
            self.position += 1
            self.has_good_index = False
            return False
        inside = self.layout[self.position + 1 : end]
        self.position = end + 1
        is_number = _NUMBER.fullmatch(inside) is not None and int(inside[:8]) <= _LARGEST_NUMBER
        if is_number and int(inside) == 1:
            self.next_argument = 0
            return True
        self.has_good_index = False
        return is_number

    def _take(self, character: str) -> bool:
        is_next = self.layout.startswith(character, self.position)
        self.position += is_next
        return is_next

    def _number(self) -> int | None:
        found = _NUMBER.match(self.layout, self.position)
        if found is None:
            return None
        self.position = found.end()
        number = int(found.group()[:8])
        if number > _LARGEST_NUMBER:
            self.position = len(self.layout)
            return None
        return check_size(number)
