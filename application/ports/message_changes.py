"""The chat service: changes to messages, reactions, and messages that are not simply posted."""

from datetime import datetime
from typing import Protocol

from domain.channels import ChannelId
from domain.json_values import JsonObject
from domain.messages import FoundMessage


class MessageChanges(Protocol):
    """Part of Chat, whose docstring applies. `fields` are the service's own fields of a message.

    Methods that say so raise InDoubt for a lost answer; the others are safe to repeat.
    """

    async def update(self, channel_id: ChannelId, timestamp: str, fields: JsonObject) -> None:
        """Changes a message of the bot. Fields that the service does not take for changes are left out."""

    async def delete(self, channel_id: ChannelId, timestamp: str) -> None:
        """Deletes a message of the bot. A repeat is rejected with `message_not_found`. Raises InDoubt."""

    async def add_reaction(self, channel_id: ChannelId, timestamp: str, reaction: str) -> None:
        """Adds a reaction of the bot, named without colons. No effect if it is there."""

    async def remove_reaction(self, channel_id: ChannelId, timestamp: str, reaction: str) -> None:
        """Removes a reaction of the bot, named without colons. No effect if there is none."""

    async def post_ephemeral(self, channel_id: ChannelId, user_id: str, fields: JsonObject) -> None:
        """Posts a message that one person sees, until the client forgets it. Raises InDoubt."""

    async def schedule(self, channel_id: ChannelId, post_at: datetime, fields: JsonObject) -> str:
        """Schedules a message, and returns its id. Raises InDoubt."""

    async def find_scheduled(self, channel_id: ChannelId, post_at: datetime, text: str) -> str | None:
        """Returns the id of the scheduled message with this time and text; None unless there is exactly one."""

    async def cancel_scheduled(self, channel_id: ChannelId, scheduled_id: str) -> None:
        """Cancels a scheduled message. Raises InDoubt."""

    async def respond(self, response_url: str, fields: JsonObject) -> None:
        """Answers an interaction at its address, which must be on one of the service's own hosts. Raises InDoubt."""

    async def permalink(self, channel_id: ChannelId, timestamp: str) -> str:
        """Returns the address of a message."""

    async def thread_of(self, channel_id: ChannelId, timestamp: str) -> str:
        """Returns the timestamp of the message that started the thread of a message: of itself if it is no reply."""

    async def message_at(self, channel_id: ChannelId, timestamp: str) -> FoundMessage | None:
        """Returns a message, also one in a thread; None if there is none."""
