"""What was measured: rows of a table, and results that are wrong whatever the figures."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from statistics import median, quantiles
from typing import Final

_TEXT: Final = 58
_CELL: Final = 20


@dataclass(slots=True)
class Report:
    """Prints a table row by row, and remembers what went wrong."""

    wrong: list[str] = field(default_factory=list)
    """Lost or doubled things: these make the run fail. Slow figures do not."""

    def heading(self, title: str, *columns: str) -> None:
        """Begin a part of the table."""
        print(f"\n{title:<{_TEXT}}" + "".join(f"{column:>{_CELL}}" for column in columns))
        print("-" * (_TEXT + _CELL * max(1, len(columns))), flush=True)

    def row(self, name: str, *cells: str) -> None:
        """One line: what was measured, and a figure for each column."""
        print(f"{name:<{_TEXT}}" + "".join(f"{cell:>{_CELL}}" for cell in cells), flush=True)

    def check(self, name: str, problems: Sequence[str]) -> str:
        """Note what is lost or doubled; the cell that says so."""
        self.wrong += [f"{name}: {problem}" for problem in problems]
        return "each once" if not problems else "WRONG, see below"


def milliseconds(seconds: float) -> str:
    """Seconds as readers of latencies like them."""
    return f"{seconds * 1000:.1f} ms"


def middle_and_tail(samples: Sequence[float]) -> tuple[str, str]:
    """Median and 95th percentile of seconds, written as milliseconds."""
    return milliseconds(median(samples)), milliseconds(quantiles(samples, n=20)[-1])


def mebibytes(size: float) -> str:
    """Bytes, written as MiB."""
    return f"{size / 2**20:.1f} MiB"
