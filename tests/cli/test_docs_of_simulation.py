"""The page about the simulation agrees with the program."""

import asyncio
import os
import re
import sys
from pathlib import Path

import pytest

from entrypoints.cli import commands as cli
from entrypoints.simulation.console.commands import COMMANDS
from entrypoints.simulation.slack.server import SlackServer
from tests.support.pages import ROOT, code_spans, page, rows, section, titled_blocks
from tests.support.simulated import simulate


async def test_the_script_on_the_page_prints_the_output_that_the_page_shows(tmp_path: Path) -> None:
    text = page("simulation.md")
    script = tmp_path / "try_a_flow.py"
    script.write_text(titled_blocks(text)["try_a_flow.py"])
    flow = ROOT / "entrypoints" / "simulation" / "flows" / "echo.yaml"
    search_path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    environment = {**os.environ, "PATH": search_path, "PYTHONPATH": str(ROOT)}
    process = await asyncio.create_subprocess_exec(
        sys.executable, script, flow, "echo hello", env=environment, stdout=asyncio.subprocess.PIPE
    )
    output, _ = await process.communicate()
    assert output.decode() in text
    assert "you said" in output.decode()


def test_the_page_lists_exactly_the_commands_of_the_conversation() -> None:
    listed = [cells[0].strip("`").replace("\\|", "|") for cells in rows(page("simulation.md"), "`/.*")]

    assert listed == [command.usage for command in COMMANDS.values()]


def test_the_page_names_every_option() -> None:
    text = page("simulation.md")

    options = {option for parameter in cli.simulate.params for option in parameter.opts if option.startswith("--")}
    assert {option for option in options if option not in text} == set()


def test_the_page_lists_exactly_the_methods_of_the_simulated_slack() -> None:
    methods = SlackServer().methods

    table = section(page("simulation.md"), "## What it simulates")
    listed = [
        name for cells in rows(table, ".*") for name in code_spans(cells[-1]) if re.fullmatch(r"\w+(\.\w+)+", name)
    ]
    assert sorted(listed) == sorted(methods)


def test_the_scripted_pack_on_the_page_is_the_example_file() -> None:
    example = "examples/packs/deployer.yaml"

    code = [line for line in (ROOT / example).read_text().splitlines() if not line.startswith("#")]
    assert titled_blocks(page("simulation.md"))[example].splitlines() == code


@pytest.mark.parametrize(
    ("text", "typed"),
    [((ROOT / "README.md").read_text(), "echo hello world\n"), (page("simulation.md"), "echo hello\nhello\n")],
    ids=["README", "simulation"],
)
def test_a_conversation_with_explanations_prints_the_transcript_in_the_text(text: str, typed: str) -> None:
    printed = simulate(typed, "--explain").stdout

    assert without_times(printed) in without_times(text)


def without_times(transcript: str) -> str:
    return re.sub(r'(, )?"(thread)?[tT]imestamp": "[\d.]+"', "", transcript)


def test_a_conversation_through_a_pipe_prints_the_transcript_on_the_page() -> None:
    transcript = section(page("simulation.md"), "### Without a terminal")

    assert simulate("echo hello world\n/as bob\nhi\n").stdout in transcript


def test_a_use_of_the_app_prints_the_lines_on_the_page(tmp_path: Path) -> None:
    flow, blocks = tmp_path / "vote.yaml", titled_blocks(page("simulation.md"))
    flow.write_text(titled_blocks(page("flow-tests.md"))["vote.yaml"])

    used = simulate("vote Friday off?\n/click Yse\n/as bob\n/click Yes\n", "--explain", "--flow", flow)

    shown = blocks["flyte-slack simulate --flow vote.yaml"] + blocks["/click Yes"]
    assert [line for line in shown.splitlines() if line not in without_times(used.stdout)] == []
    assert blocks["/click Yse"] in used.stderr
