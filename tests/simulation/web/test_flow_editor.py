"""The flow editor."""

import json
from pathlib import Path

import pytest

from entrypoints.simulation.flyte.engine import Flyte
from entrypoints.simulation.flyte.flow_loader import flow_from_file, flow_from_text
from entrypoints.simulation.web.flow_editor import MAX_FLOWS, Draft, FlowEditor, TooManyFlows

_TEXT = """# with a comment
name: greet
steps:
- event: {packName: Slack, name: ReceivedMessage}
  command: {packName: Slack, name: SendMessage}
"""


def flow_text(name: str) -> str:
    return _TEXT.replace("greet", name)


@pytest.fixture
def flyte() -> Flyte:
    return Flyte(flows=[flow_from_text(_TEXT, "test", is_json=False)])


@pytest.fixture
def editor(flyte: Flyte) -> FlowEditor:
    editor = FlowEditor(flyte)
    editor.refresh()
    return editor


def only_draft(editor: FlowEditor) -> Draft:
    (draft,) = editor.drafts.values()
    return draft


def test_a_flow_from_a_file_has_the_files_text(tmp_path: Path) -> None:
    path = tmp_path / "greet.yaml"
    path.write_text(_TEXT, encoding="utf-8")
    editor = FlowEditor(Flyte(flows=[flow_from_file(path)]), [path, tmp_path / "gone.yaml"])

    editor.refresh()

    assert only_draft(editor).text == _TEXT


def test_any_other_flow_is_shown_as_yaml(editor: FlowEditor) -> None:
    assert only_draft(editor).text.startswith("name: greet\nsteps:\n")


def test_a_valid_text_runs_at_once(editor: FlowEditor, flyte: Flyte) -> None:
    draft = only_draft(editor)
    editor.update(draft.id, _TEXT.replace("SendMessage", "JoinChannel"))

    assert flyte.flows["greet"].steps[0].command_name == "JoinChannel"
    assert editor.is_running(draft)
    assert draft.error == ""


def test_renaming_a_flow_replaces_it(editor: FlowEditor, flyte: Flyte) -> None:
    editor.update(only_draft(editor).id, flow_text("welcome"))
    editor.refresh()

    assert list(flyte.flows) == ["welcome"]
    assert only_draft(editor).text == flow_text("welcome")


@pytest.mark.parametrize(
    ("text", "line", "column", "error"),
    [
        (
            _TEXT.replace("packName", "pakName", 1),
            4,
            11,
            "step 1, event.pakName: unknown key 'pakName'",
        ),
        ("name: x\nsteps: [", 2, 9, "did not find expected node content"),
        (_TEXT + "  criteria: '{{ x | foo }}'\n", 6, 21, "step 1, criteria: the filter 'foo'"),
        ("", 0, 0, "expected an object"),
    ],
)
def test_an_error_has_its_location_and_the_last_valid_version_keeps_running(
    editor: FlowEditor, flyte: Flyte, text: str, line: int, column: int, error: str
) -> None:
    draft = only_draft(editor)
    editor.update(draft.id, text)
    editor.refresh()

    assert (draft.line, draft.column) == (line, column)
    assert draft.error.startswith(error)
    assert editor.is_running(draft)
    assert draft.text == text
    assert list(flyte.flows) == ["greet"]


def test_two_flows_cannot_have_the_same_name(editor: FlowEditor, flyte: Flyte) -> None:
    second = editor.drafts[editor.create(_TEXT)]

    assert second.error == "name: another flow has the name greet"
    assert not editor.is_running(second)
    editor.update(second.id, flow_text("second"))
    assert editor.is_running(second)
    assert set(flyte.flows) == {"greet", "second"}


def test_a_deleted_flow_no_longer_runs(editor: FlowEditor, flyte: Flyte) -> None:
    editor.delete(only_draft(editor).id)
    editor.refresh()

    assert not flyte.flows
    assert not editor.drafts


def test_changes_made_outside_the_editor_are_adopted(editor: FlowEditor, flyte: Flyte) -> None:
    flyte.add_flow(flow_from_text(_TEXT.replace("SendMessage", "Broadcast"), "test", is_json=False))
    editor.refresh()
    assert "Broadcast" in only_draft(editor).text

    flyte.remove_flow("greet")
    editor.refresh()
    assert not editor.drafts


def test_a_draft_created_as_json_stays_json(editor: FlowEditor, flyte: Flyte) -> None:
    step = {"event": {"packName": "Slack", "name": "E"}, "command": {"packName": "Slack", "name": "C"}}
    draft = editor.drafts[editor.create(json.dumps({"name": "written in JSON", "steps": [step]}))]

    assert editor.is_running(draft)
    assert "written in JSON" in flyte.flows


def test_the_number_of_flows_is_limited(editor: FlowEditor) -> None:
    for number in range(MAX_FLOWS - 1):
        editor.create(flow_text(f"flow {number}"))

    with pytest.raises(TooManyFlows):
        editor.create(flow_text("one too many"))


def test_a_draft_has_what_the_linter_finds_in_it(editor: FlowEditor) -> None:
    draft = only_draft(editor)
    editor.update(draft.id, _TEXT.replace("ReceivedMessage", "MessageReceived"))
    event, missing, *_ = draft.findings

    assert (draft.error, event.line, event.check) == ("", 4, "unknown-event")
    assert (missing.line, missing.check) == (5, "missing-input")
    state = draft.as_json(is_running=True)
    assert isinstance(state, dict)
    assert state["findings"][0]["message"].endswith("did you mean ReceivedMessage?")


def test_the_error_of_a_draft_is_not_among_its_findings(editor: FlowEditor) -> None:
    draft = only_draft(editor)
    editor.update(draft.id, _TEXT.replace("ReceivedMessage", "MessageReceived") + "  criteria: '{{ x | foo }}'\n")

    assert draft.error
    assert {"unknown-event", "unknown-name"} <= {finding.check for finding in draft.findings}
    assert "unknown-filter" not in {finding.check for finding in draft.findings}
