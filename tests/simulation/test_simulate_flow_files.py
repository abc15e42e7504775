"""Reloading changed flow files."""

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


class Reloading:
    """A flow file, the Flyte that runs it, its reloader and the output."""

    def __init__(self, folder: Path) -> None:
        self.file = folder / "flow.yaml"
        self.file.write_text(FLOW.format("first", "hi"))
        flow = flow_from_file(self.file)
        self.flyte = Flyte(flows=[flow])
        self.output: list[tuple[str, str]] = []
        self.reloader = FlowReloader(self.flyte, {self.file: flow.name}, [], lambda *news: self.output.append(news))

    def poll(self) -> None:
        for path in self.reloader.changed_files():
            self.reloader.reload(path)


def test_a_changed_flow_is_replaced(tmp_path: Path) -> None:
    flows = Reloading(tmp_path)
    flows.poll()
    assert flows.output == []

    flows.file.write_text(FLOW.format("second one", "hi"))
    flows.poll()
    flows.poll()

    assert flows.flyte.flows["reply"].description == "second one"
    assert flows.output == [("reloaded flow reply", "good")]


def test_an_invalid_file_keeps_the_previous_version(tmp_path: Path) -> None:
    flows = Reloading(tmp_path)

    flows.file.write_text(FLOW.format("second", "{{ oops"))
    flows.poll()

    assert flows.flyte.flows["reply"].description == "first"
    ((output, style),) = flows.output
    assert output.startswith(f"{flows.file}:")
    assert output.endswith("(the previous version keeps running)")
    assert style == "bad"


def test_a_missing_file_keeps_the_previous_version(tmp_path: Path) -> None:
    flows = Reloading(tmp_path)

    flows.file.unlink()
    flows.poll()

    assert "reply" in flows.flyte.flows
    assert "cannot be read" in flows.output[0][0]


def test_a_renamed_flow_no_longer_runs_under_its_old_name(tmp_path: Path) -> None:
    flows = Reloading(tmp_path)

    flows.file.write_text(FLOW.format("first", "hi").replace("reply", "other"))
    flows.poll()

    assert list(flows.flyte.flows) == ["other"]


def test_the_warnings_about_a_changed_flow_are_shown(tmp_path: Path) -> None:
    flows = Reloading(tmp_path)

    flows.file.write_text(FLOW.format("second", "hi") + "  commandd: x\n")
    flows.poll()

    assert [text for text, _ in flows.output] == [
        f"warning: {flows.file}:7:3: step 1, commandd: unknown key 'commandd'; did you mean 'command'? [unknown-key]",
        "reloaded flow reply",
    ]
