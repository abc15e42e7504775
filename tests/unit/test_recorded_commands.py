"""A recording has everything that commands change in Slack."""

from pathlib import Path

import pytest

from adapters.recording.entries import ChatRequested, Entry, MessagePosted
from adapters.recording.policy import RecordingPolicy
from adapters.recording.recorder import Recorder
from adapters.system_clock import SYSTEM_CLOCK
from application.catalog.commands import COMMANDS_BY_NAME
from application.resilience.interception import intercepted
from tests.support.chat_commands import CHAT_COMMANDS, ending, valid_input
from tests.support.environment import World, pack_settings

CHANGING = [name for name in CHAT_COMMANDS if not COMMANDS_BY_NAME[name].is_look_up]
ALLOWED = pack_settings(allowed_methods=("pins.*",))


class ListedEntries(Recorder):
    """Keeps the entries in memory."""

    def __init__(self) -> None:
        super().__init__(Path("nowhere"), lambda line: line, SYSTEM_CLOCK)
        self.entries: list[Entry] = []

    def write(self, entry: Entry) -> None:
        self.entries.append(entry)


@pytest.fixture
async def world() -> World:
    world = World()
    await world.join(world.c1)
    return world


@pytest.mark.parametrize("command", CHANGING)
async def test_what_a_command_changes_is_recorded(world: World, command: str) -> None:
    given = await valid_input(world, command)
    recorder = ListedEntries()
    world.chat = intercepted(world.chat, RecordingPolicy(recorder))

    async with world.pack(ALLOWED):
        outcome = await ending(world, command, given)

    assert outcome.name == COMMANDS_BY_NAME[command].success
    assert any(isinstance(entry, ChatRequested | MessagePosted) for entry in recorder.entries)
