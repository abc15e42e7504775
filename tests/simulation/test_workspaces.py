"""What people do with messages in the workspace of the simulated Slack."""

from typing import Any

import pytest

from entrypoints.simulation.slack.event_log import EventRaised, SlackEvent
from entrypoints.simulation.slack.server import SlackServer
from entrypoints.simulation.workspaces.slack_workspace import SlackWorkspace
from entrypoints.simulation.workspaces.workspace import BOT, Conversation, UnknownName, UploadedFile


class World:
    """Alice and the bot in #ops, and the events that the bot gets."""

    def __init__(self) -> None:
        slack = SlackServer(bot_name=BOT)
        self.workspace = SlackWorkspace(slack)
        self.workspace.add_person("alice")
        self.workspace.add_channel("#ops")
        self.workspace.invite(BOT, self.ops)
        self.events: list[dict[str, Any]] = []
        slack.log.listeners.append(self._record)

    @property
    def ops(self) -> Conversation:
        return self.workspace.conversation("#ops", "alice")

    def kinds(self) -> list[str]:
        return [event.get("subtype") or event["type"] for event in self.events]

    def _record(self, event: SlackEvent) -> None:
        if isinstance(event, EventRaised) and event.reaches_bot:
            self.events.append(event.event)


@pytest.fixture
def world() -> World:
    return World()


async def test_a_reaction_is_added_and_removed_in_turn(world: World) -> None:
    ts = world.workspace.say("alice", world.ops, "hello")
    added = [world.workspace.toggle_reaction("alice", world.ops, ts, "eyes") for _ in range(3)]
    assert added == [True, False, True]
    assert world.kinds()[1:] == ["reaction_added", "reaction_removed", "reaction_added"]


async def test_a_deleted_message_is_gone(world: World) -> None:
    ts = world.workspace.say("alice", world.ops, "hello")
    world.workspace.delete(world.ops, ts)
    assert world.kinds()[1:] == ["message_deleted"]
    with pytest.raises(UnknownName, match="no longer in #ops"):
        world.workspace.delete(world.ops, ts)


async def test_an_uploaded_file_is_in_a_message(world: World) -> None:
    world.workspace.upload("alice", world.ops, UploadedFile("report.txt", b"all is well", "the report"))
    [event] = world.events
    [file] = event["files"]
    assert (event["text"], file["name"], file["size"], file["mimetype"]) == (
        "the report",
        "report.txt",
        11,
        "text/plain",
    )
