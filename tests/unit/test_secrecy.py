"""What is shown nowhere, and forgotten."""

import pytest

from application.catalog.commands import COMMANDS
from application.catalog.secrecy import CAPABILITIES, HIDDEN, forget_content, hide_capabilities, is_same_command
from domain.channels import ChannelId
from domain.commands import ChatCommand, SendMessage
from domain.json_values import Json
from domain.messages import OutgoingMessage


def test_every_secret_field_of_a_command_is_a_capability() -> None:
    secret = {field.name for spec in COMMANDS for field in spec.fields if field.is_secret}
    assert secret
    assert secret <= CAPABILITIES


def test_capabilities_are_hidden_at_any_depth() -> None:
    value: Json = {
        "views": [{"responseUrls": [{"responseUrl": "https://secret", "blockId": "B1"}]}],
        "trigger_id": "secret",
    }
    hidden = {"views": [{"responseUrls": [{"responseUrl": HIDDEN, "blockId": "B1"}]}], "trigger_id": HIDDEN}
    assert hide_capabilities(value) == hidden


def test_a_capability_that_is_missing_is_seen_to_be_missing() -> None:
    assert hide_capabilities({"triggerId": "", "response_url": None}) == {"triggerId": "", "response_url": None}


@pytest.mark.parametrize("value", ["triggerId", 5, None, True, ["responseUrl"], {"message": "triggerId"}])
def test_anything_else_is_shown_as_it_is(value: Json) -> None:
    assert hide_capabilities(value) == value


def test_only_the_content_of_a_file_is_forgotten() -> None:
    upload = ChatCommand("UploadFile", {"filename": "a.txt", "content": "secret", "contentBase64": ""})
    forgotten = forget_content(upload)
    assert isinstance(forgotten, ChatCommand)
    assert forgotten.input["filename"] == "a.txt"
    assert "secret" not in str(forgotten)
    assert is_same_command(forgotten, upload)


@pytest.mark.parametrize(
    "command", [SendMessage(OutgoingMessage(ChannelId("C1"), "hello")), ChatCommand("GetPermalink", {"content": "x"})]
)
def test_commands_without_a_file_keep_everything(command: SendMessage | ChatCommand) -> None:
    assert forget_content(command) == command
