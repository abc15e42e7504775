import asyncio
import json
import os
import re
import sqlite3
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from adapters.filesystem.storage import FileStorage
from adapters.system_clock import SystemClock
from domain.actions import Action, ActionId, StepName
from domain.channels import ChannelId
from domain.commands import Broadcast, ChatCommand, Command, SendMessage
from domain.events import CommandOutcome, MessageSent
from domain.interactions import BlockAction, ViewEvent
from domain.messages import IncomingMessage, OutgoingMessage, Receipt
from domain.outbox import Lane, Lease, OutboxEntry, outbox_entry
from entrypoints.cli.commands import main
from entrypoints.testing.manual_clock import ManualClock

pytestmark = pytest.mark.usefixtures("restored_logging")

C1 = ChannelId("C1")
LINK = ActionId("http://flyte.example/v1/packs/Slack/actions/6b058/result")
SENT = MessageSent(OutgoingMessage(C1, "hello"), Receipt(C1, "2.0"))


@pytest.fixture
async def directory(tmp_path: Path) -> Path:
    """A storage with one waiting message and one set aside, and with two such actions."""
    ten_minutes_ago = datetime.now(UTC) - timedelta(minutes=10)
    storage = FileStorage(tmp_path / "state", ManualClock(ten_minutes_ago))
    async with storage.open():
        for timestamp in ("1.0", "1.1"):
            said = IncomingMessage(C1, timestamp, f"text \x1b[31m{timestamp}", "U1")
            await storage.outbox.append([outbox_entry(said, ten_minutes_ago)])
        [claim] = await storage.outbox.claim(1, 2, 60)
        await storage.outbox.dead_letter(claim, claim.entries[0], "refused as malformed")
        await storage.outbox.release(claim)
        for link in (LINK, ActionId(LINK.replace("6b058", "6b059"))):
            await storage.journal.record(Action(link, SendMessage(SENT.message)), lane=Lane("C1"))
        await storage.journal.set_outcome(LINK, SENT)
        await storage.journal.dead_letter(LINK, "Flyte does not know it")
    return tmp_path / "state"


@pytest.fixture
async def hostile_text(directory: Path) -> str:
    """The text of another waiting message, and the id of its author."""
    text = "a\x1b[2J\x07\x7f\x9b2J\u202e\u2066\u200f\u061c\u2028\r\n\tb"
    storage = FileStorage(directory, SystemClock(), exclusive=False)
    async with storage.open():
        message = IncomingMessage(ChannelId("C2"), "1.0", text, text)
        await storage.outbox.append([outbox_entry(message, datetime.now(UTC))])
    return text


def _run(directory: Path, *arguments: str, answer: str | None = None) -> Result:
    environment = {"FLYTE_SLACK_STORAGE": directory.as_uri()}
    return CliRunner().invoke(main, arguments, env={**dict.fromkeys(os.environ), **environment}, input=answer)


async def _counts(directory: Path) -> tuple[int, int, int, int]:
    storage = FileStorage(directory, SystemClock(), exclusive=False)
    async with storage.open():
        outbox, journal = await storage.outbox.backlog(), await storage.journal.backlog()
    return outbox.waiting, outbox.dead_lettered, journal.waiting, journal.dead_lettered


async def test_an_entry_that_is_younger_than_the_clock_says_is_of_age_zero(tmp_path: Path) -> None:
    in_a_minute = datetime.now(UTC) + timedelta(minutes=1)
    async with (storage := FileStorage(tmp_path / "state", ManualClock(in_a_minute))).open():
        await storage.outbox.append([outbox_entry(IncomingMessage(C1, "1.0", "hello", "U1"), in_a_minute)])
    result = await asyncio.to_thread(_run, tmp_path / "state", "outbox", "list")
    assert " 0:00:00  waiting" in result.stdout


@pytest.mark.parametrize(("queue", "keys"), [("outbox", ["C1:1.0", "C1:1.0"]), ("journal", ["6b058", LINK])])
def test_an_entry_that_is_named_twice_is_discarded_once(directory: Path, queue: str, keys: list[str]) -> None:
    result = _run(directory, queue, "discard", "--yes", *keys)
    assert result.stdout.splitlines() == [f"{keys[0]}: discarded"]


def test_entries_are_discarded_in_the_order_of_their_keys_and_none_if_one_is_missing(directory: Path) -> None:
    refused = _run(directory, "outbox", "discard", "--yes", "C1:1.1", "C1:9.9")
    assert "the outbox has no entry C1:9.9" in refused.stderr
    result = _run(directory, "outbox", "discard", "--yes", "C1:1.1", "C1:1.0")
    assert result.stdout.splitlines() == ["C1:1.1: discarded", "C1:1.0: discarded"]


def test_list_shows_the_age_of_messages_and_why_they_were_set_aside(directory: Path) -> None:
    result = _run(directory, "outbox", "list")
    assert result.exit_code == 0
    _, waiting, aside = result.stdout.splitlines()
    assert re.fullmatch(r"C1:1.1 +C1 +0:10:\d\d  waiting: for a pack: none is running on this storage", waiting)
    assert aside.startswith("C1:1.0 ")
    assert aside.endswith("set aside: refused as malformed")


def test_list_shows_no_message_text(directory: Path) -> None:
    assert "text" not in _run(directory, "outbox", "list").stdout
    assert "hello" not in _run(directory, "journal", "list").stdout


@pytest.mark.parametrize("command", [("show", "C2:1.0"), ("export",), ("list",)])
def test_nothing_printed_can_control_the_terminal_or_mislead_its_reader(
    directory: Path, hostile_text: str, command: tuple[str, ...]
) -> None:
    result = _run(directory, "outbox", *command)

    assert result.exit_code == 0
    assert all(line.isprintable() for line in result.stdout.split("\n"))
    if command[0] == "show":
        assert json.loads(result.stdout)["said"]["text"] == hostile_text


def test_list_names_actions_as_flyte_does(directory: Path) -> None:
    _, taken, aside = _run(directory, "journal", "list").stdout.splitlines()
    assert taken.split()[0] == "6b059"
    assert taken.endswith("taken SendMessage: for a pack: none is running on this storage")
    assert aside.endswith("set aside SendMessage: Flyte does not know it")


async def test_the_channel_of_any_command_is_listed(directory: Path) -> None:
    storage = FileStorage(directory, SystemClock(), exclusive=False)
    async with storage.open():
        commands: list[Command] = [ChatCommand("UpdateMessage", {"channelId": "C7"}), Broadcast("hello")]
        for number, command in enumerate(commands):
            link = ActionId(LINK.replace("6b058", f"6b07{number}"))
            await storage.journal.record(Action(link, command), lane=Lane("C7"))
    listed = json.loads(await _in_thread(directory, "journal", "list", "--json"))
    assert {entry["key"]: entry["channelId"] for entry in listed if "6b07" in entry["key"]} == {
        "6b070": "C7",
        "6b071": "",
    }


@pytest.mark.parametrize("name", ["outbox", "journal"])
def test_list_set_aside_leaves_waiting_entries_out(directory: Path, name: str) -> None:
    _, aside = _run(directory, name, "list", "--set-aside").stdout.splitlines()
    assert "set aside" in aside


def test_show_prints_the_whole_entry(directory: Path) -> None:
    shown = json.loads(_run(directory, "outbox", "show", "C1:1.0").stdout)
    assert shown["said"]["text"] == "text \x1b[31m1.0"
    assert shown["setAsideBecause"] == "refused as malformed"


@pytest.mark.parametrize("key", ["6b058", LINK])
def test_show_finds_an_action_by_its_short_name_and_by_its_link(directory: Path, key: str) -> None:
    shown = json.loads(_run(directory, "journal", "show", key).stdout)
    assert shown["outcome"]["event"] == "MessageSent"
    assert shown["input"]["message"] == "hello"


def test_an_unknown_key_is_a_usage_error_that_names_the_list_command(directory: Path) -> None:
    result = _run(directory, "outbox", "show", "C9:9")
    assert result.exit_code == 2
    assert "the outbox has no entry C9:9; `flyte-slack outbox list` shows the keys" in result.stderr


@pytest.mark.parametrize(("name", "key"), [("outbox", "C1:1.0"), ("journal", "6b058")])
@pytest.mark.parametrize("by_name", [True, False])
async def test_retry_queues_an_entry_that_was_set_aside_again(
    directory: Path, name: str, key: str, *, by_name: bool
) -> None:
    assert f"{key}: queued again" in await _in_thread(directory, name, "retry", key if by_name else "--all")
    waiting = {"outbox": (2, 0, 1, 1), "journal": (1, 1, 2, 0)}
    assert await _counts(directory) == waiting[name]


async def test_retry_leaves_a_waiting_entry_alone(directory: Path) -> None:
    assert "was not set aside" in await _in_thread(directory, "outbox", "retry", "C1:1.1")


async def test_discard_deletes_an_entry_after_confirmation(directory: Path) -> None:
    assert "C1:1.0: discarded" in await _in_thread(directory, "outbox", "discard", "C1:1.0", answer="y\n")
    assert await _counts(directory) == (1, 0, 1, 1)


async def test_discard_keeps_an_entry_when_the_operator_declines(directory: Path) -> None:
    await _in_thread(directory, "journal", "discard", "6b058", answer="n\n")
    assert await _counts(directory) == (1, 1, 1, 1)


async def test_what_the_pack_works_on_is_not_discarded_which_the_exit_status_tells(directory: Path) -> None:
    async with (storage := FileStorage(directory, SystemClock())).open():
        await storage.outbox.claim(1, 1, 60)
        done = await asyncio.to_thread(_run, directory, "outbox", "discard", "--yes", "C1:1.1", "C1:1.0")
    assert done.stdout == "C1:1.1: the pack is working on it; try again later\nC1:1.0: discarded\n"
    assert done.exit_code == 1


async def test_discard_yes_deletes_several_entries_without_asking(directory: Path) -> None:
    await _in_thread(directory, "outbox", "discard", "--yes", "C1:1.0", "C1:1.1")
    assert await _counts(directory) == (0, 0, 1, 1)


@pytest.mark.parametrize("arguments", [("retry",), ("retry", "--all", "C1:1.0"), ("discard",)])
def test_retry_and_discard_need_keys(directory: Path, arguments: tuple[str, ...]) -> None:
    assert _run(directory, "outbox", *arguments).exit_code == 2


@pytest.mark.parametrize(("name", "count"), [("outbox", 2), ("journal", 2)])
def test_export_writes_entries_as_json_lines(directory: Path, name: str, count: int) -> None:
    lines = _run(directory, name, "export").stdout.splitlines()
    assert [set(json.loads(line)) >= {"key", "state"} for line in lines] == [True] * count


def test_a_memory_storage_can_not_be_read_from_outside() -> None:
    result = CliRunner().invoke(main, ["outbox", "list"], env={"FLYTE_SLACK_STORAGE": "memory:"})
    assert result.exit_code == 1
    assert "other processes can't access it" in result.stderr


def test_a_missing_directory_is_reported_without_a_traceback(tmp_path: Path) -> None:
    result = _run(tmp_path / "none", "journal", "list")
    assert result.exit_code == 1
    assert "flyte-slack journal: " in result.stderr


def test_an_unsupported_storage_is_a_configuration_error() -> None:
    result = CliRunner().invoke(main, ["outbox", "list"], env={"FLYTE_SLACK_STORAGE": "redis://host"})
    assert result.exit_code == 2
    assert result.stderr.startswith("FLYTE_SLACK_STORAGE: ")


async def _in_thread(directory: Path, *arguments: str, answer: str | None = None) -> str:
    """Runs the command, which has an event loop of its own, and returns its output."""
    return (await asyncio.to_thread(_run, directory, *arguments, answer=answer)).stdout


@pytest.mark.parametrize("damage", ["'{'", "x'ff'", "CAST(x'ff' AS TEXT)", "'[]'"])
def test_unreadable_entries_are_listed_shown_exported_and_discarded(directory: Path, damage: str) -> None:
    database = sqlite3.connect(directory / "flyte-slack.db")
    with closing(database), database:
        database.execute(f"UPDATE outbox SET said = {damage}")  # noqa: S608 - a constant
        database.execute(f"UPDATE journal SET command = {damage}")  # noqa: S608

    for name, keys in (("outbox", ["C1:1.0", "C1:1.1"]), ("journal", ["6b058", "6b059"])):
        listed = _run(directory, name, "list")
        assert listed.exit_code == 0, listed.output
        lines = listed.stdout.splitlines()[1:]
        assert sorted(line.split()[0] for line in lines) == keys
        assert sum("unreadable" in line for line in lines) >= 1
        exported = [json.loads(line) for line in _run(directory, name, "export").stdout.splitlines()]
        assert len(exported) == 2
        for key in keys:
            assert _run(directory, name, "show", key).exit_code == 0
        assert _run(directory, name, "retry", "--all").exit_code == 0
        assert _run(directory, name, "discard", "--yes", *keys).stdout.count(": discarded") == 2
    assert asyncio.run(_counts(directory)) == (0, 0, 0, 0)


def _click(number: int) -> OutboxEntry:
    click = BlockAction(
        channel_id=C1,
        user_id="U1",
        action_id="approve",
        action_type="button",
        value="yes",
        trigger_id=f"13345224609.{number}.secret",
        response_url="https://hooks.slack.com/actions/secret",
        state={"block": {"responseUrl": "https://hooks.slack.com/actions/secret"}},
    )
    return outbox_entry(click, datetime.now(UTC))


@pytest.fixture
async def interactions(directory: Path) -> list[str]:
    """The keys of a click and of a form that wait, and of an action that answers one and was executed."""
    form = ViewEvent(user_id="U1", is_submitted=True, view_id="V1", response_urls=({"responseUrl": "http://secret"},))
    entries = [_click(1), outbox_entry(form, datetime.now(UTC))]
    answer = ChatCommand("Respond", {"responseUrl": "https://hooks.slack.com/secret", "message": "thanks"})
    link = ActionId(LINK.replace("6b058", "6b060"))
    storage = FileStorage(directory, SystemClock())
    async with storage.open():
        await storage.outbox.append(entries)
        await storage.journal.record(Action(link, answer), lane=Lane("C1"))
        held = Lease(Lane("C1"), 1)
        await storage.journal.begin_step(link, StepName("Respond"), held)
        await storage.journal.complete_step(link, StepName("Respond"), held, result={"uploadUrl": "http://secret"})
        await storage.journal.set_outcome(link, CommandOutcome("Responded", dict(answer.input)))
    return [*(entry.key for entry in entries), "6b060"]


def test_waiting_interactions_and_answers_are_shown_without_their_capabilities(
    directory: Path, interactions: list[str]
) -> None:
    click, form, answer = interactions
    for name, keys in (("outbox", [click, form]), ("journal", [answer])):
        shown = [_run(directory, name, "show", key) for key in keys]
        listed, exported = _run(directory, name, "list"), _run(directory, name, "export")
        for result in (*shown, listed, exported):
            assert result.exit_code == 0, result.output
            assert "secret" not in result.output
        assert "secret" not in listed.output
        assert all(key in listed.output for key in keys)
        assert all("(hidden)" in result.output for result in (*shown, exported))
    said = json.loads(_run(directory, "outbox", "show", click).stdout)["said"]
    assert (said["action_id"], said["value"], said["trigger_id"]) == ("approve", "yes", "(hidden)")
    action = json.loads(_run(directory, "journal", "show", answer).stdout)
    assert (action["input"]["message"], action["steps"]["Respond"]["result"]) == ("thanks", {"uploadUrl": "(hidden)"})


def test_an_unreadable_interaction_is_listed_and_discarded_and_never_shown(
    directory: Path, interactions: list[str]
) -> None:
    database = sqlite3.connect(directory / "flyte-slack.db")
    with closing(database), database:
        database.execute("UPDATE outbox SET said = substr(said, 2) WHERE kind = 'block action'")
    key = interactions[0]
    line = next(line for line in _run(directory, "outbox", "list").stdout.splitlines() if line.startswith(key))
    assert "unreadable" in line
    for result in (_run(directory, "outbox", "show", key), _run(directory, "outbox", "export")):
        assert result.exit_code == 0, result.output
        assert "secret" not in result.output
    assert _run(directory, "outbox", "retry", key).exit_code == 0
    assert ": discarded" in _run(directory, "outbox", "discard", "--yes", key).stdout


def test_an_interaction_set_aside_is_delivered_again_by_its_key(directory: Path, interactions: list[str]) -> None:
    asyncio.run(_dead_letter_first(directory))
    assert "queued again" in _run(directory, "outbox", "retry", interactions[0]).stdout


async def _dead_letter_first(directory: Path) -> None:
    storage = FileStorage(directory, SystemClock())
    async with storage.open():
        [claim] = await storage.outbox.claim(1, 1, 60)
        await storage.outbox.dead_letter(claim, claim.entries[0], "refused as malformed")
