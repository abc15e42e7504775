"""The documentation's pages, and what stands in them."""

import re
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"


def page(name: str) -> str:
    return (DOCS / name).read_text()


def section(text: str, heading: str) -> str:
    """What stands below a heading (`## Errors`), up to the next one of its rank or above."""
    rank = heading.partition(" ")[0]
    below = text.partition(f"\n{heading}\n")[2]
    assert below, f"there is no {heading}"
    return re.split(rf"^#{{1,{len(rank)}}} ", below, maxsplit=1, flags=re.MULTILINE)[0]


def titled_blocks(text: str) -> dict[str, str]:
    """The code blocks that have a title, by their titles."""
    return dict(re.findall(r'^```\w+ title="([^"]+)"\n(.*?)^```', text, re.MULTILINE | re.DOTALL))


def rows(text: str, first_cell: str) -> Iterator[list[str]]:
    """The cells of all tables' rows whose first cell matches; bars within cells are escaped."""
    for line in text.splitlines():
        cells = [cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]]
        if cells and re.fullmatch(first_cell, cells[0]):
            yield cells


def code_spans(text: str) -> list[str]:
    """What stands in backquotes."""
    return re.findall(r"`([^`]+)`", text)


def sources(*layers: str) -> str:
    """The code of these folders in one."""
    paths = (path for layer in layers for path in sorted((ROOT / layer).rglob("*.py")))
    return "\n".join(path.read_text() for path in paths)
