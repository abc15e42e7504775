"""Reloading changed files of flows and packs."""

from pathlib import Path

from entrypoints.simulation.console.file_reloader import FileReloader
from entrypoints.simulation.flyte.engine import Flyte
from entrypoints.simulation.flyte.flow_loader import flow_from_file
from entrypoints.simulation.flyte.models import ActionState
from entrypoints.simulation.flyte.scripted_pack import ScriptedPack, pack_from_file

FLOW = """
name: reply
description: {}
steps:
- event: {{packName: Slack, name: ReceivedMessage}}
  command: {{packName: Slack, name: Broadcast, input: {{message: "{}"}}}}
"""


PACK = "name: {}\ncommands: {{Deploy: {{event: {}}}}}\n"
DEPLOYING = """
name: deploying
steps:
- id: deploy
  event: {packName: Slack, name: ReceivedMessage}
  command: {packName: Deployer, name: Deploy}
- id: done
  dependsOn: [deploy]
  event: {packName: Deployer, name: Deployed}
  command: {packName: Slack, name: Broadcast, input: {message: done}}
"""


class Reloading:
    """Files of a flow and a pack, the Flyte that runs them, their reloader and its output."""

    def __init__(self, folder: Path) -> None:
        self.file, self.pack_file = folder / "flow.yaml", folder / "pack.yaml"
        self.file.write_text(FLOW.format("first", "hi"))
        self.pack_file.write_text(PACK.format("Deployer", "Deployed"))
        flow = flow_from_file(self.file)
        self.flyte = Flyte(flows=[flow])
        pack = ScriptedPack(pack_from_file(self.pack_file), self.flyte)
        self.output: list[tuple[str, str]] = []
        self.errors: list[str] = []
        self.reloader = FileReloader(
            self.flyte,
            {self.file: flow.name},
            {self.pack_file: pack},
            lambda *news: self.output.append(news),
            self.errors.append,
        )

    def poll(self) -> None:
        for path in self.reloader.changed_files():
            self.reloader.reload(path)

    async def answer_to(self, pack: str) -> str:
        """Returns the event with which a pack answers the command Deploy."""
        action = self.flyte.actions[self.flyte.queue_action(pack, "Deploy")]
        await self.flyte.wait_for(lambda: action.state.is_finished)
        assert action.result is not None
        return action.result.name


async def test_a_changed_flow_is_replaced(tmp_path: Path) -> None:
    flows = Reloading(tmp_path)
    flows.poll()
    assert flows.output == []

    flows.file.write_text(FLOW.format("second one", "hi"))
    flows.poll()
    flows.poll()

    assert flows.flyte.flows["reply"].description == "second one"
    assert flows.output == [("reloaded flow reply", "good")]


async def test_an_invalid_file_keeps_the_previous_version(tmp_path: Path) -> None:
    flows = Reloading(tmp_path)

    flows.file.write_text(FLOW.format("second", "{{ oops"))
    flows.poll()

    assert flows.flyte.flows["reply"].description == "first"
    assert flows.output == []
    (error,) = flows.errors
    assert error.startswith(f"{flows.file}:")
    assert error.endswith("(the previous version keeps running)")


async def test_a_missing_file_keeps_the_previous_version(tmp_path: Path) -> None:
    flows = Reloading(tmp_path)

    flows.file.unlink()
    flows.poll()

    assert "reply" in flows.flyte.flows
    assert "cannot be read" in flows.errors[0]


async def test_a_renamed_flow_no_longer_runs_under_its_old_name(tmp_path: Path) -> None:
    flows = Reloading(tmp_path)

    flows.file.write_text(FLOW.format("first", "hi").replace("reply", "other"))
    flows.poll()

    assert list(flows.flyte.flows) == ["other"]


async def test_the_warnings_about_a_changed_flow_are_shown(tmp_path: Path) -> None:
    flows = Reloading(tmp_path)

    flows.file.write_text(FLOW.format("second", "hi") + "  commandd: x\n")
    flows.poll()

    assert [text for text, _ in flows.output] == [
        f"warning: {flows.file}:7:3: step 1, commandd: unknown key 'commandd'; did you mean 'command'? [unknown-key]",
        "reloaded flow reply",
    ]


async def test_a_changed_pack_gives_its_new_answers(tmp_path: Path) -> None:
    files = Reloading(tmp_path)
    assert await files.answer_to("Deployer") == "Deployed"

    files.pack_file.write_text(PACK.format("Deployer", "DeployFailed"))
    files.poll()

    assert await files.answer_to("Deployer") == "DeployFailed"
    assert files.output == [("reloaded pack Deployer", "good")]


async def test_an_invalid_pack_file_keeps_the_previous_answers(tmp_path: Path) -> None:
    files = Reloading(tmp_path)

    files.pack_file.write_text("name: Deployer\n")
    files.poll()

    assert files.errors == [f"{files.pack_file}:1:1: commands: missing (the previous version keeps running)"]
    assert await files.answer_to("Deployer") == "Deployed"


async def test_a_pack_with_another_name_takes_the_commands_that_wait_for_it(tmp_path: Path) -> None:
    files = Reloading(tmp_path)
    waiting = files.flyte.actions[files.flyte.queue_action("Releaser", "Deploy")]

    files.pack_file.write_text(PACK.format("Releaser", "Released"))
    files.poll()

    assert list(files.flyte.packs) == ["Releaser"]
    await files.flyte.wait_for(lambda: waiting.state.is_finished)
    assert await files.answer_to("Releaser") == "Released"


async def test_a_slow_answer_of_a_pack_with_another_name_still_comes(tmp_path: Path) -> None:
    files = Reloading(tmp_path)
    files.pack_file.write_text("name: Deployer\ncommands: {Deploy: {event: Deployed, after: 50ms}}\n")
    files.poll()
    action = files.flyte.actions[files.flyte.queue_action("Deployer", "Deploy")]
    await files.flyte.wait_for(lambda: action.state is ActionState.PENDING)

    files.pack_file.write_text(PACK.format("Releaser", "Released"))
    files.poll()

    await files.flyte.wait_for(lambda: action.state is ActionState.SUCCESS)


async def test_what_a_changed_pack_breaks_in_a_flow_is_told(tmp_path: Path) -> None:
    files = Reloading(tmp_path)
    files.file.write_text(DEPLOYING)
    files.poll()
    files.output.clear()

    files.pack_file.write_text(PACK.format("Deployer", "DeployDone"))
    files.poll()

    *warnings, reloaded = [text for text, _ in files.output]
    assert any("no step waits for DeployDone, the answer to Deploy" in warning for warning in warnings)
    assert reloaded == "reloaded pack Deployer"
