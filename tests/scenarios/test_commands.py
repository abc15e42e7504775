"""Every chat command between both servers: its success, and what follows when Slack's answer is lost."""

import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, cast

from application.catalog.commands import COMMANDS_BY_NAME
from application.catalog.specs import AskOperator
from entrypoints.simulation.faults import Reset
from entrypoints.simulation.flyte.server import FlyteServer
from entrypoints.simulation.slack.server import SlackServer
from tests.support.chat_commands import CHAT_COMMANDS, VIEW
from tests.support.daemon_process import daemon, daemon_environ

METHODS = {
    "SendDirectMessage": "chat.postMessage",
    "UploadFile": "files.completeUploadExternal",
    "GetChannelInfo": "conversations.list",
    "CallSlack": "conversations.setTopic",
}
"""The method whose answer is lost, for commands that do not stand for exactly one."""
WITHOUT_METHOD = {"Respond"}


class Servers:
    """A pack between a Slack and a Flyte, with a channel and a person."""

    def __init__(self, slack: SlackServer, flyte: FlyteServer) -> None:
        self.slack = slack
        self.flyte = flyte
        self.ada = slack.add_user("ada", email="ada@example.com")
        self.channel = slack.add_channel("ops", members=[slack.bot_user_id, self.ada])

    async def ending(self, command: str, given: dict[str, Any]) -> tuple[str, dict[str, Any]]:
        """Returns the name and the payload of the event in which the command ends."""
        action = self.flyte.queue_action("Slack", command, given)
        await self.flyte.wait_for(lambda: action in self.flyte.results, 20)
        result = self.flyte.results[action]
        return result.name, cast("dict[str, Any]", result.payload)

    async def valid_input(self, command: str) -> dict[str, Any]:
        """Returns input with which the command succeeds."""
        _, posted = await self.ending("SendMessage", {"channelId": self.channel, "message": "before"})
        of_message = {"channelId": self.channel, "timestamp": posted["timestamp"]}
        in_an_hour = int(time.time()) + 3600
        match command:
            case "CancelScheduledMessage":
                later = {"channelId": self.channel, "postAt": in_an_hour, "message": "later"}
                _, scheduled = await self.ending("ScheduleMessage", later)
                return {"channelId": self.channel, "scheduledMessageId": scheduled["scheduledMessageId"]}
            case "UpdateModal":
                opening = {"triggerId": self.slack.new_trigger(self.ada), "view": VIEW}
                _, opened = await self.ending("OpenModal", opening)
                return {"viewId": opened["viewId"], "viewHash": opened["viewHash"], "view": VIEW}
            case "RemoveReaction":
                await self.ending("AddReaction", of_message | {"reaction": "eyes"})
        inputs: dict[str, dict[str, Any]] = {
            "UpdateMessage": of_message | {"message": "after"},
            "AddReaction": of_message | {"reaction": ":eyes:"},
            "RemoveReaction": of_message | {"reaction": "eyes"},
            "SendDirectMessage": {"email": "ada@example.com", "message": "hello"},
            "SendEphemeral": {"channelId": self.channel, "userId": self.ada, "message": "psst"},
            "ScheduleMessage": {"channelId": self.channel, "postAt": in_an_hour, "message": "much later"},
            "UploadFile": {"channelId": self.channel, "filename": "a.csv", "content": "a;b", "message": "see"},
            "OpenModal": {"triggerId": self.slack.new_trigger(self.ada), "view": VIEW},
            "PublishHome": {"userId": self.ada, "view": {"type": "home", "blocks": []}},
            "Respond": {"responseUrl": self._response_url(), "message": "done"},
            "GetChannelInfo": {"channelName": "#ops"},
            "GetUserInfo": {"email": "ada@example.com"},
            "CallSlack": {
                "method": "conversations.setTopic",
                "arguments": {"channel": self.channel, "topic": "News"},
            },
        }
        return inputs.get(command, of_message)

    def _response_url(self) -> str:
        return self.slack.response_urls.new(self.slack.workspace.channel(self.channel), self.ada)


@asynccontextmanager
async def running(directory: Path) -> AsyncIterator[Servers]:
    allowed = {"FLYTE_SLACK_ALLOWED_METHODS": "conversations.setTopic"}
    async with SlackServer() as slack, FlyteServer() as flyte:
        servers = Servers(slack, flyte)
        environ = daemon_environ(slack, flyte, directory, FLYTE_SLACK_APP_TOKEN=slack.app_token, **allowed)
        async with daemon(environ) as pack:
            await pack.wait_for_event("hearing")
            yield servers
            assert await pack.stop() == 0


async def test_every_command_succeeds_and_reports_its_results(tmp_path: Path) -> None:
    endings: dict[str, tuple[object, ...]] = {}
    expected: dict[str, tuple[object, ...]] = {}

    async with running(tmp_path) as servers:
        for command in CHAT_COMMANDS:
            name, payload = await servers.ending(command, await servers.valid_input(command))
            spec = COMMANDS_BY_NAME[command]
            endings[command] = name, [key for key in spec.results if not payload.get(key)], payload.get("error", "")
            expected[command] = spec.success, [], ""

    assert endings == expected


async def test_every_command_whose_answer_was_lost_ends_by_its_rule(tmp_path: Path) -> None:
    endings: dict[str, tuple[object, ...]] = {}
    expected: dict[str, tuple[object, ...]] = {}

    async with running(tmp_path) as servers:
        for command in (name for name in CHAT_COMMANDS if name not in WITHOUT_METHOD):
            spec = COMMANDS_BY_NAME[command]
            given = await servers.valid_input(command)
            servers.slack.faults.plan(METHODS.get(command) or spec.methods[-1], Reset(after_effect=True))
            name, payload = await servers.ending(command, given)
            is_open = isinstance(spec.in_doubt, AskOperator)
            endings[command] = name, str(payload.get("error", "")).partition(":")[0]
            expected[command] = (spec.failure, "in_doubt") if is_open else (spec.success, "")

    assert endings == expected


async def test_messages_with_keys_are_changed_continued_and_begun_anew(tmp_path: Path) -> None:
    async with running(tmp_path) as servers:
        keyed = {"channelId": "#ops", "messageKey": "status", "threadKey": "deployment"}
        _, root = await servers.ending("SendMessage", keyed | {"message": "begun"})
        _, changed = await servers.ending("SendMessage", keyed | {"message": "halfway"})
        in_thread = {"channelId": servers.channel, "threadKey": "deployment"}
        _, reply = await servers.ending("SendMessage", in_thread | {"message": "built"})
        replies = [message["text"] for message in servers.slack.history("ops", str(root["timestamp"]))]
        servers.slack.delete("ops", root["timestamp"])
        _, anew = await servers.ending("SendMessage", in_thread | {"message": "once more"})
        listed = [message["text"] for message in servers.slack.history("ops")]

    assert (changed["timestamp"], changed["updated"]) == (root["timestamp"], True)
    assert replies == ["halfway", "built"]
    assert listed[-1] == "once more"
    assert {reply["updated"], anew["updated"]} == {False}
