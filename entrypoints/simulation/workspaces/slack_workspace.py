"""The workspace of the simulated Slack."""

from collections.abc import Callable, Mapping, Sequence
from typing import Final

from domain.users import User as Profile
from entrypoints.simulation.slack.event_log import EventRaised, SlackEvent
from entrypoints.simulation.slack.models import Channel, JsonObject, User
from entrypoints.simulation.slack.people import escape
from entrypoints.simulation.slack.server import SlackServer
from entrypoints.simulation.slack.workspace import NotFoundError
from entrypoints.simulation.workspaces.message_text import visible_text
from entrypoints.simulation.workspaces.workspace import (
    BOT,
    ChatMessage,
    ChatNotice,
    Conversation,
    NotAllowed,
    UnknownName,
    UploadedFile,
    WorkspaceEvent,
    replace_mentions,
    unknown_name,
)

_OWNER: Final = "owner"
_REACTION_VERBS: Final = {"reaction_added": "reacts with", "reaction_removed": "removes"}


class SlackWorkspace:
    """People and conversations of a SlackServer. See the protocol Workspace for each method."""

    def __init__(self, slack: SlackServer) -> None:
        self.listeners: list[Callable[[WorkspaceEvent], None]] = []
        self._slack = slack
        self._state = slack.workspace
        slack.log.listeners.append(self._on_event)

    @property
    def handles(self) -> Sequence[str]:
        """See the protocol."""
        return [user.name for user in self._state.users.values() if not user.bot_id and user.name != _OWNER]

    @property
    def user_ids(self) -> Mapping[str, str]:
        """All user ids by handle, including the bot's."""
        return {user.name: user.user_id for user in self._state.users.values() if user.name != _OWNER}

    def conversations(self) -> Sequence[Conversation]:
        """See the protocol."""
        return [self._conversation(channel) for channel in self._state.channels.values() if not channel.is_direct]

    def conversation(self, label: str, handle: str) -> Conversation:
        """See the protocol."""
        if label == f"@{BOT}":
            return self._conversation(self._state.channel(self._slack.open_im(self._user(handle).user_id)))
        channel = self._state.find_channel(label)
        if channel is None:
            raise unknown_name(label, (known.label for known in self.conversations()))
        return self._conversation(channel)

    def encode_text(self, typed: str) -> str:
        """See the protocol."""
        return replace_mentions(escape(typed), self._mention)

    def add_person(self, handle: str, user: Profile | None = None) -> None:
        """See the protocol. `user` gives the details; a user without an id gets one."""
        name = handle.capitalize()
        given = user or Profile("", name, email=f"{handle}@example.com", first_name=name)
        self._slack.add_user(
            handle,
            user_id=given.id,
            display_name=given.name,
            title=given.title,
            first_name=given.first_name,
            last_name=given.last_name,
            email=given.email,
        )

    def add_channel(
        self, label: str, channel_id: str = "", *, is_private: bool = False, members: Sequence[str] = ()
    ) -> None:
        """See the protocol. `members` are there from the beginning, by their handles."""
        self._slack.add_channel(label, private=is_private, channel_id=channel_id, members=members)

    def say(self, handle: str, conversation: Conversation, text: str, thread_timestamp: str = "") -> str:
        """See the protocol."""
        user = self._user(handle)
        return self._slack.say(user.user_id, conversation.id, text, thread_ts=thread_timestamp or None)

    def edit(self, conversation: Conversation, timestamp: str, text: str) -> None:
        """See the protocol."""
        self._check_exists(conversation, timestamp)
        self._slack.edit(conversation.id, timestamp, text)

    def react(self, handle: str, conversation: Conversation, timestamp: str, emoji: str) -> None:
        """See the protocol."""
        self._check_exists(conversation, timestamp)
        self._slack.react(self._user(handle).user_id, conversation.id, timestamp, emoji)

    def toggle_reaction(self, handle: str, conversation: Conversation, timestamp: str, emoji: str) -> bool:
        """See the protocol."""
        self._check_exists(conversation, timestamp)
        return self._slack.toggle_reaction(self._user(handle).user_id, conversation.id, timestamp, emoji)

    def delete(self, conversation: Conversation, timestamp: str) -> None:
        """See the protocol."""
        self._check_exists(conversation, timestamp)
        self._slack.delete(conversation.id, timestamp)

    def upload(self, handle: str, conversation: Conversation, file: UploadedFile, thread_timestamp: str = "") -> str:
        """See the protocol."""
        user = self._user(handle).user_id
        uploaded = self._slack.files.add(file.name, file.content)
        files, thread_ts = [uploaded.as_json(user)], thread_timestamp or None
        ts = self._slack.say(
            user, conversation.id, file.text, thread_ts=thread_ts, subtype="file_share", files=files, upload=True
        )
        channel = self._state.channel(conversation.id)
        uploaded.share(channel, channel.messages[ts])
        return ts

    def invite(self, handle: str, conversation: Conversation) -> None:
        """See the protocol."""
        self._slack.invite(conversation.id, self._user(handle).user_id)

    def kick(self, handle: str, conversation: Conversation) -> None:
        """See the protocol."""
        if self._state.channel(conversation.id).is_general:
            raise NotAllowed(f"no one can be removed from {conversation.label}")
        self._slack.kick(conversation.id, self._user(handle).user_id)

    @property
    def is_busy(self) -> bool:
        """See the protocol."""
        return self._slack.has_receiver and any(
            not delivery.is_given_up for delivery in self._slack.unacknowledged.values()
        )

    def _user(self, handle: str) -> User:
        try:
            return self._state.user(handle)
        except NotFoundError:
            raise unknown_name(handle, (*self.handles, BOT)) from None

    def _check_exists(self, conversation: Conversation, timestamp: str) -> None:
        if timestamp not in self._state.channel(conversation.id).messages:
            raise UnknownName(f"the message is no longer in {conversation.label}")

    def _mention(self, sign: str, name: str) -> str | None:
        if sign == "@":
            user = next((user for user in self._state.users.values() if user.name == name), None)
            return f"<@{user.user_id}>" if user else None
        channel = self._state.find_channel(name)
        return f"<#{channel.channel_id}|{channel.name}>" if channel else None

    def _conversation(self, channel: Channel) -> Conversation:
        has_bot = self._state.bot.user_id in channel.members and not channel.is_archived
        return Conversation(channel.channel_id, _label(channel), has_bot, channel.is_private)

    def _name(self, user_id: object) -> str:
        user = self._state.users.get(str(user_id))
        return user.name if user else str(user_id)

    def _on_event(self, event: SlackEvent) -> None:
        visible = self._visible_event(event.event) if isinstance(event, EventRaised) else None
        if visible is not None:
            for listener in self.listeners:
                listener(visible)

    def _visible_event(self, event: JsonObject) -> WorkspaceEvent | None:
        item = event.get("item", {})
        channel = self._state.channels.get(str(event.get("channel") or item.get("channel")))
        if channel is None:
            return None
        if event["type"] in _REACTION_VERBS:
            text = f"{self._name(event['user'])} {_REACTION_VERBS[event['type']]} :{event['reaction']}:"
            return ChatNotice(channel.channel_id, _label(channel), text, item["ts"])
        return self._message_event(channel, event) if event["type"] == "message" else None

    def _message_event(self, channel: Channel, event: JsonObject) -> WorkspaceEvent:
        place = channel.channel_id, _label(channel)
        match event.get("subtype"):
            case None | "thread_broadcast" | "bot_message" | "file_share" | "me_message":
                return self._chat_message(channel, event)
            case "message_changed":
                message = event["message"]
                text = f"{self._name(message.get('user'))} edits: {visible_text(message)}"
                return ChatNotice(*place, text, message["ts"])
            case "message_deleted":
                return ChatNotice(*place, "deleted", event["deleted_ts"])
            case _:
                user_id = str(event.get("user"))
                return ChatNotice(*place, str(event.get("text", "")).replace(f"<@{user_id}>", self._name(user_id)))

    def _chat_message(self, channel: Channel, event: JsonObject) -> ChatMessage:
        speaker = event.get("username") or self._name(event.get("user") or event.get("bot_id"))
        thread = event.get("thread_ts", "")
        return ChatMessage(
            channel_id=channel.channel_id,
            channel_label=_label(channel),
            speaker=str(speaker),
            text=visible_text(event),
            timestamp=event["ts"],
            thread_timestamp=thread if thread != event["ts"] else "",
        )


def _label(channel: Channel) -> str:
    return f"@{BOT}" if channel.is_direct else f"#{channel.name}"
