"""The page with the example flows shows the files, and what the terminal shows."""

import re
from pathlib import Path

import pytest
from click.testing import CliRunner

from entrypoints.cli.commands import main
from entrypoints.simulation.flyte.flow_loader import flow_from_file
from entrypoints.simulation.flyte.scripted_pack import pack_from_file
from tests.support.console import open_console
from tests.support.pages import ROOT, page, printed_lines, titled_blocks, typed_lines

PAGE = page("examples.md")
BLOCKS = titled_blocks(PAGE)
CONVERSATIONS = [title for title in BLOCKS if title.startswith("flyte-slack simulate ")]
FILES = [title for title in BLOCKS if title not in CONVERSATIONS]


def without_comments(path: Path) -> str:
    """Returns a file without the lines that are comments for its reader in the repository."""
    return "".join(line for line in path.read_text().splitlines(keepends=True) if not line.startswith("#"))


@pytest.mark.parametrize("title", FILES)
def test_a_file_on_the_page_is_the_one_in_the_repository(title: str) -> None:
    name, _, part = title.partition(", ")

    assert without_comments(ROOT / name).startswith(BLOCKS[title])
    assert part or without_comments(ROOT / name) == BLOCKS[title]


@pytest.mark.parametrize("command", CONVERSATIONS)
async def test_a_conversation_on_the_page_is_the_actual_one(command: str) -> None:
    options = re.findall(r"--(flow|pack) (\S+)", command)
    flows = [flow_from_file(ROOT / path) for option, path in options if option == "flow"]
    packs = [pack_from_file(ROOT / path) for option, path in options if option == "pack"]
    shown = BLOCKS[command]

    async with open_console(flows=flows, packs=packs) as console:
        output = await console.run(*typed_lines(shown))

    assert output == printed_lines(shown)


def test_the_linter_finds_nothing_in_the_examples() -> None:
    result = CliRunner().invoke(main, ["lint", str(ROOT / "examples")])

    assert (result.exit_code, result.output) == (0, "")


def test_every_example_is_on_the_page() -> None:
    names = [path.name for path in (ROOT / "examples" / "flows").glob("*.yaml")]

    assert [name for name in names if f"examples/flows/{name}" not in BLOCKS and f"| `{name}` |" not in PAGE] == []
