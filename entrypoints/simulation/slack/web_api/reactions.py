"""The `reactions.*` and `pins.*` methods of the simulated Slack's Web API."""

import re
from typing import Final

from entrypoints.simulation.slack.models import Channel, JsonObject, Message
from entrypoints.simulation.slack.web_api.api import Method, MethodCall, SlackError, fail_if


def add_reaction(call: MethodCall) -> JsonObject:
    """`reactions.add`: adds a reaction to a message."""
    channel, message, name = _item(call, with_name=True)
    fail_if(not call.workspace.react(channel, message, call.bot, name), "already_reacted")
    return {}


def remove_reaction(call: MethodCall) -> JsonObject:
    """`reactions.remove`: removes the bot's reaction from a message."""
    channel, message, name = _item(call, with_name=True)
    fail_if(not call.workspace.unreact(channel, message, call.bot, name), "no_reaction")
    return {}


def get_reactions(call: MethodCall) -> JsonObject:
    """`reactions.get`: a message with its reactions."""
    channel, message, _ = _item(call)
    shown = {**message.as_json(with_metadata=False), "permalink": call.workspace.permalink(channel, message)}
    return {"type": "message", "channel": channel.channel_id, "message": shown}


def add_pin(call: MethodCall) -> JsonObject:
    """`pins.add`: pins a message to its conversation."""
    channel, message, _ = _item(call)
    fail_if(message.ts in channel.pins, "already_pinned")
    call.workspace.pin(channel, message, call.bot)
    return {}


def remove_pin(call: MethodCall) -> JsonObject:
    """`pins.remove`: unpins a message."""
    channel, message, _ = _item(call)
    fail_if(message.ts not in channel.pins, "no_pin")
    call.workspace.unpin(channel, message, call.bot)
    return {}


def list_pins(call: MethodCall) -> JsonObject:
    """`pins.list`: the pinned messages of a conversation."""
    channel = call.channel()
    pinned = [channel.messages[ts] for ts in channel.pins if ts in channel.messages]
    place = {"type": "message", "channel": channel.channel_id}
    return {"items": [{**place, "message": message.as_json(with_metadata=False)} for message in pinned]}


METHODS: Final = {
    "reactions.add": Method(add_reaction, 3, ("reactions:write",)),
    "reactions.remove": Method(remove_reaction, 2, ("reactions:write",)),
    "reactions.get": Method(get_reactions, 3, ("reactions:read",)),
    "pins.add": Method(add_pin, 2, ("pins:write",)),
    "pins.remove": Method(remove_pin, 2, ("pins:write",)),
    "pins.list": Method(list_pins, 2, ("pins:read",)),
}


def _item(call: MethodCall, *, with_name: bool = False) -> tuple[Channel, Message, str]:
    """Returns the message that the call is about with its channel, and the name of the reaction if it has one."""
    fail_if(not call.text("timestamp"), "no_item_specified")
    channel = call.channel()
    name = call.text("name").strip(":")
    fail_if(with_name and not re.fullmatch(r"[a-z0-9_+:'-]+", name), "invalid_name")
    message = channel.messages.get(call.text("timestamp"))
    if message is None:
        raise SlackError("message_not_found")
    return channel, message, name
