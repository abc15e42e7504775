"""The printed tables, and the problems that make a benchmark fail."""

import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from statistics import median, quantiles
from typing import Final

_WIDTHS: Final = (64, 20)
_NARROW_WIDTHS: Final = (24, 13)


@dataclass(slots=True)
class Report:
    """Prints a table row by row and collects problems."""

    problems: list[str] = field(default_factory=list)
    """Lost and duplicated messages, which make the run fail; slow figures do not."""
    _widths: tuple[int, int] = _WIDTHS
    """Of labels and of cells."""

    def heading(self, title: str, *columns: str, is_narrow: bool = False) -> None:
        """Prints the heading of a table; a narrow one has short labels and many columns."""
        self._widths = label_width, cell_width = _NARROW_WIDTHS if is_narrow else _WIDTHS
        print()
        self.row(title, *columns)
        print("-" * (label_width + cell_width * max(1, len(columns))), flush=True)

    def row(self, label: str, *cells: str) -> None:
        """Prints one row, with a cell for each column."""
        label_width, cell_width = self._widths
        print(f"{label:<{label_width}}" + "".join(f"{cell:>{cell_width}}" for cell in cells), flush=True)

    def progress(self, text: str) -> None:
        """Says on standard error how far a long measurement is."""
        print(text, file=sys.stderr, flush=True)

    def check(self, name: str, problems: Sequence[str]) -> str:
        """Records lost and duplicated messages. Returns the text of the table cell."""
        self.problems += [f"{name}: {problem}" for problem in problems]
        return "each once" if not problems else "WRONG, see below"


def milliseconds(seconds: float) -> str:
    """Formats seconds as milliseconds."""
    return f"{seconds * 1000:.1f} ms"


def median_and_p95(samples: Sequence[float]) -> tuple[str, str]:
    """Formats the median and the 95th percentile of seconds as milliseconds."""
    return milliseconds(median(samples)), milliseconds(quantiles(samples, n=20)[-1])


def mebibytes(size: float) -> str:
    """Formats bytes as MiB."""
    return f"{size / 2**20:.1f} MiB"
