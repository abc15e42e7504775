"""Every object of the pack can be made, however it is configured."""

from collections.abc import Mapping
from pathlib import Path

import pytest

from adapters.recording.chat import RecordedChat
from adapters.recording.receiver import RecordedReceiver
from adapters.recording.workflow import RecordedWorkflow
from adapters.slack.events_api import SlackEventsApi
from entrypoints.config.settings import ReceiveMode, load_settings
from entrypoints.container import Container, lifetimes

EVERY_WAY = {
    ReceiveMode.SOCKET_MODE: {"FLYTE_SLACK_APP_TOKEN": "xapp-1", "FLYTE_SLACK_SIGNING_SECRET": "s3cret"},
    ReceiveMode.HTTP: {"FLYTE_SLACK_SIGNING_SECRET": "s3cret"},
    ReceiveMode.RTM: {},
}
every_way = pytest.mark.parametrize("receiving", ReceiveMode, ids=lambda receiving: receiving.value)


def container_for(receiving: ReceiveMode, more: Mapping[str, str]) -> Container:
    required = {"FLYTE_API": "http://127.0.0.1:1", "FLYTE_SLACK_TOKEN": "xoxb-1"}
    settings = load_settings({**required, **EVERY_WAY[receiving], **more})
    assert settings.receive_mode is receiving
    return Container(settings=settings)


@every_way
@pytest.mark.parametrize("storage", ["file", "memory"])
@pytest.mark.parametrize("record", ["", "record.jsonl"])
def test_every_object_can_be_made(receiving: ReceiveMode, storage: str, record: str, tmp_path: Path) -> None:
    url = {"file": f"file://{tmp_path}/state", "memory": "memory:"}[storage]
    container = container_for(receiving, {"FLYTE_SLACK_STORAGE": url, "FLYTE_SLACK_RECORD": record})

    container.check_dependencies()
    for provider in container.providers.values():
        provider()


@every_way
def test_making_them_opens_nothing(receiving: ReceiveMode, tmp_path: Path) -> None:
    more = {"FLYTE_SLACK_BACKUP_DIR": str(tmp_path / "state"), "FLYTE_SLACK_RECORD": str(tmp_path / "record")}
    container = container_for(receiving, more)

    container.service()
    list(lifetimes(container))

    assert list(tmp_path.iterdir()) == []


@every_way
def test_each_is_made_once(receiving: ReceiveMode) -> None:
    container = container_for(receiving, {})

    assert container.receiver() is container.receiver()
    assert container.service() is container.service()


def test_slack_s_requests_go_to_the_receiver_that_the_pack_listens_to() -> None:
    container = container_for(ReceiveMode.HTTP, {})

    receiver = container.receiver()

    assert isinstance(receiver, SlackEventsApi)
    assert container.http_server()._slack_handler == receiver.handle_request


@pytest.mark.parametrize("receiving", [ReceiveMode.SOCKET_MODE, ReceiveMode.RTM], ids=lambda receiving: receiving.value)
def test_slack_s_requests_go_nowhere_when_the_pack_hears_otherwise(receiving: ReceiveMode) -> None:
    assert container_for(receiving, {}).http_server()._slack_handler is None


def test_nothing_stands_between_the_pack_and_the_world_unless_a_record_is_asked_for() -> None:
    container = container_for(ReceiveMode.RTM, {})

    assert container.chat() is container.slack_chat()
    assert container.receiver() is container.slack_receiver()
    assert container.workflow() is container.flyte_workflow()


def test_a_record_that_is_asked_for_stands_between_the_pack_and_the_world() -> None:
    container = container_for(ReceiveMode.HTTP, {"FLYTE_SLACK_RECORD": "record.jsonl"})

    assert isinstance(container.chat(), RecordedChat)
    assert isinstance(container.receiver(), RecordedReceiver)
    assert isinstance(container.workflow(), RecordedWorkflow)
    assert container.http_server()._slack_handler == container.slack_receiver().handle_request
