"""Each fault makes exactly one check fail, and the finding suggests the fix."""

import json
import os
from base64 import urlsafe_b64encode
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from types import SimpleNamespace
from typing import Any

import pytest

from adapters.filesystem.storage import FileStorage
from adapters.system_clock import SystemClock
from entrypoints.check.findings import Status
from entrypoints.simulation.faults import Hang
from entrypoints.simulation.flyte.faults import html, redirect, status
from entrypoints.simulation.flyte.schemas import read_pack
from entrypoints.simulation.flyte.server import FlyteServer
from entrypoints.simulation.slack import faults as slack_faults
from tests.cli.check.environment import CheckEnvironment, ShiftedClock, occupied_port, running_pack

Plant = Callable[[CheckEnvironment], Any]
"""Plants a fault; may return an asynchronous context manager that maintains it."""


def invalid_bot_token(env: CheckEnvironment) -> None:
    env.variables["FLYTE_SLACK_TOKEN"] = "xoxb-mistyped"


def revoked_bot_token(env: CheckEnvironment) -> None:
    env.slack.faults.plan("auth.test", slack_faults.error("token_revoked"))


def missing_scope(env: CheckEnvironment) -> None:
    env.slack.access.scopes.remove("channels:history")


def invalid_app_token(env: CheckEnvironment) -> None:
    env.variables["FLYTE_SLACK_APP_TOKEN"] = "xapp-mistyped"


def app_token_without_its_scope(env: CheckEnvironment) -> None:
    fault = slack_faults.error("missing_scope", needed="connections:write", provided="authorizations:read")
    env.slack.faults.plan("apps.connections.open", fault)


def socket_mode_switched_off(env: CheckEnvironment) -> None:
    env.slack.socket_mode.is_enabled = False


def sockets_kept_out(env: CheckEnvironment) -> None:
    env.slack.faults.plan(slack_faults.HANDSHAKE, slack_faults.http_status(403))


def silent_socket(env: CheckEnvironment) -> None:
    env.request_seconds = 1.0
    env.slack.faults.plan(slack_faults.HELLO, Hang())


def unknown_channel(env: CheckEnvironment) -> None:
    env.variables["FLYTE_SLACK_DEFAULT_JOIN_CHANNEL"] = "C0MISTYPED"


def private_channel(env: CheckEnvironment) -> None:
    env.variables["FLYTE_SLACK_DEFAULT_JOIN_CHANNEL"] = env.slack.add_channel("secret", private=True)


def archived_channel(env: CheckEnvironment) -> None:
    env.slack.archive(env.channel)


def wrong_slack_address(env: CheckEnvironment) -> None:
    env.variables["FLYTE_SLACK_API_URL"] = "http://127.0.0.1:1/api/"


def page_in_slack_s_place(env: CheckEnvironment) -> None:
    env.slack.faults.plan("*", slack_faults.http_status(200), times=None)


@asynccontextmanager
async def flyte_down(env: CheckEnvironment) -> AsyncIterator[None]:
    await env.flyte.go_down()
    yield


def page_in_flyte_s_place(env: CheckEnvironment) -> None:
    env.flyte.faults.plan("api", html(), times=None)


def flyte_elsewhere(env: CheckEnvironment) -> None:
    env.flyte.faults.plan("api", redirect("https://login.example.com/"), times=None)


@asynccontextmanager
async def _secured(env: CheckEnvironment, jwt: str) -> AsyncIterator[None]:
    async with FlyteServer(jwt="the right one") as flyte:
        env.variables |= {"FLYTE_API": flyte.api_url, "FLYTE_JWT": jwt}
        yield


def wrong_jwt(env: CheckEnvironment) -> Any:
    return _secured(env, "the wrong one")


def missing_jwt(env: CheckEnvironment) -> Any:
    return _secured(env, "")


def expired_jwt(env: CheckEnvironment) -> Any:
    claims = urlsafe_b64encode(json.dumps({"exp": 1_600_000_000}).encode()).decode().rstrip("=")
    return _secured(env, f"e30.{claims}.c2ln")


@asynccontextmanager
async def links_to_another_origin(env: CheckEnvironment) -> AsyncIterator[None]:
    async with FlyteServer(public_url="http://flyte.internal:8080") as flyte:
        env.variables["FLYTE_API"] = flyte.api_url
        yield


def unhealthy_flyte(env: CheckEnvironment) -> None:
    env.flyte.faults.plan("health", status(500), times=None)


def namesake_at_work(env: CheckEnvironment) -> None:
    env.flyte.register(read_pack({"name": "Slack"}))


@asynccontextmanager
async def directory_in_use(env: CheckEnvironment) -> AsyncIterator[None]:
    async with FileStorage(env.directory, SystemClock()).open():
        yield


def file_in_the_directory_s_place(env: CheckEnvironment) -> None:
    env.directory.write_text("")


def link_in_the_directory_s_place(env: CheckEnvironment) -> None:
    env.directory.symlink_to(env.directory.parent)


def foreign_directory(env: CheckEnvironment) -> None:
    env.directory.mkdir(0o700)
    someone_else = os.geteuid() + 1
    env.monkeypatch.setattr(os, "geteuid", lambda: someone_else)


def directory_that_cannot_be_written_to(env: CheckEnvironment) -> None:
    env.directory.mkdir(0o700)
    # The superuser may write anywhere, so taking away a permission would show nothing.
    env.monkeypatch.setattr(os, "access", lambda path, *_, **__: path != env.directory)


def directory_open_to_all(env: CheckEnvironment) -> None:
    env.directory.mkdir()
    env.directory.chmod(0o777)
    (env.directory / "photos.zip").touch()


def full_disk(env: CheckEnvironment) -> None:
    env.monkeypatch.setattr(os, "statvfs", lambda _: SimpleNamespace(f_bavail=1, f_frsize=4096))


@asynccontextmanager
async def port_taken(env: CheckEnvironment) -> AsyncIterator[None]:
    with occupied_port() as other:
        env.variables["FLYTE_SLACK_HTTP_PORT"] = str(other.getsockname()[1])
        yield


@asynccontextmanager
async def other_signing_secret(env: CheckEnvironment) -> AsyncIterator[None]:
    env.receive_by_http()
    async with running_pack(signing_secret="another one") as port:
        env.variables["FLYTE_SLACK_HTTP_PORT"] = port
        yield


@asynccontextmanager
async def no_way_in_by_http(env: CheckEnvironment) -> AsyncIterator[None]:
    env.receive_by_http()
    async with running_pack(accepts_requests=False) as port:
        env.variables["FLYTE_SLACK_HTTP_PORT"] = port
        yield


def rtm_for_a_modern_app(env: CheckEnvironment) -> None:
    env.variables["FLYTE_SLACK_APP_TOKEN"] = ""


def clock_ahead(env: CheckEnvironment) -> None:
    env.clock = ShiftedClock(95)


def clock_behind(env: CheckEnvironment) -> None:
    env.clock = ShiftedClock(-3600)


FAULTS: dict[Plant, tuple[str, str, str]] = {
    invalid_bot_token: ("slack token", "invalid_auth", "Bot User OAuth Token > Copy"),
    revoked_bot_token: ("slack token", "token_revoked", "Reinstall to Workspace"),
    missing_scope: ("scope channels:history", "missing", "Bot Token Scopes > Add an OAuth Scope > channels:history"),
    invalid_app_token: ("slack app token", "FLYTE_SLACK_APP_TOKEN", "App-Level Tokens > Generate Token and Scopes"),
    app_token_without_its_scope: ("slack app token", "connections:write", "Add Scope > connections:write"),
    socket_mode_switched_off: ("slack socket", "link_disabled", "Socket Mode > Enable Socket Mode"),
    sockets_kept_out: ("slack socket", "HTTP 403", "wss://"),
    silent_socket: ("slack socket", "no socket opened within 1 s", "wss://"),
    unknown_channel: ("slack channel C0MISTYPED", "channel_not_found", "FLYTE_SLACK_DEFAULT_JOIN_CHANNEL"),
    private_channel: ("slack channel {default}", "channel_not_found", "/invite"),
    archived_channel: ("slack channel {default}", "#ops is archived", "Unarchive channel"),
    wrong_slack_address: ("slack api", "no connection", "FLYTE_SLACK_API_URL"),
    page_in_slack_s_place: ("slack api", "could not be read", "FLYTE_SLACK_API_URL"),
    flyte_down: ("flyte api", "connection refused", "FLYTE_API"),
    page_in_flyte_s_place: ("flyte api", "an HTML page", "FLYTE_API"),
    flyte_elsewhere: ("flyte api", "login.example.com", "FLYTE_API"),
    wrong_jwt: ("flyte access", "Flyte rejects FLYTE_JWT", "FLYTE_JWT"),
    missing_jwt: ("flyte access", "FLYTE_JWT is not set", "FLYTE_JWT"),
    expired_jwt: ("flyte access", "it expired at 2020-09-13 12:26:40 UTC", "FLYTE_JWT"),
    links_to_another_origin: ("flyte links", "http://flyte.internal:8080", "X-Forwarded-Host"),
    unhealthy_flyte: ("flyte health", "500", "log"),
    namesake_at_work: ("flyte pack", "another pack with this name is running", "PACK_NAME"),
    directory_in_use: ("directory lock", f"process {os.getpid()} on", "FLYTE_SLACK_BACKUP_DIR"),
    file_in_the_directory_s_place: ("directory", "is not a directory", "another directory"),
    link_in_the_directory_s_place: ("directory", "is a link", "replace it by its target"),
    foreign_directory: ("directory", "belongs to user", "change the owner"),
    directory_that_cannot_be_written_to: ("directory", "can't read and write", "let that user write there"),
    directory_open_to_all: ("directory", "others can write", "a directory for the pack alone"),
    full_disk: ("disk space", "0 MiB", "free space"),
    port_taken: ("http port", "in use by another program", "set another port"),
    other_signing_secret: ("slack requests", "another signing secret", "Signing Secret > Show"),
    no_way_in_by_http: ("slack requests", "/slack/events", "FLYTE_SLACK_SIGNING_SECRET"),
    rtm_for_a_modern_app: ("slack rtm", "not_allowed_token_type", "deploy/slack-app-socket-mode.yaml"),
    clock_ahead: ("clock", "s ahead of Slack", "timedatectl set-ntp true"),
    clock_behind: ("clock", "s behind Slack", "timedatectl set-ntp true"),
}


async def test_no_problem_is_found_without_a_fault(env: CheckEnvironment) -> None:
    assert await env.problems() == []


@pytest.mark.parametrize("plant", FAULTS, ids=lambda plant: plant.__name__)
async def test_a_fault_fails_only_its_own_check_and_suggests_the_fix(plant: Plant, env: CheckEnvironment) -> None:
    check, message, remedy = FAULTS[plant]
    async with AsyncExitStack() as planted:
        if (lasting := plant(env)) is not None:
            await planted.enter_async_context(lasting)
        [trouble] = await env.problems()

    default = env.environ["FLYTE_SLACK_DEFAULT_JOIN_CHANNEL"]
    assert (trouble.check, trouble.status) == (check.format(default=default), Status.FAILED)
    assert message in trouble.message
    assert remedy in trouble.remedy
