"""GetChannelInfo: looks up a channel by its name."""

from application.use_cases.chat_use_case import CommandCall
from domain.channels import ChannelId, ChannelInfo, Reference
from domain.errors import ChannelInaccessible, ChatRejected
from domain.json_values import JsonObject


class GetChannelInfo:
    """Executes GetChannelInfo."""

    async def execute(self, call: CommandCall) -> JsonObject:
        """Implements ChatUseCase."""
        name = call.input.text("channelName")
        found = await _by_id(call, ChannelId(name)) or await call.services.channels.find(name)
        if found is None:
            raise ChatRejected("channel_not_found", "can't find channel with such name")
        conversation: JsonObject = {"id": found.id, "name": found.name, "topic": found.topic}
        return {"conversation": conversation, "channelId": found.id}


async def _by_id(call: CommandCall, channel_id: ChannelId) -> ChannelInfo | None:
    if call.chat.reference(channel_id) is not Reference.ID:
        return None
    try:
        return await call.chat.channel_info(channel_id)
    except ChannelInaccessible:
        return None
