"""The in-memory chat service: conversations and people by name, and methods that have no command of their own."""

from adapters.memory.chat_state import ChatState
from application.ports.clock import Clock
from domain.channels import ChannelId, ChannelInfo, Reference
from domain.errors import ChannelInaccessible, ChatRejected
from domain.json_values import JsonObject
from domain.users import User


class ChatDirectory(ChatState):
    """Implements Directory."""

    def __init__(self, clock: Clock) -> None:
        super().__init__(clock)
        self.method_responses: dict[str, JsonObject] = {}
        """What `call_method` returns, by method."""
        self.method_calls: list[tuple[str, JsonObject]] = []
        """The methods that were called, with their arguments."""

    def knows_user(self, user_id: str) -> bool:
        """Implements Chat."""
        return user_id in self._users

    async def look_up(self, user_id: str) -> User:
        """Implements Chat."""
        return self._user(user_id)

    def reference(self, channel_id: ChannelId) -> Reference:
        if channel_id in self._users:
            return Reference.PERSON
        return Reference.ID if channel_id in self._channels else Reference.NAME

    async def channels(self) -> list[ChannelInfo]:
        known = (channel for channel in self._channels.values() if channel.is_visible and not channel.is_direct)
        return [channel.info for channel in known if not channel.is_archived]

    async def channel_info(self, channel_id: ChannelId) -> ChannelInfo:
        channel = self._channel(channel_id)
        if not channel.is_visible:
            explanation = f"the bot can't see the channel {channel_id}; /invite the bot"
            raise ChannelInaccessible("channel_not_found", explanation, channel_id)
        return channel.info

    async def find_user(self, email: str) -> User:
        found = next((user for user in self._users.values() if email and user.email == email), None)
        if found is None:
            raise ChatRejected("users_not_found", f"there is no user {email}; check the address")
        return found

    async def open_direct(self, user_id: str) -> ChannelId:
        if user_id == self.identity.user_id:
            raise ChatRejected("cannot_dm_bot", "the bot can't write to itself")
        channel_id = ChannelId(f"D{self._user(user_id).id}")
        if channel_id not in self._channels:
            self.add_channel(channel_id, is_private=True, has_bot=True)
        return channel_id

    async def call_method(self, method: str, arguments: JsonObject) -> JsonObject:
        self.method_calls.append((method, arguments))
        if method not in self.method_responses:
            raise ChatRejected("unknown_method", f"there is no method {method}; check its name")
        return self.method_responses[method]
