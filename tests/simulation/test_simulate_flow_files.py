"""Flow files are read again when they change."""

from pathlib import Path

from entrypoints.simulation.console.flow_reloader import FlowReloader
from entrypoints.simulation.flyte.engine import Flyte
from entrypoints.simulation.flyte.flow_loader import flow_from_file

FLOW = """
name: reply
description: {}
steps:
- event: {{packName: Slack, name: ReceivedMessage}}
  command: {{packName: Slack, name: Broadcast, input: {{message: "{}"}}}}
"""


class Desk:
    """A flow file, the Flyte that runs it, and what is output of it."""

    def __init__(self, folder: Path) -> None:
        self.file = folder / "flow.yaml"
        self.file.write_text(FLOW.format("first", "hi"))
        flow = flow_from_file(self.file)
        self.flyte = Flyte(flows=[flow])
        self.output: list[tuple[str, str]] = []
        self.watch = FlowReloader(self.flyte, {self.file: flow.name}, lambda *news: self.output.append(news))

    def look(self) -> None:
        for path in self.watch.changed_files():
            self.watch.reload(path)


def test_a_changed_flow_takes_the_place_of_what_it_was(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    desk.look()
    assert desk.output == []

    desk.file.write_text(FLOW.format("second one", "hi"))
    desk.look()
    desk.look()

    assert desk.flyte.flows["reply"].description == "second one"
    assert desk.output == [("flow reply was read again", "good")]


def test_a_flow_that_can_no_longer_be_read_goes_on_as_it_was(tmp_path: Path) -> None:
    desk = Desk(tmp_path)

    desk.file.write_text(FLOW.format("second", "{{ oops"))
    desk.look()

    assert desk.flyte.flows["reply"].description == "first"
    ((output, style),) = desk.output
    assert output.startswith(f"{desk.file}:")
    assert output.endswith("(the flow goes on as it was)")
    assert style == "bad"


def test_a_file_that_is_gone_changes_nothing(tmp_path: Path) -> None:
    desk = Desk(tmp_path)

    desk.file.unlink()
    desk.look()

    assert "reply" in desk.flyte.flows
    assert "cannot be read" in desk.output[0][0]


def test_a_flow_that_is_renamed_is_not_run_by_its_old_name(tmp_path: Path) -> None:
    desk = Desk(tmp_path)

    desk.file.write_text(FLOW.format("first", "hi").replace("reply", "other"))
    desk.look()

    assert list(desk.flyte.flows) == ["other"]
