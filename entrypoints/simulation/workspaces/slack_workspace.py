"""The workspace of the simulated Slack, with its people."""

from collections.abc import Callable, Sequence
from typing import Final

from entrypoints.simulation.slack import workspace as slack_world
from entrypoints.simulation.slack.event_log import EventRaised, SlackEvent
from entrypoints.simulation.slack.models import Channel, JsonObject, User
from entrypoints.simulation.slack.people import escape
from entrypoints.simulation.slack.server import SlackServer
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

_OWNER: Final = "owner"


class SlackWorkspace:
    """People and rooms of a SlackServer. See the protocol Workspace."""

    def __init__(self, slack: SlackServer) -> None:
        self.listeners: list[Callable[[WorkspaceEvent], None]] = []
        self._slack = slack
        self._world = slack.workspace
        slack.log.listeners.append(self._translate)

    @property
    def handles(self) -> Sequence[str]:
        """See the protocol."""
        return [user.name for user in self._world.users.values() if not user.bot_id and user.name != _OWNER]

    def conversations(self) -> Sequence[Conversation]:
        """See the protocol."""
        return [self._room(channel) for channel in self._world.channels.values() if not channel.is_direct]

    def conversation(self, label: str, handle: str) -> Conversation:
        """See the protocol."""
        if label == f"@{BOT}":
            return self._room(self._world.channel(self._slack.open_im(self._user(handle).user_id)))
        channel = self._world.find_channel(label)
        if channel is None:
            raise unknown_name(label, (one.label for one in self.conversations()))
        return self._room(channel)

    def encode_text(self, typed: str) -> str:
        """See the protocol."""
        return replace_mentions(escape(typed), self._mention)

    def add_person(self, handle: str) -> None:
        """See the protocol."""
        name = handle.capitalize()
        self._slack.add_user(handle, display_name=name, first_name=name, email=f"{handle}@example.com")

    def add_channel(self, label: str, channel_id: str = "", *, is_private: bool = False) -> None:
        """See the protocol."""
        self._slack.add_channel(label, private=is_private, channel_id=channel_id)

    def say(self, handle: str, room: Conversation, text: str, thread_timestamp: str = "") -> str:
        """See the protocol."""
        return self._slack.say(self._user(handle).user_id, room.id, text, thread_ts=thread_timestamp or None)

    def edit(self, room: Conversation, timestamp: str, text: str) -> None:
        """See the protocol."""
        self._check(room, timestamp)
        self._slack.edit(room.id, timestamp, text)

    def react(self, handle: str, room: Conversation, timestamp: str, emoji: str) -> None:
        """See the protocol."""
        self._check(room, timestamp)
        self._slack.react(self._user(handle).user_id, room.id, timestamp, emoji)

    def invite(self, handle: str, room: Conversation) -> None:
        """See the protocol."""
        self._slack.invite(room.id, self._user(handle).user_id)

    def kick(self, handle: str, room: Conversation) -> None:
        """See the protocol."""
        if self._world.channel(room.id).is_general:
            raise NotAllowed(f"nobody can be removed from {room.label}")
        self._slack.kick(room.id, self._user(handle).user_id)

    @property
    def is_busy(self) -> bool:
        """See the protocol."""
        is_heard = bool(self._slack.connections)
        return is_heard and any(not delivery.is_given_up for delivery in self._slack.unacknowledged.values())

    def _user(self, handle: str) -> User:
        try:
            return self._world.user(handle)
        except slack_world.NotFoundError:
            raise unknown_name(handle, (*self.handles, BOT)) from None

    def _check(self, room: Conversation, timestamp: str) -> None:
        if timestamp not in self._world.channel(room.id).messages:
            raise UnknownName(f"that message is no longer in {room.label}")

    def _mention(self, sign: str, name: str) -> str | None:
        if sign == "@":
            user = next((user for user in self._world.users.values() if user.name == name), None)
            return f"<@{user.user_id}>" if user else None
        channel = self._world.find_channel(name)
        return f"<#{channel.channel_id}|{channel.name}>" if channel else None

    def _room(self, channel: Channel) -> Conversation:
        has_bot = self._world.bot.user_id in channel.members and not channel.is_archived
        return Conversation(channel.channel_id, self._label(channel), has_bot, channel.is_private)

    @staticmethod
    def _label(channel: Channel) -> str:
        return f"@{BOT}" if channel.is_direct else f"#{channel.name}"

    def _name(self, user_id: object) -> str:
        user = self._world.users.get(str(user_id))
        return user.name if user else str(user_id)

    def _translate(self, event: SlackEvent) -> None:
        seen = self._seen(event.event) if isinstance(event, EventRaised) else None
        if seen is not None:
            for listener in self.listeners:
                listener(seen)

    def _seen(self, event: JsonObject) -> WorkspaceEvent | None:
        item = event.get("item", {})
        channel = self._world.channels.get(str(event.get("channel") or item.get("channel")))
        if channel is None:
            return None
        if event["type"] == "reaction_added":
            text = f"{self._name(event['user'])} reacts with :{event['reaction']}:"
            return ChatNotice(channel.channel_id, self._label(channel), text, item["ts"])
        return self._message(channel, event) if event["type"] == "message" else None

    def _message(self, channel: Channel, event: JsonObject) -> WorkspaceEvent:
        place = channel.channel_id, self._label(channel)
        match event.get("subtype"):
            case None | "thread_broadcast" | "bot_message" | "file_share" | "me_message":
                return self._spoken(channel, event)
            case "message_changed":
                message = event["message"]
                text = f"{self._name(message.get('user'))} edits: {visible_text(message)}"
                return ChatNotice(*place, text, message["ts"])
            case "message_deleted":
                return ChatNotice(*place, "deleted", event["deleted_ts"])
            case _:
                who = str(event.get("user"))
                return ChatNotice(*place, str(event.get("text", "")).replace(f"<@{who}>", self._name(who)))

    def _spoken(self, channel: Channel, event: JsonObject) -> ChatMessage:
        speaker = event.get("username") or self._name(event.get("user") or event.get("bot_id"))
        thread = event.get("thread_ts", "")
        return ChatMessage(
            channel_id=channel.channel_id,
            channel_label=self._label(channel),
            speaker=str(speaker),
            text=visible_text(event),
            timestamp=event["ts"],
            thread_timestamp=thread if thread != event["ts"] else "",
        )
