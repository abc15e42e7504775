"""The examples' tests pass, and detect a changed word in a flow."""

import shutil
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from entrypoints.cli.commands import main
from tests.support.pages import ROOT

EXAMPLES = ROOT / "examples"
TESTS = EXAMPLES / "flows" / "tests"


def run(path: Path) -> Result:
    return CliRunner().invoke(main, ["test", str(path)])


def test_the_examples_tests_pass() -> None:
    result = run(TESTS)

    assert result.exit_code == 0, result.output


def test_every_example_has_tests() -> None:
    tested = {path.stem for path in TESTS.iterdir()}

    assert {path.stem for path in (EXAMPLES / "flows").glob("*.yaml")} - tested == set()


@pytest.mark.parametrize(
    ("flow", "word", "other", "expected"),
    [
        ("on_call", "on-call$", "oncall$", "flow on_call, step asked does not run: the criteria are not met"),
        ("on_call", "is on call", "has the pager", "it is sent by flow on_call, step answered"),
        ("on_call", "== 0", "== 1", "flow on_call, step answered does not run: the criteria are not met"),
        ("approval", "is live", "lives", "it is sent by flow approval, step live"),
        ("approval", "Context.Thread", "Context.Threat", "it came in no thread, not in the thread of 'wish'"),
        ("deployment", "SendRichMessage", "SendMessage", "step deployed: SendMessage ends in SendMessageFailed"),
        ("greeting", "Hello {{", "Hallo {{", '"Hallo Alice!", not "Hello Alice!"; it is sent by flow greeting'),
    ],
)  # fmt: skip
def test_a_changed_word_in_a_flow_fails_its_test_with_step_and_reason(
    flow: str, word: str, other: str, expected: str, tmp_path: Path
) -> None:
    shutil.copytree(EXAMPLES, tmp_path, dirs_exist_ok=True)
    file = tmp_path / "flows" / f"{flow}.yaml"
    assert word in file.read_text()
    file.write_text(file.read_text().replace(word, other))

    result = run(tmp_path / "flows" / "tests" / f"{flow}.yaml")

    assert result.exit_code == 1
    assert expected in result.output
    assert "      - #" in result.output
