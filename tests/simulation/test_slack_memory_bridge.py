"""The pack's own chat and receiver on a simulated Slack in the same process."""

from collections.abc import AsyncIterator

import pytest

from adapters.slack.events import NOTHING_OPTIONAL
from adapters.system_clock import SYSTEM_CLOCK
from application.ports.receiver import Connected, Disconnected
from domain.channels import ChannelId
from domain.errors import ChatRejected
from domain.interactions import SlashCommand
from domain.messages import IncomingMessage, OutgoingMessage, RichMessage
from entrypoints.simulation.slack.delivery.interaction import InteractionState
from entrypoints.simulation.slack.memory_bridge import SlackMemoryBridge
from entrypoints.simulation.slack.server import SlackServer

ALICE = "U1"
OPS = ChannelId("C1")


class Pack:
    def __init__(self) -> None:
        self.slack = SlackServer(bot_name="flyte")
        self.bridge = SlackMemoryBridge(self.slack, SYSTEM_CLOCK, NOTHING_OPTIONAL, command_reply="working on it")
        self.chat = self.bridge.chat
        self.slack.add_user("alice", user_id=ALICE)
        self.slack.add_channel("ops", channel_id=OPS, members=["alice", "flyte"])

    @property
    def texts(self) -> list[str]:
        return [str(message["text"]) for message in self.slack.history(OPS)]


@pytest.fixture
async def pack() -> AsyncIterator[Pack]:
    pack = Pack()
    async with pack.slack.in_process():
        yield pack


async def test_messages_are_posted(pack: Pack) -> None:
    receipt = await pack.chat.post(OutgoingMessage(OPS, "hello"), None)

    assert pack.texts == ["hello"]
    assert receipt.timestamp == pack.slack.posts[-1].ts


async def test_blocks_are_checked_as_by_slack(pack: Pack) -> None:
    message = RichMessage({"channel": OPS, "blocks": [{"type": "section"}]})

    with pytest.raises(ChatRejected, match="invalid_blocks"):
        await pack.chat.post(message, None)


async def test_a_direct_message_of_the_bot_reaches_a_person_who_never_wrote_to_it(pack: Pack) -> None:
    direct = await pack.chat.open_direct(ALICE)

    await pack.chat.post(OutgoingMessage(direct, "psst"), None)

    assert pack.slack.history(direct)[-1]["text"] == "psst"


async def test_a_file_is_uploaded(pack: Pack) -> None:
    upload = await pack.chat.begin_upload("log.txt", 1)
    await pack.chat.upload(upload, b"x")
    await pack.chat.finish_upload(upload.file_id, OPS, title="", message="the log", thread_timestamp="")

    assert pack.texts == ["the log"]
    assert pack.slack.files.by_id[upload.file_id].content == b"x"


async def test_an_interaction_is_answered_at_its_address(pack: Pack) -> None:
    async with pack.bridge.receiver.events():
        command = pack.slack.run_command("alice", OPS, "/deploy")
        await pack.chat.respond(command.payload["response_url"], {"text": "on it", "response_type": "in_channel"})

    assert pack.texts == ["on it"]


async def test_an_unknown_address_is_refused(pack: Pack) -> None:
    with pytest.raises(ChatRejected):
        await pack.chat.respond(f"{pack.slack.url}/actions/T1/none", {"text": "on it"})


async def test_messages_and_interactions_are_received_and_acknowledged(pack: Pack) -> None:
    async with pack.bridge.receiver.events() as events:
        pack.slack.say("alice", OPS, "hello")
        command = pack.slack.run_command("alice", OPS, "/deploy")
        received = [await anext(events) for _ in range(3)]
        for incoming in received:
            await incoming.acknowledge()

    assert {type(incoming.event) for incoming in received} == {Connected, IncomingMessage, SlashCommand}
    assert not pack.slack.unacknowledged
    assert command.response == {"text": "working on it"}


async def test_events_wait_and_interactions_fail_while_it_is_disconnected(pack: Pack) -> None:
    async with pack.bridge.receiver.events() as events:
        pack.bridge.receiver.disconnect(None)
        pack.slack.say("alice", OPS, "hello")
        command = pack.slack.run_command("alice", OPS, "/deploy")
        pack.bridge.receiver.reconnect()
        received = [(await anext(events)).event for _ in range(4)]

    assert command.state is InteractionState.FAILED
    assert [type(event) for event in received] == [Connected, Disconnected, Connected, IncomingMessage]
