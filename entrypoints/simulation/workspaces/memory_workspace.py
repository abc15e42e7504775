"""The workspace of the chat in memory, with its people."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from adapters.memory.chat import MemoryChat, Posted
from adapters.memory.receiver import MemoryReceiver
from application.ports.receiver import ChatEvent, MembershipGained, MembershipLost
from domain.messages import IncomingMessage, RichMessage
from domain.users import User
from entrypoints.simulation.slack.people import escape
from entrypoints.simulation.workspaces.message_text import visible_text
from entrypoints.simulation.workspaces.workspace import (
    BOT,
    ChatMessage,
    ChatNotice,
    Conversation,
    NotAllowed,
    WorkspaceEvent,
    replace_mentions,
    unknown_name,
)

_GENERAL = "#general"


class MemoryWorkspace:
    """People and rooms of a MemoryChat. See the protocol Workspace."""

    def __init__(self, chat: MemoryChat, receiver: MemoryReceiver) -> None:
        self.listeners: list[Callable[[WorkspaceEvent], None]] = []
        self._chat = chat
        self._ear = receiver
        self._ids: dict[str, str] = {BOT: chat.identity.user_id}
        self._rooms: dict[str, Conversation] = {}
        chat.listeners.append(self._hear)

    @property
    def handles(self) -> Sequence[str]:
        """See the protocol."""
        return [handle for handle in self._ids if handle != BOT]

    @property
    def user_ids(self) -> Mapping[str, str]:
        """Everybody's id by handle, the bot's too."""
        return self._ids

    def conversations(self) -> Sequence[Conversation]:
        """See the protocol."""
        return [room for room in self._rooms.values() if not room.label.startswith("@")]

    def conversation(self, label: str, handle: str) -> Conversation:
        """See the protocol."""
        if label == f"@{BOT}":
            return self._direct_messages(handle)
        room = next((room for room in self.conversations() if room.label == label), None)
        if room is None:
            raise unknown_name(label, (one.label for one in self.conversations()))
        return room

    def encode_text(self, typed: str) -> str:
        """See the protocol."""
        return replace_mentions(escape(typed), self._mention)

    def add_person(self, handle: str, user: User | None = None) -> None:
        """See the protocol. `user` says who it is; one without an id gets one."""
        name = handle.capitalize()
        user = user or User("", name, email=f"{handle}@example.com", first_name=name)
        user_id = self._ids[handle] = user.id or f"U{len(self._ids):08}"
        self._chat.add_user(replace(user, id=user_id))

    def add_channel(self, label: str, channel_id: str = "", *, is_private: bool = False) -> None:
        """See the protocol."""
        room_id = channel_id or f"C{len(self._rooms) + 1:08}"
        self._chat.add_channel(room_id, is_private=is_private, is_general=label == _GENERAL)
        self._rooms[room_id] = Conversation(room_id, label, has_bot=False, is_private=is_private)

    def say(self, handle: str, room: Conversation, text: str, thread_timestamp: str = "") -> str:
        """See the protocol."""
        said = self._chat.say(room.id, text, self._user_id(handle), thread_timestamp=thread_timestamp)
        if not self._rooms[room.id].has_bot:
            self._tell(self._spoken(said))  # the chat tells only of what the bot hears
        return said.timestamp

    def edit(self, room: Conversation, timestamp: str, text: str) -> None:
        """See the protocol. The chat in memory has no edits: the pack would not hear of one anyway."""
        self._tell(ChatNotice(room.id, room.label, f"message edited: {text}", timestamp))

    def react(self, handle: str, room: Conversation, timestamp: str, emoji: str) -> None:
        """See the protocol. The chat in memory has no reactions: the pack would not hear of one anyway."""
        self._tell(ChatNotice(room.id, room.label, f"{handle} reacts with :{emoji}:", timestamp))

    def invite(self, handle: str, room: Conversation) -> None:
        """See the protocol."""
        self._user_id(handle)
        if handle == BOT:
            self._chat.invite(room.id)
        else:
            self._tell(ChatNotice(room.id, room.label, f"{handle} has joined the channel"))

    def kick(self, handle: str, room: Conversation) -> None:
        """See the protocol."""
        self._user_id(handle)
        if room.label == _GENERAL:
            raise NotAllowed(f"nobody can be removed from {room.label}")
        if handle == BOT:
            self._chat.remove(room.id)
        else:
            self._tell(ChatNotice(room.id, room.label, f"{handle} has left the channel"))

    @property
    def is_busy(self) -> bool:
        """See the protocol."""
        return self._ear.is_busy

    def _direct_messages(self, handle: str) -> Conversation:
        room_id = f"D{self._user_id(handle)}"
        if room_id not in self._rooms:
            self._chat.add_channel(room_id, is_private=True, has_bot=True)
            self._rooms[room_id] = Conversation(room_id, f"@{BOT}", has_bot=True, is_private=True)
        return self._rooms[room_id]

    def _user_id(self, handle: str) -> str:
        if handle not in self._ids:
            raise unknown_name(handle, (*self.handles, BOT))
        return self._ids[handle]

    def _mention(self, sign: str, name: str) -> str | None:
        if sign == "@":
            return f"<@{self._ids[name]}>" if name in self._ids else None
        room = next((room for room in self.conversations() if room.label == f"#{name}"), None)
        return f"<#{room.id}|{name}>" if room else None

    def _hear(self, event: ChatEvent) -> None:
        match event:
            case IncomingMessage():
                self._tell(self._spoken(event))
            case MembershipGained(channel_id):
                self._note_bot(channel_id, has_bot=True)
            case MembershipLost(channel_id):
                self._note_bot(channel_id, has_bot=False)
            case _:
                pass

    def _note_bot(self, room_id: str, *, has_bot: bool) -> None:
        room = self._rooms[room_id]
        self._rooms[room_id] = Conversation(room.id, room.label, has_bot, room.is_private)
        self._tell(ChatNotice(room.id, room.label, f"{BOT} has {'joined' if has_bot else 'left'} the channel"))

    def _spoken(self, said: IncomingMessage) -> ChatMessage:
        speaker = next((handle for handle, user_id in self._ids.items() if user_id == said.user_id), said.user_id)
        text = _words(self._chat.posts[-1]) if speaker == BOT else said.text
        room = self._rooms[said.channel_id]
        return ChatMessage(room.id, room.label, speaker, text, said.timestamp, said.thread_timestamp)

    def _tell(self, happening: WorkspaceEvent) -> None:
        for listener in self.listeners:
            listener(happening)


def _words(posted: Posted) -> str:
    message = posted.message
    return visible_text(message.fields) if isinstance(message, RichMessage) else message.text
