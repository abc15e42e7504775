"""The workspace of the in-memory chat."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from adapters.memory.chat import MemoryChat
from adapters.memory.receiver import MemoryReceiver
from application.ports.receiver import ChatEvent, MembershipGained, MembershipLost
from domain.messages import IncomingMessage
from domain.users import User
from entrypoints.simulation.slack.people import escape
from entrypoints.simulation.workspaces.message_text import visible_text
from entrypoints.simulation.workspaces.workspace import (
    BOT,
    ChatMessage,
    ChatNotice,
    Conversation,
    NotAllowed,
    UnknownName,
    WorkspaceEvent,
    replace_mentions,
    unknown_name,
)

_GENERAL = "#general"


class MemoryWorkspace:
    """People and conversations of a MemoryChat. See the protocol Workspace for each method."""

    def __init__(self, chat: MemoryChat, receiver: MemoryReceiver) -> None:
        self.listeners: list[Callable[[WorkspaceEvent], None]] = []
        self._chat = chat
        self._receiver = receiver
        self._user_ids: dict[str, str] = {BOT: chat.identity.user_id}
        self._conversations: dict[str, Conversation] = {}
        chat.listeners.append(self._on_event)

    @property
    def handles(self) -> Sequence[str]:
        """See the protocol."""
        return [handle for handle in self._user_ids if handle != BOT]

    @property
    def user_ids(self) -> Mapping[str, str]:
        """All user ids by handle, including the bot's."""
        return self._user_ids

    def conversations(self) -> Sequence[Conversation]:
        """See the protocol."""
        return [conversation for conversation in self._conversations.values() if not conversation.label.startswith("@")]

    def conversation(self, label: str, handle: str) -> Conversation:
        """See the protocol."""
        if label == f"@{BOT}":
            return self._direct_messages(handle)
        channel = self._find_channel(label)
        if channel is None:
            raise unknown_name(label, (known.label for known in self.conversations()))
        return channel

    def encode_text(self, typed: str) -> str:
        """See the protocol."""
        return replace_mentions(escape(typed), self._mention)

    def add_person(self, handle: str, user: User | None = None) -> None:
        """See the protocol. `user` gives the details; a user without an id gets one."""
        name = handle.capitalize()
        user = user or User("", name, email=f"{handle}@example.com", first_name=name)
        user_id = self._user_ids[handle] = user.id or f"U{len(self._user_ids):08}"
        self._chat.add_user(replace(user, id=user_id))

    def add_channel(self, label: str, channel_id: str = "", *, is_private: bool = False) -> None:
        """See the protocol."""
        channel_id = channel_id or f"C{len(self._conversations) + 1:08}"
        name = label.removeprefix("#")
        self._chat.add_channel(channel_id, name=name, is_private=is_private, is_general=label == _GENERAL)
        self._conversations[channel_id] = Conversation(channel_id, label, has_bot=False, is_private=is_private)

    def say(self, handle: str, conversation: Conversation, text: str, thread_timestamp: str = "") -> str:
        """See the protocol."""
        message = self._chat.say(conversation.id, text, self._user_id(handle), thread_timestamp=thread_timestamp)
        if not self._conversations[conversation.id].has_bot:
            self._emit(self._chat_message(message))  # the chat reports only messages that the bot receives
        return message.timestamp

    def edit(self, conversation: Conversation, timestamp: str, text: str) -> None:
        """See the protocol. The in-memory chat has no edits, and the pack would ignore them."""
        self._notify(conversation, f"message edited: {text}", timestamp)

    def react(self, handle: str, conversation: Conversation, timestamp: str, emoji: str) -> None:
        """See the protocol."""
        messages = (message for message in self._chat.messages(conversation.id) if message.timestamp == timestamp)
        message = next(messages, None)
        if message is None:
            raise UnknownName(f"the message is no longer in {conversation.label}")
        self._notify(conversation, f"{handle} reacts with :{emoji}:", timestamp)
        self._chat.react(message, emoji, self._user_id(handle))

    def invite(self, handle: str, conversation: Conversation) -> None:
        """See the protocol."""
        self._user_id(handle)
        if handle == BOT:
            self._chat.invite(conversation.id)
        else:
            self._notify(conversation, f"{handle} has joined the channel")

    def kick(self, handle: str, conversation: Conversation) -> None:
        """See the protocol."""
        self._user_id(handle)
        if conversation.label == _GENERAL:
            raise NotAllowed(f"no one can be removed from {conversation.label}")
        if handle == BOT:
            self._chat.remove(conversation.id)
        else:
            self._notify(conversation, f"{handle} has left the channel")

    @property
    def is_busy(self) -> bool:
        """See the protocol."""
        return self._receiver.is_busy

    def _direct_messages(self, handle: str) -> Conversation:
        channel_id = f"D{self._user_id(handle)}"
        if channel_id not in self._conversations:
            self._chat.add_channel(channel_id, is_private=True, has_bot=True)
            return self._direct(channel_id)
        return self._conversations[channel_id]

    def _direct(self, channel_id: str) -> Conversation:
        """Adds a conversation that the chat has already."""
        conversation = Conversation(channel_id, f"@{BOT}", has_bot=True, is_private=True)
        self._conversations[channel_id] = conversation
        return conversation

    def _find_channel(self, label: str) -> Conversation | None:
        return next((channel for channel in self.conversations() if channel.label == label), None)

    def _user_id(self, handle: str) -> str:
        if handle not in self._user_ids:
            raise unknown_name(handle, (*self.handles, BOT))
        return self._user_ids[handle]

    def _mention(self, sign: str, name: str) -> str | None:
        if sign == "@":
            return f"<@{self._user_ids[name]}>" if name in self._user_ids else None
        channel = self._find_channel(f"#{name}")
        return f"<#{channel.id}|{name}>" if channel else None

    def _on_event(self, event: ChatEvent) -> None:
        match event:
            case IncomingMessage():
                self._emit(self._chat_message(event))
            case MembershipGained(channel_id):
                self._set_membership(channel_id, has_bot=True)
            case MembershipLost(channel_id):
                self._set_membership(channel_id, has_bot=False)
            case _:
                pass

    def _set_membership(self, channel_id: str, *, has_bot: bool) -> None:
        channel = self._conversations[channel_id] = replace(self._conversations[channel_id], has_bot=has_bot)
        self._notify(channel, f"{BOT} has {'joined' if has_bot else 'left'} the channel")

    def _chat_message(self, message: IncomingMessage) -> ChatMessage:
        handles = {user_id: handle for handle, user_id in self._user_ids.items()}
        speaker = handles.get(message.user_id, message.user_id)
        fields = self._chat.fields_of(message.channel_id, message.timestamp)
        text = message.text if fields is None else visible_text(fields)
        channel = self._conversations.get(message.channel_id) or self._direct(message.channel_id)
        return ChatMessage(channel.id, channel.label, speaker, text, message.timestamp, message.thread_timestamp)

    def _notify(self, conversation: Conversation, text: str, timestamp: str = "") -> None:
        self._emit(ChatNotice(conversation.id, conversation.label, text, timestamp))

    def _emit(self, event: WorkspaceEvent) -> None:
        for listener in self.listeners:
            listener(event)
