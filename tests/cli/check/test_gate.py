"""`flyte-slack check --gate`: before a start, only what would end it fails."""

import asyncio
import json
import os
from collections.abc import Callable

import pytest
from click.testing import CliRunner, Result

from adapters.filesystem.schema import VERSION
from adapters.filesystem.storage import FileStorage
from adapters.system_clock import SystemClock
from entrypoints.cli.commands import main
from entrypoints.simulation.flyte.faults import status
from tests.cli.check.environment import CheckEnvironment, occupied_port, running_pack
from tests.cli.check.test_database_file import set_version, use, use_version_1

pytestmark = pytest.mark.usefixtures("restored_logging")


async def gate(env: CheckEnvironment, *arguments: str) -> Result:
    variables = {**dict.fromkeys(os.environ), **env.environ}
    return await asyncio.to_thread(CliRunner().invoke, main, ["check", "--gate", *arguments], env=variables)


async def failures(env: CheckEnvironment) -> list[str]:
    """The checks that fail, provided that the exit status agrees."""
    result = await gate(env, "--json")
    failed = [finding["check"] for finding in json.loads(result.stdout) if finding["status"] == "failed"]
    assert result.exit_code == bool(failed), result.output
    return failed


async def test_a_pack_that_can_run_passes(env: CheckEnvironment) -> None:
    result = await gate(env)
    assert result.exit_code == 0
    assert result.stdout.splitlines()[-1].startswith("The pack can start: ")


def slack_down(env: CheckEnvironment) -> None:
    env.variables["FLYTE_SLACK_API_URL"] = "http://127.0.0.1:9/api/"


def flyte_down(env: CheckEnvironment) -> None:
    env.variables["FLYTE_API"] = "http://127.0.0.1:9"


def flyte_denies(env: CheckEnvironment) -> None:
    env.flyte.faults.plan("api", status(401), times=None)


def missing_scope(env: CheckEnvironment) -> None:
    env.slack.access.scopes.remove("channels:history")


def unknown_channel(env: CheckEnvironment) -> None:
    env.variables["FLYTE_SLACK_DEFAULT_JOIN_CHANNEL"] = "C0MISTYPED"


def socket_mode_switched_off(env: CheckEnvironment) -> None:
    env.slack.socket_mode.is_enabled = False


def earlier_version(env: CheckEnvironment) -> None:
    use_version_1(env.directory)


@pytest.mark.parametrize(
    "plant",
    [slack_down, flyte_down, flyte_denies, missing_scope, unknown_channel, socket_mode_switched_off, earlier_version],
    ids=lambda plant: plant.__name__,
)
async def test_a_start_goes_ahead_whatever_can_be_waited_for_or_done_without(
    plant: Callable[[CheckEnvironment], None], env: CheckEnvironment
) -> None:
    plant(env)
    assert await failures(env) == []


async def test_a_refused_bot_token_ends_a_start(env: CheckEnvironment) -> None:
    env.variables["FLYTE_SLACK_TOKEN"] = "xoxb-mistyped"
    assert await failures(env) == ["slack token"]


async def test_a_refused_app_token_ends_a_start(env: CheckEnvironment) -> None:
    env.variables["FLYTE_SLACK_APP_TOKEN"] = "xapp-mistyped"
    assert await failures(env) == ["slack app token"]


async def test_a_token_that_can_not_use_rtm_ends_a_start(env: CheckEnvironment) -> None:
    env.variables["FLYTE_SLACK_APP_TOKEN"] = ""
    assert await failures(env) == ["slack rtm"]


async def test_a_port_that_is_taken_ends_a_start(env: CheckEnvironment) -> None:
    with occupied_port() as listener:
        env.variables["FLYTE_SLACK_HTTP_PORT"] = str(listener.getsockname()[1])
        assert await failures(env) == ["http port"]


async def test_a_pack_that_is_running_here_ends_a_start(env: CheckEnvironment) -> None:
    async with FileStorage(env.directory, SystemClock()).open(), running_pack() as port:
        env.variables["FLYTE_SLACK_HTTP_PORT"] = port
        result = await gate(env)
        assert await failures(env) == ["http port", "directory lock"]
    assert result.stdout.splitlines()[-1].startswith("A start would end at once: ")
    assert "stop it first" in result.stdout


async def test_an_unusable_directory_ends_a_start(env: CheckEnvironment) -> None:
    env.directory.touch()
    assert await failures(env) == ["directory"]


async def test_a_database_of_a_newer_version_ends_a_start(env: CheckEnvironment) -> None:
    await use(env.directory)
    set_version(env.directory, VERSION + 1)
    assert await failures(env) == ["database"]


async def test_invalid_settings_give_status_2(env: CheckEnvironment) -> None:
    env.variables["FLYTE_SLACK_GIVE_UP"] = "soon"
    result = await gate(env)
    assert result.exit_code == 2
    assert result.stdout.splitlines()[-1].startswith("A start would end at once: ")
