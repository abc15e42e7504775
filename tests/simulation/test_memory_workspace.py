"""What people see of the bot in the workspace of the in-memory chat."""

from datetime import UTC, datetime

import pytest

from adapters.memory.chat import MemoryChat
from adapters.memory.receiver import MemoryReceiver
from domain.channels import ChannelId
from domain.messages import OutgoingMessage, RichMessage
from entrypoints.simulation.workspaces.memory_workspace import MemoryWorkspace
from entrypoints.simulation.workspaces.workspace import BOT, ChatMessage, WorkspaceEvent
from entrypoints.testing.manual_clock import ManualClock

OPS = ChannelId("C1")


class People:
    def __init__(self) -> None:
        clock = ManualClock(datetime(2026, 1, 1, tzinfo=UTC))
        self.chat = MemoryChat(clock)
        self.workspace = MemoryWorkspace(self.chat, MemoryReceiver(self.chat, clock))
        self.workspace.add_person("alice")
        self.workspace.add_channel("#ops", OPS)
        self.workspace.invite(BOT, self.workspace.conversation("#ops", ""))
        self.seen: list[tuple[str, str, str]] = []
        self.workspace.listeners.append(self._see)

    def _see(self, event: WorkspaceEvent) -> None:
        if isinstance(event, ChatMessage):
            self.seen.append((event.channel_label, event.speaker, event.text))


@pytest.fixture
def people() -> People:
    return People()


async def test_a_direct_message_of_the_bot_reaches_a_person_who_never_wrote_to_it(people: People) -> None:
    direct = await people.chat.open_direct(people.workspace.user_ids["alice"])

    await people.chat.post(OutgoingMessage(direct, "psst"), None)

    assert people.seen == [(f"@{BOT}", BOT, "psst")]
    assert people.workspace.conversation(f"@{BOT}", "alice").id == direct


async def test_every_message_of_the_bot_shows_its_own_text(people: People) -> None:
    upload = await people.chat.begin_upload("log.txt", 1)
    await people.chat.upload(upload, b"x")

    await people.chat.post(
        RichMessage({"channel": OPS, "text": "rich", "blocks": [{"type": "section", "text": {"text": "details"}}]}),
        None,
    )
    await people.chat.finish_upload(upload.file_id, OPS, title="", message="the log", thread_timestamp="")
    url = people.chat.new_response_url(OPS)
    await people.chat.respond(url, {"text": "on it", "response_type": "in_channel"})

    assert people.seen == [
        ("#ops", BOT, "rich\n| details"),
        ("#ops", BOT, "the log"),
        ("#ops", BOT, "on it"),
    ]


async def test_channels_have_the_names_of_their_labels(people: People) -> None:
    assert [channel.name for channel in await people.chat.channels()] == ["ops"]
