"""A state directory and a recording that an earlier version wrote are taken over unchanged."""

import asyncio
import json
import shutil
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner

from adapters.filesystem.storage import FileStorage
from adapters.memory.chat import MemoryChat
from adapters.memory.receiver import MemoryReceiver
from adapters.memory.workflow import MemoryWorkflow
from adapters.recording.schemas import dump_entry, load_entry
from application.ports.workflow import PackDefinition
from domain.actions import Action, ActionId, ActionState, JournalEntry, Step, StepName
from domain.channels import ChannelId
from domain.commands import (
    Broadcast,
    Command,
    JoinChannel,
    LeaveChannel,
    SendMessage,
    SendRichMessage,
    UnknownCommand,
    UnreadableCommand,
)
from domain.events import (
    BroadcastFailed,
    ChannelFailure,
    ChannelJoined,
    ChannelLeft,
    Fatal,
    MessageSent,
    RichMessageSent,
)
from domain.messages import IdempotencyKey, IncomingMessage, OutgoingMessage, Receipt, RichMessage
from domain.outbox import Backlog, Lane, OutboxEntry, outbox_entry
from domain.users import User
from entrypoints.cli.commands import main
from entrypoints.container.adapters import FixedAdapters
from entrypoints.container.application import Application
from entrypoints.testing.manual_clock import ManualClock
from tests.support.environment import DEFAULTS

DATA = Path(__file__).parent / "data" / "earlier_version"
WRITTEN_AT = datetime(2025, 12, 31, 23, 50, 0, 123_000, tzinfo=UTC)
C1, C2, C3, C9, D1 = map(ChannelId, ("C1", "C2", "C3", "C9", "D1"))


def after(seconds: float) -> datetime:
    return WRITTEN_AT + timedelta(seconds=seconds)


def timestamp(number: int) -> str:
    return f"{1767225000 + number}.{number:06}"


def entry(channel_id: ChannelId, number: int, text: str, **fields: object) -> OutboxEntry:
    message = IncomingMessage(channel_id, timestamp(number), text)
    return outbox_entry(replace(message, **fields), after(number))  # type: ignore[arg-type] # any fields


DELIVERED = [entry(C1, 1, "delivered one", user_id="U1"), entry(C1, 2, "delivered two", user_id="U1")]
FIRST_CLAIMED = entry(C1, 20, "first of an interrupted claim", user_id="U1")
SECOND_CLAIMED = entry(C1, 21, "second of an interrupted claim", user_id="U1", thread_timestamp=timestamp(1))
REJECTED = replace(entry(C2, 10, "waits after two rejections", user_id="U1"), rejections=2, first_rejected_at=after(11))
BY_BOT = entry(
    C2,
    26,
    "a bot's message: ü 🦀",
    bot_id="B1",
    bot_name="Deploy bot",
    reply_count=2,
    replies=({"user": "U1", "ts": timestamp(27)}, {"user": "U2", "ts": timestamp(28)}),
)
DIRECT = entry(D1, 25, "a direct message", user_id="U1", is_direct=True)
WAITING = [REJECTED, FIRST_CLAIMED, SECOND_CLAIMED, DIRECT, BY_BOT]
DEAD_LETTER = replace(
    entry(C2, 5, "set aside", user_id="U1"),
    rejections=1,
    first_rejected_at=after(6),
    dead_letter_reason="Flyte refuses what was sent (400)",
)

HELLO = OutgoingMessage(C1, "completed, not yet reported")
RICH = RichMessage({"channel": "C1", "text": "rich", "blocks": [{"type": "divider"}]})
REPLY = OutgoingMessage(C2, "only recorded", timestamp(5))
SENT = MessageSent(HELLO, Receipt(C1, "1767225042.000100"))
COMMANDS: list[Command] = [
    LeaveChannel(C3),
    JoinChannel(C2),
    SendMessage(HELLO),
    Broadcast("to all channels"),
    SendRichMessage(RICH),
    SendMessage(REPLY),
    UnknownCommand("Dance"),
    UnreadableCommand("SendMessage", "message: not a string"),
]
IDS = [ActionId(f"action-{number}") for number in range(1, 9)]
RECORDED = [
    JournalEntry(Action(action_id, command), after(31 + number))
    for number, (action_id, command) in enumerate(zip(IDS, COMMANDS, strict=True))
]
REPORTED = replace(RECORDED[0], state=ActionState.REPORTED, outcome=ChannelLeft(C3), completed_at=after(40))
REPORT_REJECTED = replace(
    RECORDED[1],
    state=ActionState.DEAD_LETTERED,
    outcome=ChannelJoined(C2),
    completed_at=after(41),
    dead_letter_reason="Flyte refuses the result (400)",
)
COMPLETED = replace(
    RECORDED[2],
    state=ActionState.COMPLETED,
    steps={StepName("C1"): Step(after(42), Receipt(C1, "1767225042.000100"))},
    outcome=SENT,
    completed_at=after(43),
)
HALF_BROADCAST = replace(
    RECORDED[3],
    state=ActionState.EXECUTING,
    steps={
        StepName("C1"): Step(after(44), Receipt(C1, "1767225044.000100", in_doubt=True)),
        StepName("C2"): Step(after(45)),
        StepName("C9"): Step(after(45), error="not_in_channel: invite the bot"),
    },
)
IN_DOUBT = replace(RECORDED[4], state=ActionState.EXECUTING, steps={StepName("C1"): Step(after(46))})
UNFINISHED = [COMPLETED, HALF_BROADCAST, IN_DOUBT, *RECORDED[5:]]
BROADCAST_KEY = IdempotencyKey("229373b761e8802d157cb4a1d9d99f6f")
RICH_KEY = IdempotencyKey("faa9affa8e0ed334f10e055765ab4acc")
"""The keys that the earlier version gave to the post of `HALF_BROADCAST` into C2 and to that of `IN_DOUBT`."""


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(WRITTEN_AT + timedelta(minutes=2))


@pytest.fixture
async def storage(tmp_path: Path, clock: ManualClock) -> AsyncIterator[FileStorage]:
    """The storage in a copy of the state directory."""
    directory = tmp_path / "state"
    shutil.copytree(DATA / "state", directory)
    directory.chmod(0o700)
    for file in directory.iterdir():
        file.chmod(0o600)
    storage = FileStorage(directory, clock)
    async with storage.open():
        yield storage


async def test_joined_channels_are_taken_over(storage: FileStorage) -> None:
    assert (await storage.channels.joined()).ids == (C1, C2)
    assert await storage.channels.unjoined_memberships() == frozenset({ChannelId("C8"), ChannelId("C9")})
    assert await storage.channels.last_message_at(C1) == datetime.fromtimestamp(float(timestamp(21)), UTC)
    assert await storage.channels.active_since(WRITTEN_AT + timedelta(seconds=25.5)) == {C2}


async def test_outbox_entries_are_taken_over(storage: FileStorage) -> None:
    assert [one async for one in storage.outbox.entries()] == WAITING
    assert [one async for one in storage.outbox.entries(dead_lettered=True)] == [DEAD_LETTER]
    assert await storage.outbox.backlog() == Backlog(5, 1, REJECTED.received_at)


async def test_keys_of_messages_are_recognised(storage: FileStorage) -> None:
    known = [*DELIVERED, *WAITING, DEAD_LETTER]

    assert await storage.outbox.append([*known, entry(C1, 90, "new")]) == [False] * len(known) + [True]


async def test_claims_are_taken_over_and_delays_by_the_time_of_day_are_not(storage: FileStorage) -> None:
    claims = await storage.outbox.claim(10, 10, lease_seconds=600)

    assert {str(claim.lane): (claim.entries, claim.previous_lease_expired) for claim in claims} == {
        C1: ((FIRST_CLAIMED, SECOND_CLAIMED), True),
        C2: ((REJECTED, BY_BOT), False),
        D1: ((DIRECT,), False),
    }


async def test_actions_are_taken_over(storage: FileStorage) -> None:
    journal = storage.journal

    assert [one async for one in journal.entries()] == UNFINISHED
    assert [one async for one in journal.entries(dead_lettered=True)] == [REPORT_REJECTED]
    assert await journal.load(IDS[0]) == REPORTED
    assert await journal.backlog() == Backlog(6, 1, COMPLETED.taken_at)
    assert await journal.open_poll_session() == after(50)
    assert await journal.record(REPORTED.action, lane=Lane("C1")) == REPORTED
    assert await journal.claim_orphans(10) == UNFINISHED


async def test_rate_limits_are_taken_over(storage: FileStorage, clock: ManualClock) -> None:
    assert await storage.rate_limiter.paused() == {C2: 1080}
    clock.time = after(44)
    assert await storage.rate_limiter.reserve(C1, 1, 1) == 1


async def test_the_pack_finishes_what_the_earlier_version_began(storage: FileStorage, clock: ManualClock) -> None:
    clock.time = after(1800)
    chat, engine = MemoryChat(clock), MemoryWorkflow()
    chat.add_user(User("U1", "Ada"))
    for channel_id in (C1, C2, D1):
        chat.add_channel(channel_id, has_bot=True)
    await chat.post(OutgoingMessage(C2, "to all channels"), BROADCAST_KEY)
    rich_receipt = await chat.post(RICH, RICH_KEY)
    await give_out(engine)
    adapters = FixedAdapters(
        clock=clock, storage=storage, chat=chat, receiver=MemoryReceiver(chat, clock), workflow=engine
    )
    application = Application(settings=replace(DEFAULTS, give_up_seconds=3600), adapters=adapters)

    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(application.supervisor().run(), name="pack")
        await engine.until(lambda: len(engine.published) == len(WAITING) and len(engine.outcomes) == 7, 20)
        application.shutdown().request()

    published = engine.published_messages
    by_lane = {lane: [message.text for message in published if message.channel_id == lane] for lane in (C1, C2, D1)}
    assert by_lane == {
        C1: ["first of an interrupted claim", "second of an interrupted claim"],
        C2: ["waits after two rejections", "a bot's message: ü 🦀"],
        D1: ["a direct message"],
    }
    assert [post.message.text for post in chat.posts] == ["to all channels", "rich", "only recorded"]
    outcomes = {action_id: outcome for action_id, (outcome, _) in engine.outcomes.items()}
    assert outcomes == {
        IDS[0]: ChannelLeft(C3),
        IDS[2]: SENT,
        IDS[3]: BroadcastFailed(
            "to all channels",
            "not sent to 1 of 3 channels (C9: not_in_channel)",
            (C1, C2),
            (ChannelFailure(C9, "not_in_channel: invite the bot"),),
        ),
        IDS[4]: RichMessageSent(RICH.fields, rich_receipt),
        IDS[5]: MessageSent(REPLY, Receipt(C2, chat.posts[-1].timestamp)),
        IDS[6]: Fatal('no handler could be found for command "Dance"'),
        IDS[7]: Fatal("input is not valid: message: not a string"),
    }
    assert engine.outcomes[IDS[2]] == (SENT, after(43))
    assert await storage.outbox.backlog() == Backlog(0, 1)


async def give_out(engine: MemoryWorkflow) -> None:
    """Gives out the actions that the earlier version took, and completes the one that it reported."""
    await engine.register(PackDefinition("Slack", {}, (), ()))
    for command in COMMANDS:
        engine.enqueue(command)
        await engine.take()
    await engine.complete(IDS[0], ChannelLeft(C3), after(40))


def test_a_recording_makes_a_flow_test_that_passes(tmp_path: Path) -> None:
    session, flow, test = str(DATA / "session.jsonl"), str(DATA / "flow.yaml"), str(tmp_path / "test.yaml")
    made = CliRunner().invoke(main, ["record-to-test", session, "--flow", flow, "-o", test])
    assert made.exit_code == 0, made.output

    tested = CliRunner().invoke(main, ["test", test])

    assert tested.exit_code == 0, tested.output
    assert "1 passed" in tested.output


def test_the_entries_of_a_recording_are_read_completely() -> None:
    lines = (DATA / "session.jsonl").read_bytes().splitlines()

    for line in lines:
        assert json.loads(line).items() <= dump_entry(load_entry(line)).items()
