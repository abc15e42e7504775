"""The pages of the documentation, and their sections, code blocks and tables."""

import re
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"


def page(name: str) -> str:
    return (DOCS / name).read_text()


def section(text: str, heading: str) -> str:
    """Returns the text below a heading (`## Errors`), up to the next heading of the same or a higher level."""
    marks = heading.partition(" ")[0]
    below = text.partition(f"\n{heading}\n")[2]
    assert below, f"there is no {heading}"
    return re.split(rf"^#{{1,{len(marks)}}} ", below, maxsplit=1, flags=re.MULTILINE)[0]


def titled_blocks(text: str) -> dict[str, str]:
    """Returns the code blocks with a title, by title."""
    return dict(re.findall(r'^```\w+ title="([^"]+)"\n(.*?)^```', text, re.MULTILINE | re.DOTALL))


def rows(text: str, first_cell: str) -> Iterator[list[str]]:
    """Yields the cells of every table row whose first cell matches; bars inside cells are escaped."""
    for line in text.splitlines():
        cells = [cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]]
        if cells and re.fullmatch(first_cell, cells[0]):
            yield cells


def code_spans(text: str) -> list[str]:
    """Returns the texts in backquotes."""
    return re.findall(r"`([^`]+)`", text)


def sources(*layers: str) -> str:
    """Returns the code of these folders as one text."""
    paths = (path for layer in layers for path in sorted((ROOT / layer).rglob("*.py")))
    return "\n".join(path.read_text() for path in paths)


def typed_lines(conversation: str) -> list[str]:
    """Returns what people type in a conversation on a page: lines with a slash, and the messages of alice and bob."""
    typed = re.findall(r"^(?:(/.+)|#\S+ (?:alice|bob): (.+))$", conversation, re.MULTILINE)
    return [command or said for command, said in typed]


def printed_lines(conversation: str) -> str:
    """Returns what the terminal shows in a conversation on a page: everything but the lines with a slash."""
    return re.sub(r"^/.+\n", "", conversation, flags=re.MULTILINE)
