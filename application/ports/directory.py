"""The chat service: conversations and people by name, and methods that have no command of their own."""

from typing import Protocol

from domain.channels import ChannelId, ChannelInfo, Reference
from domain.json_values import JsonObject
from domain.users import User


class Directory(Protocol):
    """Part of Chat, whose docstring applies."""

    def reference(self, channel_id: ChannelId) -> Reference:
        """Returns in which way this names a channel."""

    async def channels(self) -> list[ChannelInfo]:
        """Returns the public channels, and the private ones of which the bot is a member."""

    async def channel_info(self, channel_id: ChannelId) -> ChannelInfo:
        """Returns one channel."""

    async def find_user(self, email: str) -> User:
        """Returns the user with an email address."""

    async def open_direct(self, user_id: str) -> ChannelId:
        """Returns the conversation of a person with the bot, which is opened if necessary."""

    async def call_method(self, method: str, arguments: JsonObject) -> JsonObject:
        """Calls any method of the service with the bot's token, and returns its response. Raises InDoubt."""
