"""The page about flow tests is correct."""

import re
from collections.abc import Callable
from pathlib import Path
from textwrap import indent

import pytest
from click.testing import CliRunner

from adapters.recording.schemas import KINDS
from entrypoints.cli.commands import main
from entrypoints.exit_status import ExitStatus
from entrypoints.flow_tests.command import run_test
from entrypoints.flow_tests.parsing.file_parser import read_tests
from entrypoints.flow_tests.parsing.setup_schemas import FileSchema
from entrypoints.flow_tests.parsing.step_schemas import EXPECTATIONS, STEPS
from entrypoints.flow_tests.python_api import FlowConversation
from entrypoints.flow_tests.quiet_logs import silent_logs
from entrypoints.simulation.pack_settings import APPLICABLE_VARIABLES
from tests.support.pages import ROOT, code_spans, page, rows, section, titled_blocks

PAGE = page("flow-tests.md")
EXAMPLE = ROOT / "examples" / "flows" / "tests" / "on_call.yaml"


def test_the_example_is_the_one_in_the_repository() -> None:
    shown = titled_blocks(PAGE)["examples/flows/tests/on_call.yaml, in part"]
    head, _, tests = shown.partition("tests:\n")

    for part in (head, *tests.split("\n\n")):
        assert part.strip() in EXAMPLE.read_text()


def test_the_documented_failure_is_the_actual_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("flows/on_call.yaml", "flows/tests/on_call.yaml", "packs/rota.yaml"):
        copy = tmp_path / "examples" / name
        copy.parent.mkdir(parents=True, exist_ok=True)
        copy.write_text((ROOT / "examples" / name).read_text().replace("on-call$", "on-call please$"))
    monkeypatch.chdir(tmp_path)

    result = CliRunner().invoke(main, ["test", "examples/flows/tests/on_call.yaml"])

    assert titled_blocks(PAGE)["What a failure looks like"] in result.stdout


@pytest.mark.parametrize(
    ("title", "steps"),
    [
        ("A mistake in a file of tests", "  - sya: flyte on-call\n"),
        ("A channel without quotes", "  - say: flyte on-call\n    as: alice\n    in: #ops\n"),
    ],
)
def test_the_documented_errors_are_the_actual_ones(
    title: str, steps: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = (
        "flows: []\npacks: []\n\ntests:\n- name: the answer comes in the thread of the question\n  # first:\n  steps:\n"
    )
    (tmp_path / "on_call.yaml").write_text(text + steps)
    monkeypatch.chdir(tmp_path)

    result = CliRunner().invoke(main, ["test", "on_call.yaml"])

    assert result.exit_code == ExitStatus.INVALID_SETTINGS
    assert result.stderr == titled_blocks(PAGE)[title]


def test_every_key_of_a_file_has_a_row() -> None:
    keys = [code_spans(cells[0])[0] for cells in rows(section(PAGE, "## A file of tests"), r"`\w+`")]

    assert keys == list(FileSchema().fields)


def test_every_kind_of_step_has_a_row() -> None:
    cells = [cells[0] for cells in rows(section(PAGE, "## A file of tests"), r"`\w+: .*")]
    kinds = {code.partition(":")[0] for cell in cells for code in code_spans(cell)}

    assert kinds == {"say", "event", "expect", "wait", "invite", "remove", "slack", "flyte", "repeat"}


def test_the_documented_settings_can_be_set() -> None:
    (row,) = rows(section(PAGE, "## A file of tests"), "`settings`")

    assert {code for code in code_spans(row[2]) if code.isupper()} <= set(APPLICABLE_VARIABLES)


def test_every_kind_of_line_has_a_row() -> None:
    table = rows(section(PAGE, "## Record and replay"), r"(`[a-z]+`(, )?)+")

    assert {kind for cells in table for kind in code_spans(cells[0])} == set(KINDS)


def test_the_documented_step_test_passes(tmp_path: Path) -> None:
    (tmp_path / "step.yaml").write_text(titled_blocks(PAGE)["step.yaml"])

    (test,) = read_tests(tmp_path / "step.yaml")

    assert run_test(test).failure is None


def test_the_documented_outage_passes(tmp_path: Path) -> None:
    steps = section(PAGE, "## Faults").partition("```yaml\n")[2].partition("```")[0]
    setup = f"flows: [{ROOT}/examples/flows/on_call.yaml]\npacks: [{ROOT}/examples/packs/rota.yaml]\n"
    (tmp_path / "test.yaml").write_text(f"{setup}tests:\n- name: it\n  steps:\n{indent(steps, '  ')}")

    (test,) = read_tests(tmp_path / "test.yaml")
    with silent_logs():
        assert run_test(test).failure is None


def test_the_documented_python_test_passes(flow_test: Callable[..., FlowConversation]) -> None:
    code = titled_blocks(PAGE)["test_on_call.py"].replace('["on_call', f'["{ROOT}/examples/flows/on_call')
    names: dict[str, object] = {}
    exec(code.replace('["rota', f'["{ROOT}/examples/packs/rota'), names)  # noqa: S102 - our own page

    names["test_the_answer_comes_in_the_thread"](flow_test)  # type: ignore[operator] # a function


def write_vote(folder: Path) -> Path:
    for name in ("vote.yaml", "vote_test.yaml"):
        (folder / name).write_text(titled_blocks(PAGE)[name])
    return folder / "vote_test.yaml"


def test_the_documented_test_of_buttons_passes(tmp_path: Path) -> None:
    (test,) = read_tests(write_vote(tmp_path))

    with silent_logs():
        assert run_test(test).failure is None


def test_the_documented_test_of_buttons_in_python_passes(
    flow_test: Callable[..., FlowConversation], tmp_path: Path
) -> None:
    write_vote(tmp_path)
    names: dict[str, object] = {}
    exec(titled_blocks(PAGE)["test_vote.py"].replace("vote.yaml", f"{tmp_path}/vote.yaml"), names)  # noqa: S102 - ours

    names["test_a_vote_replaces_the_buttons"](flow_test)  # type: ignore[operator] # a function


def test_the_documented_failure_of_a_click_is_the_actual_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    test = write_vote(tmp_path)
    test.write_text(test.read_text().replace("click: 'Yes'", "click: Maybe"))
    monkeypatch.chdir(tmp_path)

    result = CliRunner().invoke(main, ["test", "vote_test.yaml"])

    assert titled_blocks(PAGE)["A button that is not there"] in result.stdout


def without_blocks(text: str) -> str:
    return re.sub("```.*?```", "", text, flags=re.DOTALL)


def test_every_step_of_people_and_every_expectation_has_a_row() -> None:
    spans = set(code_spans(without_blocks(section(PAGE, "## People use the app"))))
    kinds = {*STEPS, *EXPECTATIONS} - {"say", "event", "wait", "invite", "remove", "slack", "flyte", "expect", "repeat"}
    named = {span.partition(":")[0] for span in spans}

    assert kinds - {"message", "command"} <= named
    for schema in (
        *(STEPS[kind] for kind in named & set(STEPS)),
        *(EXPECTATIONS[kind] for kind in named & set(EXPECTATIONS)),
    ):
        keys = {str(field.data_key or name) for name, field in schema.fields.items()}
        assert keys - {"within", "after"} <= named | {"expect"}


def test_every_method_of_a_conversation_in_python_is_named() -> None:
    named = set(code_spans(without_blocks(section(PAGE, "## From Python"))))
    shown = titled_blocks(PAGE)["test_on_call.py"] + titled_blocks(PAGE)["test_vote.py"]
    methods = {name for name in vars(FlowConversation) if not name.startswith("_")} - {"end"}

    assert {method for method in methods if method not in named and f"talk.{method}(" not in shown} == set()
