"""The container creates every object of the pack in every configuration."""

from collections.abc import Mapping
from http import HTTPStatus
from pathlib import Path

import pytest
from aiohttp import ClientSession

from adapters.recording.chat import RecordedChat
from adapters.recording.receiver import RecordedReceiver
from adapters.recording.workflow import RecordedWorkflow
from entrypoints.config.settings import ReceiveMode, load_settings
from entrypoints.container import Container, lifetimes
from entrypoints.http import SLACK_PATH

SECRETS = {
    ReceiveMode.SOCKET_MODE: {"FLYTE_SLACK_APP_TOKEN": "xapp-1", "FLYTE_SLACK_SIGNING_SECRET": "s3cret"},
    ReceiveMode.HTTP: {"FLYTE_SLACK_SIGNING_SECRET": "s3cret"},
    ReceiveMode.RTM: {},
}
every_mode = pytest.mark.parametrize("mode", ReceiveMode, ids=lambda mode: mode.value)


def container_for(mode: ReceiveMode, more: Mapping[str, str]) -> Container:
    required = {"FLYTE_API": "http://127.0.0.1:1", "FLYTE_SLACK_TOKEN": "xoxb-1"}
    settings = load_settings({**required, **SECRETS[mode], **more})
    assert settings.receive_mode is mode
    return Container(settings=settings)


@every_mode
@pytest.mark.parametrize("storage", ["file", "memory"])
@pytest.mark.parametrize("record", ["", "record.jsonl"])
def test_every_object_can_be_created(mode: ReceiveMode, storage: str, record: str, tmp_path: Path) -> None:
    url = {"file": f"file://{tmp_path}/state", "memory": "memory:"}[storage]
    container = container_for(mode, {"FLYTE_SLACK_STORAGE": url, "FLYTE_SLACK_RECORD": record})

    container.check_dependencies()
    for provider in container.providers.values():
        provider()


@every_mode
def test_creating_the_objects_opens_nothing(mode: ReceiveMode, tmp_path: Path) -> None:
    more = {"FLYTE_SLACK_BACKUP_DIR": str(tmp_path / "state"), "FLYTE_SLACK_RECORD": str(tmp_path / "record")}
    container = container_for(mode, more)

    container.service()
    list(lifetimes(container))

    assert list(tmp_path.iterdir()) == []


@every_mode
def test_every_object_is_created_once(mode: ReceiveMode) -> None:
    container = container_for(mode, {})

    assert container.receiver() is container.receiver()
    assert container.service() is container.service()


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
    server = container_for(mode, variables).http_server()

    async with (
        server.open(),
        ClientSession() as session,
        session.post(server.url + SLACK_PATH, data=b"unsigned") as response,
    ):
        assert response.status == status


def test_without_a_recording_the_pack_uses_the_adapters_themselves() -> None:
    container = container_for(ReceiveMode.RTM, {})

    assert container.chat() is container.slack_chat()
    assert container.receiver() is container.slack_receiver()
    assert container.workflow() is container.flyte_workflow()


def test_a_recording_wraps_the_adapters() -> None:
    container = container_for(ReceiveMode.HTTP, {"FLYTE_SLACK_RECORD": "record.jsonl"})

    assert isinstance(container.chat(), RecordedChat)
    assert isinstance(container.receiver(), RecordedReceiver)
    assert isinstance(container.workflow(), RecordedWorkflow)
