"""A new user gets from the README to a flow with a passing test."""

import re
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from entrypoints.cli.commands import main
from entrypoints.simulation.flyte.flow_loader import flow_from_file
from entrypoints.simulation.flyte.scripted_pack import pack_from_file
from tests.support.console import open_console
from tests.support.pages import ROOT, printed_lines, section, titled_blocks, typed_lines

README = section((ROOT / "README.md").read_text(), "## Write a flow")
BLOCKS = titled_blocks(README)
COPIED = re.findall(r" \.\./(\S+)", README)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder with the files that the README has copied and written."""
    for name in COPIED:
        (tmp_path / Path(name).name).write_text((ROOT / name).read_text())
    (tmp_path / "approval_test.yaml").write_text(BLOCKS["approval_test.yaml"])
    monkeypatch.chdir(tmp_path)
    return tmp_path


def run_shown_command(command: str) -> Result:
    """Runs a command as the README shows it."""
    [arguments] = re.findall(rf"^\$ flyte-slack ({command} .+?)(?:  +#.*)?$", README, re.MULTILINE)
    return CliRunner().invoke(main, arguments.split())


async def test_the_conversation_is_the_actual_one(folder: Path) -> None:
    flow, pack = (folder / Path(name).name for name in COPIED)
    shown = BLOCKS["The conversation"]

    async with open_console(flows=[flow_from_file(flow)], packs=[pack_from_file(pack)]) as console:
        assert await console.run(*typed_lines(shown)) == printed_lines(shown)


@pytest.mark.usefixtures("folder")
def test_the_linter_finds_nothing() -> None:
    result = run_shown_command("lint")

    assert (result.exit_code, result.output) == (0, "")


@pytest.mark.usefixtures("folder")
def test_the_test_passes_as_the_readme_shows() -> None:
    result = run_shown_command("test")

    assert result.exit_code == 0
    assert result.stdout.splitlines()[0] in README
    assert re.sub(r"in [\d.]+ s", "in 0.1 s", result.stdout.splitlines()[1]) in README
