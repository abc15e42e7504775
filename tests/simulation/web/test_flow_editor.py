"""The desk on which flows are written."""

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
def desk(flyte: Flyte) -> FlowEditor:
    desk = FlowEditor(flyte)
    desk.refresh()
    return desk


def only_sheet(desk: FlowEditor) -> Draft:
    (sheet,) = desk.drafts.values()
    return sheet


def test_a_flow_from_a_file_is_shown_as_the_file_has_it(tmp_path: Path) -> None:
    path = tmp_path / "greet.yaml"
    path.write_text(_TEXT, encoding="utf-8")
    desk = FlowEditor(Flyte(flows=[flow_from_file(path)]), [path, tmp_path / "gone.yaml"])

    desk.refresh()

    assert only_sheet(desk).text == _TEXT


def test_a_flow_that_came_otherwise_is_written_out(desk: FlowEditor) -> None:
    assert only_sheet(desk).text.startswith("name: greet\nsteps:\n")


def test_a_changed_text_runs_at_once(desk: FlowEditor, flyte: Flyte) -> None:
    sheet = only_sheet(desk)
    desk.update(sheet.id, _TEXT.replace("SendMessage", "JoinChannel"))

    assert flyte.flows["greet"].steps[0].command_name == "JoinChannel"
    assert desk.is_running(sheet)
    assert sheet.error == ""


def test_another_name_takes_the_place_of_the_first(desk: FlowEditor, flyte: Flyte) -> None:
    desk.update(only_sheet(desk).id, flow_text("welcome"))
    desk.refresh()

    assert list(flyte.flows) == ["welcome"]
    assert only_sheet(desk).text == flow_text("welcome")


@pytest.mark.parametrize(
    ("text", "line", "column", "error"),
    [
        (
            _TEXT.replace("packName", "pakName", 1),
            4,
            11,
            "step 1, event.pakName: unknown key 'pakName'",
        ),
        ("name: x\nsteps: [", 2, 9, "expected the node content"),
        (_TEXT + "  criteria: '{{ x | foo }}'\n", 6, 3, "step 1, criteria: line 1, column 8: the filter 'foo'"),
        ("", 0, 0, "expected an object"),
    ],
)
def test_a_mistake_is_told_with_its_place_and_what_ran_goes_on(
    desk: FlowEditor, flyte: Flyte, text: str, line: int, column: int, error: str
) -> None:
    sheet = only_sheet(desk)
    desk.update(sheet.id, text)
    desk.refresh()

    assert (sheet.line, sheet.column) == (line, column)
    assert sheet.error.startswith(error)
    assert desk.is_running(sheet)
    assert sheet.text == text
    assert list(flyte.flows) == ["greet"]


def test_two_flows_have_two_names(desk: FlowEditor, flyte: Flyte) -> None:
    second = desk.drafts[desk.create(_TEXT)]

    assert second.error == "name: another flow is called greet"
    assert not desk.is_running(second)
    desk.update(second.id, flow_text("second"))
    assert desk.is_running(second)
    assert set(flyte.flows) == {"greet", "second"}


def test_a_flow_thrown_away_runs_no_more(desk: FlowEditor, flyte: Flyte) -> None:
    desk.delete(only_sheet(desk).id)
    desk.refresh()

    assert not flyte.flows
    assert not desk.drafts


def test_a_flow_that_others_remove_or_replace_is_so_on_the_desk_too(desk: FlowEditor, flyte: Flyte) -> None:
    flyte.add_flow(flow_from_text(_TEXT.replace("SendMessage", "Broadcast"), "test", is_json=False))
    desk.refresh()
    assert "Broadcast" in only_sheet(desk).text

    flyte.remove_flow("greet")
    desk.refresh()
    assert not desk.drafts


def test_a_sheet_begun_in_json_stays_in_json(desk: FlowEditor, flyte: Flyte) -> None:
    step = {"event": {"packName": "Slack", "name": "E"}, "command": {"packName": "Slack", "name": "C"}}
    sheet = desk.drafts[desk.create(json.dumps({"name": "written in JSON", "steps": [step]}))]

    assert desk.is_running(sheet)
    assert "written in JSON" in flyte.flows


def test_the_desk_has_an_end(desk: FlowEditor) -> None:
    for number in range(MAX_FLOWS - 1):
        desk.create(flow_text(f"flow {number}"))

    with pytest.raises(TooManyFlows):
        desk.create(flow_text("one too many"))
