"""The printed tables, and the problems that make a benchmark fail."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from statistics import median, quantiles
from typing import Final

_LABEL_WIDTH: Final = 64
_CELL_WIDTH: Final = 20


@dataclass(slots=True)
class Report:
    """Prints a table row by row and collects problems."""

    problems: list[str] = field(default_factory=list)
    """Lost and duplicated messages, which make the run fail; slow figures do not."""

    def heading(self, title: str, *columns: str) -> None:
        """Prints the heading of a table."""
        print(f"\n{title:<{_LABEL_WIDTH}}" + "".join(f"{column:>{_CELL_WIDTH}}" for column in columns))
        print("-" * (_LABEL_WIDTH + _CELL_WIDTH * max(1, len(columns))), flush=True)

    def row(self, label: str, *cells: str) -> None:
        """Prints one row, with a cell for each column."""
        print(f"{label:<{_LABEL_WIDTH}}" + "".join(f"{cell:>{_CELL_WIDTH}}" for cell in cells), flush=True)

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
