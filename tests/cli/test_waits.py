"""`outbox list` and `journal list` say for what entries wait, beside a running pack."""

import asyncio
import json
import os
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from adapters.postgresql.storage import PostgresStorage
from adapters.storage_urls import create_storage
from adapters.system_clock import SystemClock
from application.ports.replicas import Replica
from application.ports.storage import Storage
from domain.actions import Action, ActionId
from domain.commands import SendMessage
from domain.messages import IncomingMessage, OutgoingMessage
from domain.outbox import Lane, outbox_entry
from entrypoints.cli.commands import main
from entrypoints.testing.storage_values import LANE_A, A, B
from tests.cli.check.environment import running_pack

pytestmark = pytest.mark.usefixtures("restored_logging")

CLOCK = SystemClock()
LINK = "http://flyte.example/v1/packs/Slack/actions/{0}/result"


class Pack:
    """A running pack, as far as its storage and its health show it."""

    def __init__(self, storage: Storage, url: str) -> None:
        self.storage = storage
        self.environment = {
            "FLYTE_SLACK_STORAGE": url,
            "FLYTE_SLACK_HTTP_HOST": "127.0.0.1",
            "FLYTE_SLACK_HTTP_PORT": "1",
        }

    async def receive(self, *numbers: int) -> None:
        now = datetime.now(UTC)
        for number in numbers:
            await self.storage.outbox.append([outbox_entry(IncomingMessage(A, f"{number}.0", "text", "U1"), now)])

    async def take(self, name: str) -> None:
        action = Action(ActionId(LINK.format(name)), SendMessage(OutgoingMessage(A, "hello")))
        await self.storage.journal.record(action, lane=LANE_A)

    async def listed(self, queue: str) -> list[dict[str, Any]]:
        """What a second process lists."""
        environment = {**dict.fromkeys(os.environ), **self.environment}
        result = await asyncio.to_thread(CliRunner().invoke, main, [queue, "list", "--json"], env=environment)
        assert result.exit_code == 0, result.output
        found: list[dict[str, Any]] = json.loads(result.stdout)
        return found

    async def waits(self, queue: str) -> list[tuple[str, str]]:
        return [(entry["waitsFor"]["kind"], entry["waitsFor"]["text"]) for entry in await self.listed(queue)]


@pytest.fixture(params=["a directory", "a database"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of each storage that other processes can read."""
    return request.getfixturevalue("tables_url") if request.param == "a database" else (tmp_path / "state").as_uri()


@pytest.fixture
async def pack(url: str) -> AsyncIterator[Pack]:
    async with (storage := create_storage(url, CLOCK)).open():
        await storage.replicas.announce(Replica("pack-1", "1.0"))
        yield Pack(storage, url)


async def test_messages_wait_for_flyte_and_for_one_another(pack: Pack) -> None:
    await pack.receive(1, 2)
    await pack.storage.outbox.claim(1, 10, 20)
    first, second = await pack.waits("outbox")
    assert first[0] == "flyte"
    assert first[1].startswith("Flyte to accept it from ")
    assert second == ("earlier", f"an earlier one of its lane: {A}:1.0")


async def test_a_rejected_message_waits_for_the_next_attempt(pack: Pack) -> None:
    await pack.receive(1)
    [claim] = await pack.storage.outbox.claim(1, 10, 20)
    await pack.storage.outbox.release(claim, retry_after_seconds=30, rejected=True)
    [entry] = await pack.listed("outbox")
    assert entry["waitsFor"]["text"].startswith("Flyte, which rejected it once: again within ")
    assert 0 < entry["waitsFor"]["seconds"] <= 90
    assert entry["state"] == "waiting, rejected once"


async def test_an_unclaimed_message_waits_for_its_turn(pack: Pack) -> None:
    await pack.receive(1)
    assert await pack.waits("outbox") == [("turn", "its turn")]


async def test_a_post_waits_for_a_pause_and_then_for_the_pace(pack: Pack) -> None:
    await pack.take("a1")
    await pack.take("a2")
    await pack.storage.rate_limiter.pause(A, 600)
    await pack.storage.rate_limiter.pause(B, 600)
    await pack.receive(1)  # saves the pause together with something else
    first, second = await pack.waits("journal")
    assert first[0] == "pause"
    assert first[1].startswith(f"a pause that Slack asked for ({A}): ")
    assert second == ("earlier", "an earlier one of its channel: a1")

    await pack.storage.rate_limiter.lift([A])
    for _ in range(100):
        await pack.storage.rate_limiter.reserve(A, 1, 10)
    await pack.receive(2)
    [(kind, text), _] = await pack.waits("journal")
    assert (kind, text.partition(":")[0]) == ("pace", "the pace of its channel")


async def test_health_tells_of_flyte_slack_and_a_refused_token(pack: Pack) -> None:
    await pack.receive(1)
    await pack.take("a1")
    for problem, kind in (("out of reach", "slack"), ("the token is refused (token_revoked)", "token")):
        async with running_pack(problem=problem) as port:
            pack.environment["FLYTE_SLACK_HTTP_PORT"] = port
            assert [kind for kind, _ in await pack.waits("journal")] == [kind]
            assert problem in (await pack.waits("outbox"))[0][1]


async def test_the_list_for_people_says_it_too(pack: Pack) -> None:
    await pack.receive(1)
    environment = {**dict.fromkeys(os.environ), **pack.environment}
    result = await asyncio.to_thread(CliRunner().invoke, main, ["outbox", "list"], env=environment)
    assert result.stdout.splitlines()[1].endswith("  waiting: for its turn")


async def test_nothing_listed_is_an_empty_json_list(pack: Pack) -> None:
    assert await pack.listed("journal") == []


async def test_an_action_waits_for_the_replica_that_has_its_channel(tables_url: str) -> None:
    async with AsyncExitStack() as exits:
        one, two = (PostgresStorage(tables_url, CLOCK, lease_seconds=20) for _ in range(2))
        for name, storage in (("pack-1", one), ("pack-2", two)):
            await exits.enter_async_context(storage.open())
            await storage.replicas.announce(Replica(name, "1.0"))
        await two.leases.acquire(Lane(A))
        pack = Pack(one, tables_url)
        await pack.take("a1")
        assert await pack.waits("journal") == [("replica", "pack-2, which has the channel")]
