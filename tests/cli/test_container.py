"""The container creates every object of the pack in every configuration."""

from collections.abc import Mapping
from http import HTTPStatus
from pathlib import Path

import pytest
from aiohttp import ClientSession

from entrypoints.config.settings import ReceiveMode, load_settings
from entrypoints.container.daemon import Daemon, lifetimes
from entrypoints.http import SLACK_PATH

SECRETS = {
    ReceiveMode.SOCKET_MODE: {"FLYTE_SLACK_APP_TOKEN": "xapp-1", "FLYTE_SLACK_SIGNING_SECRET": "s3cret"},
    ReceiveMode.HTTP: {"FLYTE_SLACK_SIGNING_SECRET": "s3cret"},
    ReceiveMode.RTM: {},
}
every_mode = pytest.mark.parametrize("mode", ReceiveMode, ids=lambda mode: mode.value)


def daemon_for(mode: ReceiveMode, more: Mapping[str, str]) -> Daemon:
    required = {"FLYTE_API": "http://127.0.0.1:1", "FLYTE_SLACK_TOKEN": "xoxb-1"}
    settings = load_settings({**required, **SECRETS[mode], **more})
    assert settings.receive_mode is mode
    return Daemon(settings=settings)


@every_mode
@pytest.mark.parametrize("storage", ["file", "memory"])
@pytest.mark.parametrize("record", ["", "record.jsonl"])
def test_every_object_can_be_created(mode: ReceiveMode, storage: str, record: str, tmp_path: Path) -> None:
    url = {"file": f"file://{tmp_path}/state", "memory": "memory:"}[storage]
    daemon = daemon_for(mode, {"FLYTE_SLACK_STORAGE": url, "FLYTE_SLACK_RECORD": record})

    daemon.check_dependencies()
    for container in (daemon, daemon.adapters, daemon.application):
        for provider in container.providers.values():
            provider()


@every_mode
def test_creating_the_objects_opens_nothing(mode: ReceiveMode, tmp_path: Path) -> None:
    more = {"FLYTE_SLACK_BACKUP_DIR": str(tmp_path / "state"), "FLYTE_SLACK_RECORD": str(tmp_path / "record")}
    daemon = daemon_for(mode, more)

    daemon.application.supervisor()
    list(lifetimes(daemon))

    assert list(tmp_path.iterdir()) == []


@every_mode
def test_every_object_is_created_once(mode: ReceiveMode) -> None:
    daemon = daemon_for(mode, {})

    assert daemon.adapters.receiver() is daemon.adapters.receiver()
    assert daemon.application.supervisor() is daemon.application.supervisor()


@pytest.mark.parametrize(
    ("mode", "record", "status"),
    [
        (ReceiveMode.HTTP, "", HTTPStatus.UNAUTHORIZED),
        (ReceiveMode.HTTP, "record.jsonl", HTTPStatus.UNAUTHORIZED),
        (ReceiveMode.SOCKET_MODE, "", HTTPStatus.NOT_FOUND),
        (ReceiveMode.RTM, "", HTTPStatus.NOT_FOUND),
    ],
)
async def test_only_a_pack_in_http_mode_verifies_requests_from_slack(
    mode: ReceiveMode, record: str, status: HTTPStatus
) -> None:
    variables = {"FLYTE_SLACK_HTTP_HOST": "127.0.0.1", "FLYTE_SLACK_HTTP_PORT": "0", "FLYTE_SLACK_RECORD": record}
    server = daemon_for(mode, variables).http_server()

    async with (
        server.open(),
        ClientSession() as session,
        session.post(server.url + SLACK_PATH, data=b"unsigned") as response,
    ):
        assert response.status == status


def test_without_a_recording_and_metrics_the_pack_uses_the_adapters_themselves() -> None:
    daemon = daemon_for(ReceiveMode.RTM, {"FLYTE_SLACK_METRICS": "false"})

    adapters = daemon.adapters
    assert adapters.chat() is adapters.slack_chat()
    assert adapters.receiver() is adapters.slack_receiver()
    assert adapters.workflow() is adapters.flyte_workflow()


def test_a_recording_wraps_the_adapters() -> None:
    daemon = daemon_for(ReceiveMode.HTTP, {"FLYTE_SLACK_RECORD": "record.jsonl"})

    adapters = daemon.adapters
    assert adapters.chat() is not adapters.slack_chat()
    assert adapters.receiver() is not adapters.slack_receiver()
    assert adapters.workflow() is not adapters.flyte_workflow()
    assert adapters.chat() is adapters.chat()
