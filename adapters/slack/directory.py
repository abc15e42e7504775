"""Conversations and people by name, and any other method, on Slack's Web API."""

import re
from typing import Final

from adapters.slack.errors import ApiCall
from adapters.slack.pagination import paginate
from adapters.slack.schemas import parse_channel, parse_direct, parse_found_user
from adapters.slack.values import object_list, text
from adapters.slack.web_client import SlackWebClient
from domain.channels import ChannelId, ChannelInfo, Reference
from domain.commands import without_token
from domain.json_values import JsonObject
from domain.users import User

_CHANNELS_PER_PAGE: Final = 1000
"""Slack's maximum: few calls of `conversations.list` are allowed per minute."""

_PERSON: Final = re.compile(r"[UW][A-Z0-9]{2,}")


class SlackDirectory:
    """Implements Directory."""

    def __init__(self, web: SlackWebClient) -> None:
        self._web = web

    def reference(self, channel_id: ChannelId) -> Reference:
        if _PERSON.fullmatch(channel_id):
            return Reference.PERSON
        # Slack's ids have no small letters, its names no capital ones.
        is_name = channel_id.startswith("#") or channel_id != channel_id.upper()
        return Reference.NAME if is_name else Reference.ID

    async def channels(self) -> list[ChannelInfo]:
        call = ApiCall("conversations.list")
        arguments: JsonObject = {"types": "public_channel,private_channel", "exclude_archived": True}
        pages = paginate(self._web, call, arguments, _CHANNELS_PER_PAGE)
        return [
            parse_channel({"channel": channel})
            async for page in pages
            for channel in object_list(page, "channels")
            if text(channel.get("id"))
        ]

    async def channel_info(self, channel_id: ChannelId) -> ChannelInfo:
        call = ApiCall("conversations.info", channel_id)
        return await self._web.read(call, {"channel": channel_id}, parse_channel)

    async def find_user(self, email: str) -> User:
        call = ApiCall("users.lookupByEmail", "with this email address")
        return await self._web.read(call, {"email": email}, parse_found_user)

    async def open_direct(self, user_id: str) -> ChannelId:
        return await self._web.read(ApiCall("conversations.open", user_id), {"users": user_id}, parse_direct)

    async def call_method(self, method: str, arguments: JsonObject) -> JsonObject:
        channel = arguments.get("channel")
        call = ApiCall(method, channel if isinstance(channel, str) else "", is_repeatable=False)
        return await self._web.call(call, without_token(arguments))
