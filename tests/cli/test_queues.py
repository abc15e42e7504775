import asyncio
import json
import os
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from adapters.filesystem.storage import FileStorage
from domain.actions import Action, ActionId
from domain.channels import ChannelId
from domain.commands import SendMessage
from domain.events import MessageSent
from domain.messages import IncomingMessage, OutgoingMessage, Receipt
from domain.outbox import OutboxEntry
from entrypoints.cli.commands import main

pytestmark = pytest.mark.usefixtures("logging_as_before")

C1 = ChannelId("C1")
LINK = ActionId("http://flyte.example/v1/packs/Slack/actions/6b058/result")
SENT = MessageSent(OutgoingMessage(C1, "hello"), Receipt(C1, "2.0"))


@pytest.fixture
async def directory(tmp_path: Path) -> Path:
    """One message waits and one was set aside; likewise with actions."""
    storage, ten_minutes_ago = FileStorage(tmp_path / "state"), datetime.now(UTC) - timedelta(minutes=10)
    async with storage.open():
        for timestamp in ("1.0", "1.1"):
            said = IncomingMessage(C1, timestamp, f"text \x1b[31m{timestamp}", "U1")
            await storage.outbox.append([OutboxEntry(said, ten_minutes_ago)])
        [claim] = await storage.outbox.claim(1, 2, datetime.now(UTC), 60)
        await storage.outbox.dead_letter(claim, claim.entries[0], "refused as malformed")
        await storage.outbox.release(claim)
        for link in (LINK, ActionId(LINK.replace("6b058", "6b059"))):
            await storage.journal.record(Action(link, SendMessage(SENT.message)), ten_minutes_ago)
        await storage.journal.set_outcome(LINK, SENT, ten_minutes_ago)
        await storage.journal.dead_letter(LINK, "Flyte does not know it")
    return tmp_path / "state"


def _run(directory: Path, *arguments: str, answer: str | None = None) -> Result:
    environment = {"FLYTE_SLACK_STORAGE": directory.as_uri()}
    return CliRunner().invoke(main, arguments, env={**dict.fromkeys(os.environ), **environment}, input=answer)


async def _depths(directory: Path) -> tuple[int, int, int, int]:
    storage = FileStorage(directory, exclusive=False)
    async with storage.open():
        outbox, journal = await storage.outbox.backlog(), await storage.journal.backlog()
    return outbox.waiting, outbox.dead_lettered, journal.waiting, journal.dead_lettered


def test_messages_are_listed_with_their_age_and_why_they_were_set_aside(directory: Path) -> None:
    done = _run(directory, "outbox", "list")
    assert done.exit_code == 0
    _, waiting, aside = done.stdout.splitlines()
    assert re.fullmatch(r"C1:1.1 +C1 +0:10:\d\d  waiting", waiting)
    assert aside.startswith("C1:1.0 ")
    assert aside.endswith("set aside: refused as malformed")


def test_no_text_is_in_a_list(directory: Path) -> None:
    assert "text" not in _run(directory, "outbox", "list").stdout
    assert "hello" not in _run(directory, "journal", "list").stdout


def test_actions_are_listed_by_the_name_that_flyte_has_for_them(directory: Path) -> None:
    _, taken, aside = _run(directory, "journal", "list").stdout.splitlines()
    assert taken.split()[0] == "6b059"
    assert taken.endswith("taken SendMessage")
    assert aside.endswith("set aside SendMessage: Flyte does not know it")


@pytest.mark.parametrize("name", ["outbox", "journal"])
def test_only_what_was_set_aside_is_listed_when_asked_for(directory: Path, name: str) -> None:
    _, aside = _run(directory, name, "list", "--set-aside").stdout.splitlines()
    assert "set aside" in aside


def test_one_entry_is_shown_whole(directory: Path) -> None:
    shown = json.loads(_run(directory, "outbox", "show", "C1:1.0").stdout)
    assert shown["said"]["text"] == "text \x1b[31m1.0"
    assert shown["setAsideBecause"] == "refused as malformed"


@pytest.mark.parametrize("key", ["6b058", LINK])
def test_an_action_is_shown_by_its_short_name_and_by_its_link(directory: Path, key: str) -> None:
    shown = json.loads(_run(directory, "journal", "show", key).stdout)
    assert shown["outcome"]["event"] == "MessageSent"
    assert shown["input"]["message"] == "hello"


def test_nothing_of_that_name_is_a_mistake_that_says_where_to_look(directory: Path) -> None:
    done = _run(directory, "outbox", "show", "C9:9")
    assert done.exit_code == 2
    assert "there is no C9:9 in the outbox; `flyte-slack outbox list` shows all" in done.stderr


@pytest.mark.parametrize(("name", "key"), [("outbox", "C1:1.0"), ("journal", "6b058")])
@pytest.mark.parametrize("by_name", [True, False])
async def test_what_was_set_aside_waits_again_after_a_retry(
    directory: Path, name: str, key: str, *, by_name: bool
) -> None:
    assert f"{key}: waits again" in await _in_thread(directory, name, "retry", key if by_name else "--all")
    waiting = {"outbox": (2, 0, 1, 1), "journal": (1, 1, 2, 0)}
    assert await _depths(directory) == waiting[name]


async def test_what_waits_already_needs_no_retry(directory: Path) -> None:
    assert "was not set aside" in await _in_thread(directory, "outbox", "retry", "C1:1.1")


async def test_an_entry_is_discarded_after_a_yes(directory: Path) -> None:
    assert "C1:1.0: discarded" in await _in_thread(directory, "outbox", "discard", "C1:1.0", answer="y\n")
    assert await _depths(directory) == (1, 0, 1, 1)


async def test_an_entry_stays_after_a_no(directory: Path) -> None:
    await _in_thread(directory, "journal", "discard", "6b058", answer="n\n")
    assert await _depths(directory) == (1, 1, 1, 1)


async def test_several_are_discarded_unasked_with_yes(directory: Path) -> None:
    await _in_thread(directory, "outbox", "discard", "--yes", "C1:1.0", "C1:1.1")
    assert await _depths(directory) == (0, 0, 1, 1)


@pytest.mark.parametrize("arguments", [("retry",), ("retry", "--all", "C1:1.0"), ("discard",)])
def test_what_to_do_it_to_has_to_be_said(directory: Path, arguments: tuple[str, ...]) -> None:
    assert _run(directory, "outbox", *arguments).exit_code == 2


@pytest.mark.parametrize(("name", "count"), [("outbox", 2), ("journal", 2)])
def test_entries_are_exported_as_json_lines(directory: Path, name: str, count: int) -> None:
    lines = _run(directory, name, "export").stdout.splitlines()
    assert [set(json.loads(line)) >= {"key", "state"} for line in lines] == [True] * count


def test_a_memory_storage_can_not_be_looked_into() -> None:
    done = CliRunner().invoke(main, ["outbox", "list"], env={"FLYTE_SLACK_STORAGE": "memory:"})
    assert done.exit_code == 1
    assert "nobody else can look into it" in done.stderr


def test_a_directory_without_a_pack_is_no_traceback(tmp_path: Path) -> None:
    done = _run(tmp_path / "none", "journal", "list")
    assert done.exit_code == 1
    assert "flyte-slack journal: " in done.stderr


def test_a_storage_that_is_not_served_is_a_mistake_in_the_configuration() -> None:
    done = CliRunner().invoke(main, ["outbox", "list"], env={"FLYTE_SLACK_STORAGE": "redis://host"})
    assert done.exit_code == 2
    assert done.stderr.startswith("FLYTE_SLACK_STORAGE: ")


async def _in_thread(directory: Path, *arguments: str, answer: str | None = None) -> str:
    """The command's output; it runs an event loop of its own."""
    return (await asyncio.to_thread(_run, directory, *arguments, answer=answer)).stdout
