"""Valid input for each chat command, and how the pack ends one."""

from collections.abc import Mapping
from datetime import timedelta

from adapters.serialization.command_inputs import parse_command
from application.catalog.commands import COMMANDS
from domain.events import CommandOutcome
from domain.json_values import Json, JsonObject
from domain.messages import OutgoingMessage
from tests.support.environment import World

VIEW: JsonObject = {"type": "modal", "title": {"type": "plain_text", "text": "Ask"}, "blocks": []}
METHODS = {
    "UpdateMessage": "update",
    "DeleteMessage": "delete",
    "AddReaction": "add_reaction",
    "RemoveReaction": "remove_reaction",
    "SendDirectMessage": "post",
    "SendEphemeral": "post_ephemeral",
    "ScheduleMessage": "schedule",
    "CancelScheduledMessage": "cancel_scheduled",
    "UploadFile": "finish_upload",
    "OpenModal": "open_view",
    "UpdateModal": "update_view",
    "PublishHome": "publish_home",
    "Respond": "respond",
    "GetChannelInfo": "channels",
    "GetUserInfo": "look_up",
    "GetPermalink": "permalink",
    "CallSlack": "call_method",
}
"""The method of Chat that each command needs."""
CHAT_COMMANDS = [spec.name for spec in COMMANDS if spec.use_case]


async def valid_input(world: World, command: str) -> JsonObject:
    """Returns input with which the command succeeds in the world, where C1 is joined."""
    chat = world.chat
    posted = await chat.post(OutgoingMessage(world.c1, "before"), None)
    in_an_hour = world.clock.now() + timedelta(hours=1)
    scheduled = await chat.schedule(world.c1, in_an_hour, {"text": "later"})
    opened = await chat.open_view(chat.new_trigger("U1"), VIEW)
    chat.method_responses["pins.add"] = {"ok": True}
    of_message: JsonObject = {"channelId": "C1", "timestamp": posted.timestamp}
    inputs: dict[str, JsonObject] = {
        "UpdateMessage": of_message | {"message": "after"},
        "DeleteMessage": of_message,
        "AddReaction": of_message | {"reaction": ":eyes:"},
        "RemoveReaction": of_message | {"reaction": ":eyes:"},
        "SendDirectMessage": {"userId": "U1", "message": "hello"},
        "SendEphemeral": {"channelId": "C1", "userId": "U1", "message": "psst"},
        "ScheduleMessage": {"channelId": "C1", "postAt": in_an_hour.isoformat(), "message": "hello"},
        "CancelScheduledMessage": {"channelId": "C1", "scheduledMessageId": scheduled},
        "UploadFile": {"channelId": "C1", "filename": "report.csv", "content": "a;ü"},
        "OpenModal": {"triggerId": chat.new_trigger("U1"), "view": VIEW},
        "UpdateModal": {"viewId": opened.id, "view": VIEW},
        "PublishHome": {"userId": "U1", "view": {"type": "home", "blocks": []}},
        "Respond": {"responseUrl": chat.new_response_url("C1"), "message": "done"},
        "GetChannelInfo": {"channelName": "general"},
        "GetUserInfo": {"userId": "U1"},
        "GetPermalink": of_message,
        "CallSlack": {"method": "pins.add", "arguments": {"channel": "C1"}},
    }
    return inputs[command]


async def ending(world: World, command: str, given: Mapping[str, Json], within: float = 3) -> CommandOutcome:
    """Returns how the running pack ends a command."""
    outcome = await world.outcome(parse_command(command, dict(given)), within)
    assert isinstance(outcome, CommandOutcome)
    return outcome
