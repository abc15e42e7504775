"""Sends messages with keys, and shows what came of them."""

from collections.abc import Mapping

from adapters.serialization.command_inputs import parse_command
from adapters.serialization.event_payloads import event_name, event_payload
from domain.json_values import Json, JsonObject
from tests.support.environment import World


async def send(world: World, text: str, within: float = 3, **more: str) -> JsonObject:
    """Sends a message to C1; returns as `ending` does."""
    given: dict[str, Json] = {"channelId": "C1", "message": text, **more}
    return await ending(world, "SendMessage", given, within)


async def ending(world: World, command: str, given: Mapping[str, Json], within: float = 3) -> JsonObject:
    """Returns the payload of the event in which the command ends, with the event's name."""
    outcome = await world.outcome(parse_command(command, dict(given)), within)
    payload = event_payload(outcome)
    assert isinstance(payload, dict)
    return payload | {"event": event_name(outcome)}


def messages(world: World, channel: str = "C1") -> list[tuple[str, str]]:
    """Returns the texts of the channel's messages, and the thread of each."""
    return [(message.text, message.thread_timestamp) for message in world.chat.messages(channel)]
