"""The flow editor."""

import json
from pathlib import Path

import pytest

from entrypoints.lint.packs import Packs
from entrypoints.simulation.flyte.engine import Flyte
from entrypoints.simulation.flyte.flow_loader import BUILT_IN, flow_from_file, flow_from_text, flow_from_values
from entrypoints.simulation.flyte.scripted_pack import PackScript, ScriptedAnswer
from entrypoints.simulation.web.flow_editor import MAX_FLOWS, Draft, FlowEditor, TooManyFlows
from entrypoints.simulation.web.flow_file import FileUnusable

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


def opened(path: Path, text: str = _TEXT) -> FlowEditor:
    """Returns an editor of the flow in this file."""
    path.write_text(text, encoding="utf-8")
    editor = FlowEditor(Flyte(flows=[flow_from_file(path)]), [path])
    editor.refresh()
    return editor


def version_of(editor: FlowEditor) -> str:
    file = only_draft(editor).file
    assert file is not None
    return file.version


async def test_a_flow_is_saved_in_the_file_that_it_comes_from(tmp_path: Path) -> None:
    path = tmp_path / "greet.yaml"
    editor = opened(path)
    changed = _TEXT.replace("SendMessage", "JoinChannel")

    await editor.save(only_draft(editor).id, changed, version_of(editor))

    assert path.read_text(encoding="utf-8") == only_draft(editor).text == changed
    await editor.save(only_draft(editor).id, _TEXT, version_of(editor))
    assert path.read_text(encoding="utf-8") == _TEXT


async def test_a_file_that_has_changed_since_it_was_read_is_not_overwritten(tmp_path: Path) -> None:
    path = tmp_path / "greet.yaml"
    editor = opened(path)
    read = version_of(editor)
    path.write_text(_TEXT + "# by hand\n", encoding="utf-8")

    with pytest.raises(FileUnusable, match=r"greet\.yaml has changed on disk since it was read, so it was not saved"):
        await editor.save(only_draft(editor).id, flow_text("welcome"), read)

    assert path.read_text(encoding="utf-8").endswith("# by hand\n")
    assert only_draft(editor).text == flow_text("welcome")


async def test_a_file_that_has_changed_is_saved_again_once_it_was_loaded(tmp_path: Path) -> None:
    path = tmp_path / "greet.yaml"
    editor = opened(path)
    path.write_text(_TEXT + "# by hand\n", encoding="utf-8")

    await editor.load(only_draft(editor).id)
    assert only_draft(editor).text.endswith("# by hand\n")
    await editor.save(only_draft(editor).id, _TEXT, version_of(editor))

    assert path.read_text(encoding="utf-8") == _TEXT


async def test_a_file_that_was_deleted_is_not_saved(tmp_path: Path) -> None:
    path = tmp_path / "greet.yaml"
    editor = opened(path)
    path.unlink()

    with pytest.raises(FileUnusable, match=r"greet\.yaml cannot be read: No such file or directory"):
        await editor.save(only_draft(editor).id, _TEXT, version_of(editor))

    assert not path.exists()


async def test_a_flow_that_comes_from_no_file_is_not_saved(editor: FlowEditor) -> None:
    with pytest.raises(FileUnusable, match="this flow comes from no file of yours: download it instead"):
        await editor.save(only_draft(editor).id, _TEXT, "any")


def test_a_built_in_flow_has_its_files_text_and_no_file_to_save_it_in() -> None:
    echo = BUILT_IN / "echo.yaml"
    editor = FlowEditor(Flyte(flows=[flow_from_file(echo)]))

    editor.refresh()

    assert only_draft(editor).text == echo.read_text(encoding="utf-8")
    assert only_draft(editor).file is None


def test_a_file_that_is_read_again_with_the_same_text_does_not_undo_later_changes(tmp_path: Path) -> None:
    path = tmp_path / "greet.yaml"
    path.write_text(_TEXT, encoding="utf-8")
    flyte = Flyte(flows=[flow_from_file(path)])
    editor = FlowEditor(flyte, [path])
    editor.refresh()
    editor.update(only_draft(editor).id, _TEXT.replace("SendMessage", "JoinChannel"))

    flyte.add_flow(flow_from_file(path))
    editor.refresh()

    assert "JoinChannel" in only_draft(editor).text
    assert flyte.flows["greet"].steps[0].command_name == "JoinChannel"


def test_the_linter_knows_the_packs_of_the_session(flyte: Flyte) -> None:
    packs = [Packs()]
    editor = FlowEditor(flyte, known_packs=lambda: packs[0])
    waiting = """
name: deploy
steps:
- id: start
  event: {packName: Slack, name: ReceivedMessage}
  command: {packName: Deployer, name: Deploy}
- dependsOn: [start]
  event: {packName: Deployer, name: DeployDone}
  command: {packName: Deployer, name: Deploy}
"""
    draft = editor.drafts[editor.create(waiting)]
    assert not any("DeployDone" in finding.message for finding in draft.findings)

    script = PackScript(name="Deployer", commands={"Deploy": (ScriptedAnswer(event="Deployed"),)})
    packs[0] = Packs(scripts=[script])
    editor.refresh()

    assert any("DeployDone" in finding.message for finding in draft.findings)


def test_a_flow_of_json_is_shown_as_yaml() -> None:
    editor = FlowEditor(Flyte(flows=[flow_from_values({"name": "greet", "steps": []}, "test")]))

    editor.refresh()

    assert only_draft(editor).text == "name: greet\nsteps: []\n"


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
