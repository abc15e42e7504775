"""The daemon on storages other than a directory."""

from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
import pytest

from entrypoints.simulation.flyte.server import FlyteServer
from entrypoints.simulation.slack.server import SlackServer
from tests.support.daemon_process import daemon, daemon_environ, fresh_daemon
from tests.support.distributions import EXAMPLE_DISTRIBUTION
from tests.support.postgres_server import PASSWORD_GROUP


def environ(slack: SlackServer, flyte: FlyteServer, directory: Path, storage: str, **more: str) -> dict[str, str]:
    app_token = {"FLYTE_SLACK_APP_TOKEN": slack.app_token}
    return daemon_environ(slack, flyte, directory, FLYTE_SLACK_STORAGE=storage, **app_token, **more)


async def test_a_pack_runs_on_the_storage_of_another_distribution(
    slack: SlackServer, flyte: FlyteServer, tmp_path: Path
) -> None:
    alice, channel = slack.add_user("alice"), slack.add_channel("ops")
    more = {"PYTHONPATH": str(EXAMPLE_DISTRIBUTION), "FLYTE_SLACK_DEFAULT_JOIN_CHANNEL": channel}
    async with fresh_daemon(environ(slack, flyte, tmp_path, "example://one", **more)) as pack:
        await pack.wait_for_event("hearing")
        await pack.wait_for_event("default_channel_joined")
        slack.say(alice, channel, "echo hello world")
        await slack.wait_for(lambda: len(slack.posts) == 1, 5)
        await flyte.wait_for(lambda: len(flyte.results) == 1, 5)
        assert await pack.stop() == 0


@pytest.mark.parametrize(
    ("storage", "reason"),
    [
        ("example://", "example: needs a name"),
        ("postgresql://me:hush@here/pack?sslmod=require", "postgresql: the parameter sslmod is unknown"),
        ("postgresql://me:hush@here:hush/pack", "postgresql: the parameter port has a value"),
        ("mysql://me:hush@here/pack", "the scheme is unknown"),
    ],
)
async def test_a_storage_that_can_not_be_used_gives_status_2_and_names_the_variable(
    slack: SlackServer, flyte: FlyteServer, tmp_path: Path, storage: str, reason: str
) -> None:
    variables = environ(slack, flyte, tmp_path, storage, PYTHONPATH=str(EXAMPLE_DISTRIBUTION))
    async with fresh_daemon(variables) as pack:
        assert await pack.wait() == 2
    [line] = [line for line in pack.other_lines if line.startswith("FLYTE_SLACK_STORAGE")]
    assert reason in line
    assert "hush" not in "".join(pack.other_lines)


@pytest.fixture
def guarded_url(postgres_server: str, database_url: str) -> Iterator[str]:
    """The URL of a database for a user with a password, which it contains."""
    with psycopg.connect(postgres_server, autocommit=True) as connection:
        connection.execute(f"CREATE ROLE guarded LOGIN PASSWORD 'right-hush' IN ROLE {PASSWORD_GROUP}".encode())
    parts = urlsplit(database_url)
    yield parts._replace(netloc="guarded:right-hush@").geturl()
    with psycopg.connect(postgres_server, autocommit=True) as connection:
        connection.execute("DROP ROLE guarded")


@pytest.mark.parametrize(
    ("right", "wrong", "parameter"),
    [
        ("right-hush", "wrong-hush", "the user or the password"),
        (":right-hush", "", "the password"),
        ("guarded:", "nobody:", "the user"),
        ("/test_", "/missing_", "the database's name"),
    ],
)
async def test_a_database_that_refuses_the_pack_gives_status_1_and_names_the_parameter(
    slack: SlackServer, flyte: FlyteServer, tmp_path: Path, guarded_url: str, right: str, wrong: str, parameter: str
) -> None:
    async with daemon(environ(slack, flyte, tmp_path, guarded_url.replace(right, wrong))) as pack:
        assert await pack.wait() == 1
    reason = (await pack.wait_for_event("pack_failed"))["reason"]
    assert f"correct {parameter}" in reason
    assert "FLYTE_SLACK_STORAGE" in reason
    assert "hush" not in repr(pack.log) + "".join(pack.other_lines)


@pytest.mark.timeout(90)
async def test_what_waits_in_a_directory_is_delivered_from_the_database_that_it_was_moved_to(
    slack: SlackServer, flyte: FlyteServer, tmp_path: Path, database_url: str
) -> None:
    alice, channel = slack.add_user("alice"), slack.add_channel("ops")
    directory = (tmp_path / "state").as_uri()
    variables = environ(slack, flyte, tmp_path, directory)
    async with daemon(variables | {"FLYTE_SLACK_DEFAULT_JOIN_CHANNEL": channel}) as pack:
        await pack.wait_for_event("default_channel_joined")
        await pack.wait_for_event("registered")
        await flyte.go_down()
        slack.say(alice, channel, "echo moved")
        await pack.wait_for_event("workflow_engine_out_of_reach")
        assert await pack.stop() == 0
    async with daemon({"LANG": "C.UTF-8"}, "storage", "copy", directory, database_url) as copy:
        assert await copy.wait() == 0
    async with daemon(variables) as pack:
        assert await pack.wait() == 1
    assert "was moved to" in (await pack.wait_for_event("pack_failed"))["reason"]
    await flyte.come_up()
    async with daemon(variables | {"FLYTE_SLACK_STORAGE": database_url}) as pack:
        await slack.wait_for(lambda: len(slack.posts) == 1, 10)
        slack.say(alice, channel, "echo more")
        await slack.wait_for(lambda: len(slack.posts) == 2, 10)
        assert await pack.stop() == 0
