"""What `check` says of a PostgreSQL database."""

from collections.abc import Iterator
from urllib.parse import urlsplit

import psycopg
import pytest

from adapters.postgresql.migration import known_migrations
from adapters.postgresql.storage import PostgresStorage
from adapters.system_clock import SystemClock
from application.ports.replicas import Replica
from application.ports.transfer import CopyMarks
from domain.channels import ChannelId
from entrypoints.check.findings import Finding, Status
from entrypoints.simulation.flyte.schemas import read_pack
from tests.cli.check.environment import CheckEnvironment
from tests.support.postgres_server import ServerProcess

CHECKS = ("database", "database tables", "database durability", "wake-ups", "replicas")
CLOCK = SystemClock()


@pytest.fixture
def storage(env: CheckEnvironment, database_url: str) -> PostgresStorage:
    """A storage in an empty database, which is to be checked."""
    use(env, database_url)
    return PostgresStorage(database_url, CLOCK, lease_seconds=20)


@pytest.fixture
def restricted_url(storage: PostgresStorage, postgres_server: str, database_url: str) -> Iterator[str]:
    """The URL of the database for a user without rights."""
    del storage
    with psycopg.connect(postgres_server, autocommit=True) as connection:
        connection.execute("CREATE ROLE restricted LOGIN")
    yield urlsplit(database_url)._replace(netloc="restricted@").geturl()
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute("DROP OWNED BY restricted")
        connection.execute("DROP ROLE restricted")


def use(env: CheckEnvironment, url: str) -> None:
    env.variables |= {"FLYTE_SLACK_STORAGE": url, "FLYTE_SLACK_BACKUP_DIR": ""}


async def found(env: CheckEnvironment) -> dict[str, Finding]:
    return {finding.check: finding for finding in await env.findings() if finding.check in CHECKS}


async def trouble(env: CheckEnvironment) -> Finding:
    """The only problem, besides that of most servers for tests, which don't wait for their disk."""
    problems = [finding for finding in await env.problems() if finding.check in CHECKS]
    [finding] = [finding for finding in problems if "fsync is off" not in finding.message]
    assert finding.remedy
    return finding


async def test_a_new_database_is_ok_and_stays_empty(
    env: CheckEnvironment, storage: PostgresStorage, database_url: str
) -> None:
    findings = await found(env)
    assert list(findings) == list(CHECKS)
    assert {finding.status for check, finding in findings.items() if check != "database durability"} == {Status.OK}
    assert findings["database"].message.startswith("PostgreSQL 1")
    assert storage.describe().location in findings["database"].message
    assert findings["database tables"].message == "will be created at startup"
    assert "LISTEN" in findings["wake-ups"].message
    assert findings["replicas"].message == "no pack is using the database"
    with psycopg.connect(database_url) as connection:
        assert connection.execute("SELECT to_regnamespace('flyte_slack')").fetchone() == (None,)


async def test_packs_that_use_the_database_are_named(env: CheckEnvironment, storage: PostgresStorage) -> None:
    async with storage.open():
        await storage.replicas.announce(Replica("pack-1", "9.8"))
        findings = await found(env)
    assert findings["replicas"].message == "1 alive: pack-1 (9.8)"
    assert findings["database tables"].message == f"up to date, of version {known_migrations()[-1].version}"


async def test_replicas_that_use_the_database_are_no_other_pack(
    env: CheckEnvironment, storage: PostgresStorage
) -> None:
    env.flyte.register(read_pack({"name": "Slack"}))
    async with storage.open():
        await storage.replicas.announce(Replica("pack-1", "9.8"))
        finding = await env.finding("flyte pack")
    assert finding.status is Status.OK
    assert "registered and running on the same storage" in finding.message


async def test_channels_that_packs_do_not_hear_are_reported(env: CheckEnvironment, storage: PostgresStorage) -> None:
    async with storage.open():
        await storage.replicas.announce(Replica("pack-1", "9.8"))
        await storage.channels.join(ChannelId("CNOWHERE"), since=CLOCK.now())
        finding = await env.finding("slack memberships")
    assert finding.status is Status.FAILED
    assert "CNOWHERE" in finding.message


@pytest.mark.parametrize(
    ("marks", "message"),
    [
        (CopyMarks(moved_to="file:///a"), "was moved to file:///a"),
        (CopyMarks(is_incomplete=True), "an unfinished copy"),
    ],
)
async def test_a_database_on_which_no_pack_may_start_is_reported(
    env: CheckEnvironment, storage: PostgresStorage, marks: CopyMarks, message: str
) -> None:
    async with storage.open_for_copy(creates=True):
        await storage.transfer.set_marks(marks)
    finding = await trouble(env)
    assert (finding.check, finding.status) == ("database tables", Status.FAILED)
    assert message in finding.message


async def test_missing_rights_are_named(env: CheckEnvironment, storage: PostgresStorage, restricted_url: str) -> None:
    async with storage.open():
        pass
    use(env, restricted_url)
    finding = await trouble(env)
    assert (finding.check, finding.status) == ("database tables", Status.FAILED)
    assert "user restricted lacks rights: " in finding.message


async def test_a_user_who_may_not_create_the_tables_is_told_how(env: CheckEnvironment, restricted_url: str) -> None:
    use(env, restricted_url)
    finding = await trouble(env)
    assert (finding.check, finding.message) == ("database tables", "user restricted may not create them, which is due")
    assert "flyte-slack storage migrate" in finding.remedy


async def test_a_server_that_is_away_is_reported_without_the_password(env: CheckEnvironment) -> None:
    use(env, "postgresql://me:hush@127.0.0.1:1/pack")
    finding = await trouble(env)
    assert (finding.check, finding.status) == ("database", Status.FAILED)
    assert "refused" in finding.message
    assert "hush" not in repr(await env.findings())


async def test_a_server_that_refuses_writes_is_reported(env: CheckEnvironment, server_process: ServerProcess) -> None:
    server_process.make_read_only()
    use(env, server_process.url)
    finding = await trouble(env)
    assert (finding.check, finding.status) == ("database", Status.FAILED)
    assert "target_session_attrs" in finding.remedy


async def test_a_server_that_does_not_wait_for_its_disk_is_a_warning(
    env: CheckEnvironment, server_process: ServerProcess
) -> None:
    use(env, server_process.url)
    finding = (await found(env))["database durability"]
    assert (finding.status, finding.remedy) == (Status.WARNING, "set fsync = on")


async def test_only_an_asynchronous_standby_is_a_warning(env: CheckEnvironment) -> None:
    with ServerProcess(durable=True) as server:
        use(env, server.url)
        assert "there is no standby" in (await found(env))["database durability"].message
        with ServerProcess(standby_of=server):
            finding = await trouble(env)
            assert (finding.check, finding.status) == ("database durability", Status.WARNING)
            assert "asynchronous" in finding.message
            server.configure(synchronous_standby_names="standby")
            server.wait_for_standby("sync")
            assert "on a synchronous standby" in (await found(env))["database durability"].message
            server.configure(synchronous_standby_names="another")
            server.wait_for_standby("async")
            assert "no synchronous standby is connected" in (await trouble(env)).message
        assert "no synchronous standby is connected" in (await trouble(env)).message


async def test_a_database_of_another_bot_ends_a_start(env: CheckEnvironment, storage: PostgresStorage) -> None:
    async with storage.open():
        await storage.replicas.claim_for("T9", "B9")
    finding = await env.finding("storage owner")
    assert finding.ends_start == finding.message == "the storage belongs to another bot, B9 of workspace T9"


async def test_a_database_of_this_bot_is_ok(env: CheckEnvironment, storage: PostgresStorage) -> None:
    async with storage.open():
        await storage.replicas.claim_for(env.slack.team_id, env.slack.workspace.bot.bot_id)
    assert (await env.finding("storage owner")).status is Status.OK


async def test_a_database_that_no_pack_has_used_has_no_owner(env: CheckEnvironment, storage: PostgresStorage) -> None:
    async with storage.open():
        assert "storage owner" not in {finding.check for finding in await env.findings()}
