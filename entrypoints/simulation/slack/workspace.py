"""The state of the simulated workspace, and the event that each change of it raises."""

import time
from collections.abc import Callable, Iterable
from itertools import count
from typing import Final

from entrypoints.simulation.slack.event_log import EventRaised
from entrypoints.simulation.slack.events import (
    change_event,
    home_event,
    membership_event,
    mention_event,
    mentions_bot,
    message_event,
    pin_event,
    reaction_event,
    subscription_name,
)
from entrypoints.simulation.slack.models import (
    MICROSECONDS,
    Channel,
    Ephemeral,
    JsonObject,
    Message,
    User,
    format_ts,
    strip_prefix,
    usual_channel_id,
)
from entrypoints.simulation.workspaces.workspace import UnknownName

TEAM_NAME: Final = "Simulation"
TEAM_DOMAIN: Final = "simulation"
TEAM_URL: Final = f"https://{TEAM_DOMAIN}.slack.com/"

PAIR: Final = 2
"""The number of members of an `im`; a direct message with more of them is an `mpim`."""


class NotFoundError(UnknownName):
    """The workspace has no such user, channel or message."""


MAX_MESSAGES_PER_PAGE: Final = 999
MAX_EPHEMERALS: Final = 1_000


class WorkspaceState:
    """A workspace with one app's bot in it, without any I/O. Passes the events of each change to `emit`.

    Every `ts` is later than all before it, in the whole workspace.
    """

    def __init__(
        self, emit: Callable[[EventRaised], None], *, bot_name: str = "bot", now: Callable[[], float] = time.time
    ) -> None:
        self.team_id: Final = "T0SIMULATED"
        self.app_id: Final = "A0SIMULATED"
        self.history_lag_seconds = 0.0
        self.history_page_size = MAX_MESSAGES_PER_PAGE
        """Messages that a page of a history holds at most; Slack gives some apps 15."""
        self.users: Final[dict[str, User]] = {}
        self.channels: Final[dict[str, Channel]] = {}
        self.emoji: Final[dict[str, str]] = {}
        self.ephemerals: Final[dict[str, Ephemeral]] = {}
        """The latest `MAX_EPHEMERALS` messages to single users, by `ts`."""
        self.now: Final = now
        self._emit = emit
        self._last_microseconds = 0
        self._numbers = count(1)
        bot = User("U0SIMULATED", bot_name, real_name=bot_name, display_name=bot_name, bot_id="B0SIMULATED")
        self.bot: Final = self.add_user(bot)
        self.owner: Final = self.add_user(User("U0OWNER", "owner", real_name="Workspace Owner"))

    def new_id(self, letter: str) -> str:
        """Returns a unique id: `U` for users, `C` for channels, `D` for direct messages, `B` for bots."""
        return f"{letter}{next(self._numbers):08X}S"

    def next_ts(self) -> str:
        """Returns the `ts` of a new message."""
        self._last_microseconds = max(self._last_microseconds + 1, int(self.now() * MICROSECONDS))
        return format_ts(self._last_microseconds)

    def visible_until(self) -> str:
        """Returns the `ts` up to which messages appear in the history; empty when the history does not lag."""
        if not self.history_lag_seconds:
            return ""
        return format_ts(int((self.now() - self.history_lag_seconds) * MICROSECONDS))

    # People

    def add_user(self, user: User) -> User:
        """Adds a user, or replaces the one with this id."""
        self.users[user.user_id] = user
        return user

    def user(self, name_or_id: str) -> User:
        """Returns a user by id, handle or `@handle`. Raises NotFoundError."""
        handle = strip_prefix(name_or_id)
        user = self.users.get(name_or_id) or next((one for one in self.users.values() if one.name == handle), None)
        if user is None:
            raise NotFoundError(f"there is no user {name_or_id!r} in the workspace: add_user first")
        return user

    def bot_as_json(self) -> JsonObject:
        """Returns the bot as `bots.info` does."""
        bot = {"id": self.bot.bot_id, "deleted": False, "name": self.bot.real_name, "updated": 0}
        return bot | {"app_id": self.app_id, "user_id": self.bot.user_id, "icons": {}}

    # Conversations

    def add_channel(
        self, name: str, channel_type: str, members: Iterable[str], *, channel_id: str = "", creator: str = ""
    ) -> Channel:
        """Adds a conversation with these members, without an event. Without an id, its name decides."""
        channel = Channel(
            channel_id=channel_id or self._channel_id(strip_prefix(name)),
            name=strip_prefix(name),
            channel_type=channel_type,
            creator=creator or self.owner.user_id,
            created=int(self.now()),
            is_general=strip_prefix(name) == "general",
            members=dict.fromkeys(members),
        )
        self.channels[channel.channel_id] = channel
        return channel

    def channel(self, name_or_id: str) -> Channel:
        """Returns a conversation by id, name or `#name`. Raises NotFoundError."""
        channel = self.find_channel(name_or_id)
        if channel is None:
            raise NotFoundError(f"there is no channel {name_or_id!r} in the workspace: add_channel first")
        return channel

    def find_channel(self, name_or_id: str) -> Channel | None:
        """Returns a conversation by id, name or `#name`, or None."""
        name = strip_prefix(name_or_id)
        named = (channel for channel in self.channels.values() if channel.name == name and not channel.is_direct)
        return self.channels.get(name_or_id) or next(named, None)

    def create_channel(self, name: str, creator: User, *, is_private: bool) -> Channel:
        """Creates a channel, which its creator joins."""
        channel = self.add_channel(name, "group" if is_private else "channel", (), creator=creator.user_id)
        if not is_private:
            summary = {"id": channel.channel_id, "name": channel.name, "created": channel.created}
            event = {"type": "channel_created", "channel": summary | {"creator": creator.user_id}}
            self._publish(channel, event, reaches_bot=True)
        self.join(channel, creator)
        return channel

    def open_direct(self, member_ids: Iterable[str]) -> Channel:
        """Returns the direct message among these users, and opens it if necessary."""
        members = set(member_ids)
        for channel in self.channels.values():
            if channel.is_direct and channel.members.keys() == members:
                return channel
        handles = "--".join(sorted(self.users[member].name for member in members))
        if len(members) <= PAIR:
            return self.add_channel("", "im", sorted(members))
        return self.add_channel(f"mpdm-{handles}-1", "mpim", sorted(members))

    def join(self, channel: Channel, user: User, inviter: str | None = None) -> None:
        """Adds a member and posts the notice of it."""
        channel.members[user.user_id] = None
        invited = {"inviter": inviter} if inviter else {}
        if user is self.bot:
            event = {"type": f"{channel.channel_type}_joined", "channel": channel.as_json(user.user_id)}
            self._publish(channel, event)
        event = membership_event("member_joined_channel", channel, user, self.team_id)
        self._publish(channel, event | invited)
        self._post_notice(channel, user, "join", "has joined the", **invited)

    def leave(self, channel: Channel, user: User, actor: str | None = None) -> None:
        """Removes a member, by the given actor if any; the bot also sees its own leaving."""
        was_member = self.bot.user_id in channel.members
        channel.members.pop(user.user_id, None)
        event = membership_event("member_left_channel", channel, user, self.team_id)
        self._publish(channel, event, reaches_bot=was_member)
        self._post_notice(channel, user, "leave", "has left the")
        if user is self.bot:
            left = {"type": f"{channel.channel_type}_left", "channel": channel.channel_id}
            self._publish(channel, left | ({"actor_id": actor} if actor else {}), reaches_bot=was_member)

    def set_archived(self, channel: Channel, user: User, *, archived: bool) -> None:
        """Archives or restores a channel."""
        verb = "archive" if archived else "unarchive"
        channel.is_archived = archived
        self._post_notice(channel, user, verb, f"{verb}d the")
        name = f"{channel.channel_type}_{verb}"
        self._publish(channel, {"type": name, "channel": channel.channel_id, "user": user.user_id})

    def rename(self, channel: Channel, name: str) -> None:
        """Renames a channel."""
        channel.name = strip_prefix(name)
        summary = {"id": channel.channel_id, "name": channel.name, "created": channel.created}
        self._publish(channel, {"type": f"{channel.channel_type}_rename", "channel": summary})

    def set_text(self, channel: Channel, user: User, name: str, text: str) -> None:
        """Changes the topic or the purpose of a channel."""
        channel.texts[name] = {"value": text, "creator": user.user_id, "last_set": int(self.now())}
        subtype = f"{'group' if channel.is_private else 'channel'}_{name}"
        notice = f"<@{user.user_id}> set the channel {name}: {text}"
        self.post(channel, {"subtype": subtype, "user": user.user_id, "text": notice, name: text})

    def delete_channel(self, channel: Channel, user: User) -> None:
        """Deletes a channel and its messages."""
        self.channels.pop(channel.channel_id, None)
        name = f"{channel.channel_type}_deleted"
        self._publish(channel, {"type": name, "channel": channel.channel_id, "actor_id": user.user_id})

    # Messages

    def post(
        self,
        channel: Channel,
        fields: JsonObject,
        *,
        thread_ts: str | None = None,
        broadcast: bool = False,
        metadata: JsonObject | None = None,
    ) -> Message:
        """Posts a message to a conversation or to one of its threads.

        A reply to a reply goes into the same thread. As in Slack, replies to an unknown message are not listed.
        """
        ts = self.next_ts()
        posted: JsonObject = {"type": "message", **fields, "ts": ts}
        parent = channel.thread_parent(thread_ts) if thread_ts else None
        if thread_ts:
            posted["thread_ts"] = parent.ts if parent else thread_ts
            posted |= {"parent_user_id": parent.fields["user"]} if parent and "user" in parent.fields else {}
            posted |= {"subtype": "thread_broadcast"} if broadcast else {}
        message = Message(ts, posted, metadata)
        channel.add(message, parent)
        event = message_event(channel, message, self.team_id)
        self._publish(channel, event)
        if mentions_bot(event, self.bot):
            self._publish(channel, mention_event(event), in_rtm=False)
        return message

    def edit(self, channel: Channel, message: Message, changes: JsonObject, editor: str) -> None:
        """Changes a message; a field with an empty list is removed."""
        before = message.as_json(with_metadata=True)
        ts = self.next_ts()
        fields = message.fields | changes | {"edited": {"user": editor, "ts": ts}}
        message.fields = {name: value for name, value in fields.items() if value != []}
        after = message.as_json(with_metadata=True)
        event = change_event(channel, "message_changed", ts, message=after, previous_message=before)
        self._publish(channel, event)

    def delete(self, channel: Channel, message: Message) -> None:
        """Deletes a message, also from its thread."""
        before = message.as_json(with_metadata=True)
        channel.remove(message)
        more = {"deleted_ts": message.ts, "previous_message": before}
        event = change_event(channel, "message_deleted", self.next_ts(), **more)
        self._publish(channel, event)

    def show(self, channel: Channel, user_id: str, fields: JsonObject, thread_ts: str | None = None) -> Ephemeral:
        """Shows a message of the bot to one user."""
        ts = self.next_ts()
        thread = {"thread_ts": thread_ts} if thread_ts else {}
        author = {"type": "message", "user": self.bot.user_id, "bot_id": self.bot.bot_id, "is_ephemeral": True}
        shown = self.ephemerals[ts] = Ephemeral(
            channel.channel_id, user_id, ts, {**author, **fields, **thread, "ts": ts}
        )
        if len(self.ephemerals) > MAX_EPHEMERALS:
            del self.ephemerals[next(iter(self.ephemerals))]
        return shown

    def react(self, channel: Channel, message: Message, user: User, reaction: str) -> bool:
        """Adds a reaction; returns False when the user has added it before."""
        if not message.add_reaction(reaction, user.user_id):
            return False
        self._publish(channel, reaction_event("reaction_added", channel, message, user, reaction))
        return True

    def unreact(self, channel: Channel, message: Message, user: User, reaction: str) -> bool:
        """Removes a reaction; returns False when the user has not added it."""
        if not message.remove_reaction(reaction, user.user_id):
            return False
        self._publish(channel, reaction_event("reaction_removed", channel, message, user, reaction))
        return True

    def open_home(self, user: User, view: JsonObject | None) -> None:
        """Reports that a user looks at the app's Home tab, which may show a view."""
        channel = self.open_direct([self.bot.user_id, user.user_id])
        self._publish(channel, home_event(channel, user, view), in_rtm=False)

    def pin(self, channel: Channel, message: Message, user: User) -> None:
        """Pins a message."""
        channel.pins[message.ts] = None
        self._publish(channel, pin_event("pin_added", channel, message, user))

    def unpin(self, channel: Channel, message: Message, user: User) -> None:
        """Unpins a message."""
        del channel.pins[message.ts]
        self._publish(channel, pin_event("pin_removed", channel, message, user))

    def permalink(self, channel: Channel, message: Message) -> str:
        """Returns the address of a message."""
        address = f"{TEAM_URL}archives/{channel.channel_id}/p{message.ts.replace('.', '')}"
        if not message.is_reply:
            return address
        return f"{address}?thread_ts={message.fields['thread_ts']}&cid={channel.channel_id}"

    def _channel_id(self, name: str) -> str:
        """Returns the id of a new conversation: the same for a name in every workspace, unless it is taken."""
        channel_id = usual_channel_id(name)
        if not name:
            return self.new_id("D")
        return self.new_id("C") if channel_id in self.channels else channel_id

    def _post_notice(self, channel: Channel, user: User, verb: str, action: str, **more: str) -> None:
        family = "group" if channel.channel_type == "group" else "channel"
        text = f"<@{user.user_id}> {action} {family}"
        self.post(channel, {"subtype": f"{family}_{verb}", "user": user.user_id, "text": text, **more})

    def _publish(
        self, channel: Channel, event: JsonObject, *, reaches_bot: bool | None = None, in_rtm: bool = True
    ) -> None:
        """Emits an event in a channel, which by default reaches the bot if it is a member."""
        if "event_ts" not in event:
            event["event_ts"] = self.next_ts()
        reaches = self.bot.user_id in channel.members if reaches_bot is None else reaches_bot
        self._emit(EventRaised(event, subscription_name(event, channel), reaches_bot=reaches, in_rtm=in_rtm))
