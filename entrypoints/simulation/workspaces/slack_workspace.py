"""The workspace of the simulated Slack."""

from collections.abc import Callable, Mapping, Sequence
from typing import Final

from domain.users import User as Profile
from entrypoints.simulation.slack.delivery.queue import PendingDelivery
from entrypoints.simulation.slack.event_log import (
    EphemeralChanged,
    EphemeralPost,
    EventRaised,
    InteractionEnded,
    SlackEvent,
    ViewChanged,
)
from entrypoints.simulation.slack.models import Channel, JsonObject, User
from entrypoints.simulation.slack.people import escape
from entrypoints.simulation.slack.server import SlackServer
from entrypoints.simulation.slack.workspace import NotFoundError
from entrypoints.simulation.workspaces.channels import FIXED_IDS
from entrypoints.simulation.workspaces.message_text import visible_text
from entrypoints.simulation.workspaces.workspace import (
    BOT,
    ChatMessage,
    ChatNotice,
    Conversation,
    MessageChanged,
    NotAllowed,
    ReactionChanged,
    UnknownName,
    UploadedFile,
    ViewShown,
    WorkspaceEvent,
    replace_mentions,
    unknown_name,
)

_OWNER: Final = "owner"
_SHOWN_FAILURES: Final = ("slash_commands", "view_submission")
"""The interactions whose failure is an event of its own: a message, or an error in the modal."""
_REACTION_VERBS: Final = {"reaction_added": "reacts with", "reaction_removed": "removes"}


class SlackWorkspace:
    """People and conversations of a SlackServer. Implements Workspace.

    Without `awaits_retries` it is not busy with events that the app has left unacknowledged once: Bolt for Python
    acknowledges only those that a listener takes.
    """

    def __init__(self, slack: SlackServer, *, awaits_retries: bool = True) -> None:
        self._awaits_retries = awaits_retries
        self.listeners: list[Callable[[WorkspaceEvent], None]] = []
        self.slack = slack
        self._state = slack.workspace
        slack.log.listeners.append(self._on_event)

    @property
    def handles(self) -> Sequence[str]:
        """Implements Workspace."""
        return [user.name for user in self._state.users.values() if not user.bot_id and user.name != _OWNER]

    @property
    def user_ids(self) -> Mapping[str, str]:
        """All user ids by handle, including the bot's."""
        return {user.name: user.user_id for user in self._state.users.values() if user.name != _OWNER}

    def conversations(self) -> Sequence[Conversation]:
        """Implements Workspace."""
        return [self._conversation(channel) for channel in self._state.channels.values() if not channel.is_direct]

    def conversation(self, label: str, handle: str) -> Conversation:
        """Implements Workspace."""
        if label == f"@{BOT}":
            return self._conversation(self._state.channel(self.slack.open_im(self._user(handle).user_id)))
        channel = self._state.find_channel(label)
        if channel is None:
            raise unknown_name(label, (known.label for known in self.conversations()))
        return self._conversation(channel)

    def encode_text(self, typed: str) -> str:
        """Implements Workspace."""
        return replace_mentions(escape(typed), self._mention)

    def add_person(self, handle: str, user: Profile | None = None) -> None:
        """Implements Workspace. `user` gives the details; a user without an id gets one."""
        name = handle.capitalize()
        given = user or Profile("", name, email=f"{handle}@example.com", first_name=name)
        self.slack.add_user(
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
        """Implements Workspace. `members` are there from the beginning, by their handles."""
        known_id = channel_id or FIXED_IDS.get(label, "")
        self.slack.add_channel(label, private=is_private, channel_id=known_id, members=members)

    def say(self, handle: str, conversation: Conversation, text: str, thread_timestamp: str = "") -> str:
        """Implements Workspace."""
        user = self._user(handle)
        return self.slack.say(user.user_id, conversation.id, text, thread_ts=thread_timestamp or None)

    def edit(self, conversation: Conversation, timestamp: str, text: str) -> None:
        """Implements Workspace."""
        self._check_exists(conversation, timestamp)
        self.slack.edit(conversation.id, timestamp, text)

    def react(self, handle: str, conversation: Conversation, timestamp: str, emoji: str) -> None:
        """Implements Workspace."""
        self._check_exists(conversation, timestamp)
        self.slack.react(self._user(handle).user_id, conversation.id, timestamp, emoji)

    def toggle_reaction(self, handle: str, conversation: Conversation, timestamp: str, emoji: str) -> bool:
        """Implements Workspace."""
        self._check_exists(conversation, timestamp)
        return self.slack.toggle_reaction(self._user(handle).user_id, conversation.id, timestamp, emoji)

    def delete(self, conversation: Conversation, timestamp: str) -> None:
        """Implements Workspace."""
        self._check_exists(conversation, timestamp)
        self.slack.delete(conversation.id, timestamp)

    def upload(self, handle: str, conversation: Conversation, file: UploadedFile, thread_timestamp: str = "") -> str:
        """Implements Workspace."""
        user = self._user(handle).user_id
        uploaded = self.slack.files.add(file.name, file.content)
        files, thread_ts = [uploaded.as_json(user)], thread_timestamp or None
        ts = self.slack.say(
            user, conversation.id, file.text, thread_ts=thread_ts, subtype="file_share", files=files, upload=True
        )
        channel = self._state.channel(conversation.id)
        uploaded.share(channel, channel.messages[ts])
        return ts

    def invite(self, handle: str, conversation: Conversation) -> None:
        """Implements Workspace."""
        self.slack.invite(conversation.id, self._user(handle).user_id)

    def kick(self, handle: str, conversation: Conversation) -> None:
        """Implements Workspace."""
        if self._state.channel(conversation.id).is_general:
            raise NotAllowed(f"no one can be removed from {conversation.label}")
        self.slack.kick(conversation.id, self._user(handle).user_id)

    @property
    def is_busy(self) -> bool:
        """Implements Workspace."""
        if not self.slack.has_receiver:
            return False
        is_awaited = any(self._awaits(delivery) for delivery in self.slack.unacknowledged.values())
        counts = self.slack.counters
        return is_awaited or (
            counts["interactions"] > counts["interactions_acknowledged"] + counts["interactions_failed"]
        )

    def _awaits(self, delivery: PendingDelivery) -> bool:
        return not delivery.is_given_up and (self._awaits_retries or delivery.attempt == 0)

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
        visible = self._visible(event)
        if visible is not None:
            for listener in self.listeners:
                listener(visible)

    def _visible(self, event: SlackEvent) -> WorkspaceEvent | None:
        match event:
            case EventRaised(event=raised):
                return self._visible_event(raised)
            case EphemeralPost(channel=channel_id, user=user_id, ts=ts):
                return self._ephemeral(channel_id, user_id, self._state.ephemerals[ts].fields)
            case EphemeralChanged(channel=channel_id, user=user_id, ts=ts, is_removed=is_removed):
                fields = None if is_removed else self._state.ephemerals[ts].fields
                message = self._ephemeral(channel_id, user_id, fields) if fields else None
                return self._changed(channel_id, ts, BOT, message)
            case ViewChanged(user=user_id, view_id=view_id, change=change):
                return self._view_shown(self._name(user_id), self.slack.views.by_id[view_id], change)
            case InteractionEnded(interaction_id=interaction_id, kind=kind, failure=failure):
                return self._failure(interaction_id, failure) if failure and kind not in _SHOWN_FAILURES else None
            case _:
                return None

    def _failure(self, interaction_id: str, failure: str) -> ChatNotice:
        person = self.slack.interactions[interaction_id].payload["user"]["name"]
        return ChatNotice("", "", f"{person} sees an error: the app does not respond ({failure})")

    def _visible_event(self, event: JsonObject) -> WorkspaceEvent | None:
        item = event.get("item", {})
        channel = self._state.channels.get(str(event.get("channel") or item.get("channel")))
        if channel is None:
            return None
        if event["type"] in _REACTION_VERBS:
            speaker, emoji = self._name(event["user"]), event["reaction"]
            return ReactionChanged(
                channel.channel_id,
                _label(channel),
                f"{speaker} {_REACTION_VERBS[event['type']]} :{emoji}:",
                item["ts"],
                speaker=speaker,
                emoji=emoji,
                is_added=event["type"] == "reaction_added",
            )
        return self._message_event(channel, event) if event["type"] == "message" else None

    def _message_event(self, channel: Channel, event: JsonObject) -> WorkspaceEvent:
        place = channel.channel_id, _label(channel)
        match event.get("subtype"):
            case None | "thread_broadcast" | "bot_message" | "file_share" | "me_message":
                return self._chat_message(channel, event)
            case "message_changed":
                editor = self._name(event["message"].get("edited", {}).get("user"))
                message = self._chat_message(channel, event["message"])
                return self._changed(channel.channel_id, message.timestamp, editor, message)
            case "message_deleted":
                return self._changed(channel.channel_id, event["deleted_ts"], "", None)
            case _:
                user_id = str(event.get("user"))
                return ChatNotice(*place, str(event.get("text", "")).replace(f"<@{user_id}>", self._name(user_id)))

    def _ephemeral(self, channel_id: str, user_id: str, fields: JsonObject) -> ChatMessage:
        return self._chat_message(self._state.channel(channel_id), fields, viewer=self._name(user_id))

    def _changed(self, channel_id: str, ts: str, editor: str, message: ChatMessage | None) -> MessageChanged:
        verb = "updates" if editor == BOT else "edits"
        text = f"{editor} {verb}: {message.text}" if message else "deleted"
        label = _label(self._state.channel(channel_id))
        return MessageChanged(channel_id, label, text, ts, editor=editor, message=message)

    def _view_shown(self, viewer: str, view: JsonObject, change: str) -> ViewShown:
        return ViewShown("", "", _view_notice(viewer, view, change), viewer=viewer, view=view, change=change)

    def _chat_message(self, channel: Channel, event: JsonObject, *, viewer: str = "") -> ChatMessage:
        speaker = event.get("username") or self._name(event.get("user") or event.get("bot_id"))
        thread = event.get("thread_ts", "")
        return ChatMessage(
            channel_id=channel.channel_id,
            channel_label=_label(channel),
            speaker=str(speaker),
            text=visible_text(event),
            timestamp=event["ts"],
            thread_timestamp=thread if thread != event["ts"] else "",
            viewer=viewer,
            content=event,
        )


def _label(channel: Channel) -> str:
    return f"@{BOT}" if channel.is_direct else f"#{channel.name}"


def _view_notice(viewer: str, view: JsonObject, change: str) -> str:
    """Says what has become of a modal or a Home tab."""
    title = "" if view["type"] == "home" else view["title"]["text"]
    match change:
        case "published":
            return f"the Home tab of {viewer}:"
        case "opened" | "pushed":
            return f"{viewer} sees the modal {title}:"
        case "updated":
            return f"{viewer} sees the modal {title} changed:"
        case "closed":
            return f"the modal {title} of {viewer} is closed"
        case "refused":
            return f"{viewer} sees errors in the modal {title}"
        case _:
            return f"{viewer} sees an error in the modal {title}: the app does not respond"
