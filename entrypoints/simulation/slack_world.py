"""The simulated workspace as a whole: who is where, what was said, and the events that every change raises."""

import time
from bisect import bisect_left, bisect_right, insort
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from itertools import count, islice
from typing import Final

from entrypoints.simulation.slack_records import (
    MICROSECONDS,
    Channel,
    JsonObject,
    Message,
    User,
    as_ts,
    microseconds,
    named,
)

CONVERSATION_NAMES: Final = {"channel": "channels", "group": "groups", "im": "im", "mpim": "mpim"}
KEPT_MESSAGES_PER_CHANNEL: Final = 20_000


@dataclass(frozen=True, slots=True)
class Occurrence:
    """Something that Slack may tell an app about.

    `subscription` is the name under which apps subscribe to it, None for what the Events API has not; `in_rtm` says
    whether RTM has it; `reaches_bot` whether the bot is in a position to hear of it at all.
    """

    event: JsonObject
    subscription: str | None
    reaches_bot: bool
    in_rtm: bool = True


class NotThereError(LookupError):
    """Nobody and nothing of that name or id is in the workspace."""


class SlackWorld:
    """One workspace with one app's bot in it. It does no input or output and knows of no connection.

    Each change tells `tell` what occurred. Every `ts` is later than all before it, in the whole workspace.
    """

    def __init__(
        self,
        tell: Callable[[Occurrence], None],
        *,
        bot_name: str = "bot",
        now: Callable[[], float] = time.time,
    ) -> None:
        self.team_id: Final = "T0SIMULATED"
        self.app_id: Final = "A0SIMULATED"
        self.users: Final[dict[str, User]] = {}
        self.channels: Final[dict[str, Channel]] = {}
        self._tell = tell
        self._now = now
        self._latest_moment = 0
        self._numbers = count(1)
        self._channel_names: dict[str, str] = {}
        self._user_names: dict[str, str] = {}
        self._direct: dict[frozenset[str], str] = {}
        self.bot: Final = self.add_user(
            User("U0SIMULATED", bot_name, real_name=bot_name, display_name=bot_name, bot_id="B0SIMULATED")
        )
        self.owner: Final = self.add_user(
            User("U0OWNER", "owner", real_name="Workspace Owner", email="owner@example.com")
        )

    # People

    def add_user(self, user: User) -> User:
        """Let somebody into the workspace, or put a known id's new particulars in the place of the old."""
        self.users[user.user_id] = user
        self._user_names[user.name] = user.user_id
        return user

    def user(self, name_or_id: str) -> User:
        """Find somebody by id, handle or `@handle`. Raises NotThereError."""
        user_id = self._user_names.get(named(name_or_id), name_or_id)
        if user_id not in self.users:
            raise NotThereError(f"there is no user {name_or_id!r} in the workspace: add_user first")
        return self.users[user_id]

    def new_id(self, letter: str) -> str:
        """Make an id that nothing has yet: `U` for people, `C` for channels, `D` for direct messages, `B` for bots."""
        return f"{letter}{next(self._numbers):08X}S"

    # Conversations

    def add_channel(
        self, name: str, channel_type: str, members: Iterable[str], *, channel_id: str = "", creator: str = ""
    ) -> Channel:
        """Open a conversation with these members in it; nobody is told of their joining."""
        prefix = "D" if channel_type == "im" else "C"
        channel = Channel(
            channel_id=channel_id or self.new_id(prefix),
            name=named(name),
            channel_type=channel_type,
            creator=creator or self.owner.user_id,
            created=int(self._now()),
            is_general=name == "general",
            members=dict.fromkeys(members),
        )
        self.channels[channel.channel_id] = channel
        if not channel.is_direct:
            self._channel_names[channel.name] = channel.channel_id
        return channel

    def channel(self, name_or_id: str) -> Channel:
        """Find a conversation by id, name or `#name`. Raises NotThereError."""
        channel = self.find_channel(name_or_id)
        if channel is None:
            raise NotThereError(f"there is no channel {name_or_id!r} in the workspace: add_channel first")
        return channel

    def find_channel(self, name_or_id: str) -> Channel | None:
        """Find a conversation by id, name or `#name`, if there is one."""
        return self.channels.get(name_or_id) or self.channels.get(self._channel_names.get(named(name_or_id), ""))

    def open_direct(self, member_ids: Iterable[str]) -> Channel:
        """Open the direct conversation among these people, or find the one that they have."""
        members = frozenset(member_ids)
        known = self._direct.get(members)
        if known is not None:
            return self.channels[known]
        channel_type = "im" if len(members) <= 2 else "mpim"  # noqa: PLR2004 - a conversation of two
        name = "" if channel_type == "im" else "mpdm-" + "--".join(sorted(self.users[m].name for m in members)) + "-1"
        channel = self.add_channel(name, channel_type, sorted(members))
        self._direct[members] = channel.channel_id
        return channel

    def join(self, channel: Channel, user: User, inviter: str | None = None) -> None:
        """Let somebody in: the others read it in the channel, and apps are told."""
        channel.members[user.user_id] = None
        kind = "G" if channel.is_private else "C"
        invited = {"inviter": inviter} if inviter else {}
        if user is self.bot:
            event = {"type": f"{channel.channel_type}_joined", "channel": channel.as_json(self.bot.user_id)}
            self._tell(Occurrence(event, None, reaches_bot=True))
        self._tell_channel(
            channel,
            {
                "type": "member_joined_channel",
                "user": user.user_id,
                "channel_type": kind,
                "team": self.team_id,
                **invited,
            },
            "member_joined_channel",
        )
        text = f"<@{user.user_id}> has joined the {'group' if channel.is_private else 'channel'}"
        self._post_system(channel, user, "join", text, **invited)

    def leave(self, channel: Channel, user: User, actor: str | None = None) -> None:
        """Let somebody out, of themselves or, with an actor, by another: the bot hears of its own leaving as well."""
        was_heard = self.bot.user_id in channel.members
        channel.members.pop(user.user_id, None)
        kind = "G" if channel.is_private else "C"
        event = {
            "type": "member_left_channel",
            "user": user.user_id,
            "channel": channel.channel_id,
            "channel_type": kind,
        }
        event |= {"team": self.team_id, "event_ts": self.next_ts()}
        self._tell(Occurrence(event, "member_left_channel", reaches_bot=was_heard))
        text = f"<@{user.user_id}> has left the {'group' if channel.is_private else 'channel'}"
        self._post_system(channel, user, "leave", text)
        if user is self.bot:
            left = {"type": f"{channel.channel_type}_left", "channel": channel.channel_id, "event_ts": self.next_ts()}
            left |= {"actor_id": actor} if actor else {}
            self._tell(Occurrence(left, f"{channel.channel_type}_left", reaches_bot=True))

    def set_archived(self, channel: Channel, user: User, *, archived: bool) -> None:
        """Archive a channel or bring it back."""
        verb = "archive" if archived else "unarchive"
        if archived:
            self._post_system(channel, user, verb, f"<@{user.user_id}> archived the channel")
        channel.is_archived = archived
        name = f"{channel.channel_type}_{verb}"
        self._tell_channel(channel, {"type": name, "user": user.user_id}, name)
        if not archived:
            self._post_system(channel, user, verb, f"<@{user.user_id}> un-archived the channel")

    def rename(self, channel: Channel, name: str) -> None:
        """Give a channel another name."""
        self._channel_names.pop(channel.name, None)
        channel.name = named(name)
        self._channel_names[channel.name] = channel.channel_id
        summary = {"id": channel.channel_id, "name": channel.name, "created": channel.created}
        event = {"type": f"{channel.channel_type}_rename", "channel": summary, "event_ts": self.next_ts()}
        reaches_bot = self.bot.user_id in channel.members
        self._tell(Occurrence(event, f"{channel.channel_type}_rename", reaches_bot=reaches_bot))

    def delete_channel(self, channel: Channel, user: User) -> None:
        """Remove a channel with all that was said in it."""
        self.channels.pop(channel.channel_id, None)
        self._channel_names.pop(channel.name, None)
        name = f"{channel.channel_type}_deleted"
        self._tell_channel(channel, {"type": name, "actor_id": user.user_id}, name)

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
        """Put a message into a conversation, or into a thread of it, and tell of it.

        A reply to a reply goes into the same thread. Replies to what is not there stay out of sight, as in Slack.
        """
        ts = self.next_ts()
        stated: JsonObject = {"type": "message", **fields, "ts": ts}
        parent = channel.messages.get(thread_ts) if thread_ts else None
        if parent is not None and parent.is_reply:
            parent = channel.messages.get(parent.fields["thread_ts"])
        if thread_ts:
            stated["thread_ts"] = parent.ts if parent else thread_ts
            stated |= {"parent_user_id": parent.fields["user"]} if parent and "user" in parent.fields else {}
            stated |= {"subtype": "thread_broadcast"} if broadcast else {}
        message = Message(ts, stated, metadata)
        self._keep(channel, message)
        if parent is not None:
            parent.replies.append(ts)
        self._tell_message(channel, message)
        return message

    def edit(self, channel: Channel, message: Message, changes: JsonObject, editor: str) -> None:
        """Change what a message says."""
        before = message.as_json(with_metadata=True)
        message.fields = message.fields | changes | {"edited": {"user": editor, "ts": self.next_ts()}}
        after = message.as_json(with_metadata=True)
        event = {"type": "message", "subtype": "message_changed", "message": after, "previous_message": before}
        self._tell_change(channel, event)

    def delete(self, channel: Channel, message: Message) -> None:
        """Take a message away, out of its thread too."""
        del channel.messages[message.ts]
        self._unlist(channel, message.ts)
        parent = channel.messages.get(message.fields.get("thread_ts", ""))
        if parent is not None and message.ts in parent.replies:
            parent.replies.remove(message.ts)
        before = message.as_json(with_metadata=True)
        event = {"type": "message", "subtype": "message_deleted", "deleted_ts": message.ts, "previous_message": before}
        self._tell_change(channel, event)

    def react(self, channel: Channel, message: Message, user: User, reaction: str) -> bool:
        """Put somebody's emoji under a message; False when it was there already."""
        reactions: list[JsonObject] = message.fields.setdefault("reactions", [])
        entry = next((known for known in reactions if known["name"] == reaction), None)
        if entry is None:
            entry = {"name": reaction, "users": [], "count": 0}
            reactions.append(entry)
        if user.user_id in entry["users"]:
            return False
        entry["users"].append(user.user_id)
        entry["count"] = len(entry["users"])
        item = {"type": "message", "channel": channel.channel_id, "ts": message.ts}
        event = {"type": "reaction_added", "user": user.user_id, "reaction": reaction, "item": item}
        event |= {"item_user": message.fields["user"]} if "user" in message.fields else {}
        event["event_ts"] = self.next_ts()
        reaches_bot = self.bot.user_id in channel.members
        self._tell(Occurrence(event, "reaction_added", reaches_bot=reaches_bot))
        return True

    def listed_between(self, channel: Channel, oldest: str, latest: str, *, inclusive: bool) -> list[str]:
        """List the `ts` of what a conversation itself shows between two times, oldest first; '' for no bound.

        Raises ValueError when a bound is no time.
        """
        keys = channel.listed
        start = 0
        if oldest:
            bound = as_ts(microseconds(oldest))
            start = bisect_left(keys, bound) if inclusive else bisect_right(keys, bound)
        end = len(keys)
        if latest:
            bound = as_ts(microseconds(latest))
            end = bisect_right(keys, bound) if inclusive else bisect_left(keys, bound)
        return keys[start:end]

    # The machinery

    def next_ts(self) -> str:
        """Give the time of a new message: later than all before it."""
        self._latest_moment = max(self._latest_moment + 1, int(self._now() * MICROSECONDS))
        return as_ts(self._latest_moment)

    def _keep(self, channel: Channel, message: Message) -> None:
        channel.messages[message.ts] = message
        if message.is_listed:
            insort(channel.listed, message.ts)
        if len(channel.messages) > KEPT_MESSAGES_PER_CHANNEL:
            # A tenth at once: a dictionary that loses its first entry over and over grows slow to look at.
            for oldest in list(islice(channel.messages, KEPT_MESSAGES_PER_CHANNEL // 10)):
                del channel.messages[oldest]
                self._unlist(channel, oldest)

    @staticmethod
    def _unlist(channel: Channel, ts: str) -> None:
        position = bisect_left(channel.listed, ts)
        if channel.listed[position : position + 1] == [ts]:
            del channel.listed[position]

    def _post_system(self, channel: Channel, user: User, verb: str, text: str, **more: str) -> None:
        family = "group" if channel.channel_type == "group" else "channel"
        self.post(channel, {"subtype": f"{family}_{verb}", "user": user.user_id, "text": text, **more})

    def _tell_message(self, channel: Channel, message: Message) -> None:
        event = dict(message.fields)
        if message.metadata is not None:
            event["metadata"] = message.metadata
        event |= {"channel": channel.channel_id, "channel_type": channel.channel_type, "event_ts": message.ts}
        event.setdefault("team", self.team_id)
        reaches_bot = self.bot.user_id in channel.members
        self._tell(Occurrence(event, f"message.{CONVERSATION_NAMES[channel.channel_type]}", reaches_bot=reaches_bot))
        if self._mentions_bot(channel, event):
            hidden = ("channel_type", "metadata", "subtype", "parent_user_id")
            mention = {key: value for key, value in event.items() if key not in hidden} | {"type": "app_mention"}
            self._tell(Occurrence(mention, "app_mention", reaches_bot=reaches_bot, in_rtm=False))

    def _mentions_bot(self, channel: Channel, event: JsonObject) -> bool:
        if channel.channel_type == "im" or event.get("user") == self.bot.user_id:
            return False
        is_speech = event.get("subtype") in (None, "thread_broadcast", "file_share", "bot_message")
        return is_speech and f"<@{self.bot.user_id}>" in (event.get("text") or "")

    def _tell_change(self, channel: Channel, event: JsonObject) -> None:
        ts = self.next_ts()
        stated = event | {"hidden": True, "ts": ts, "event_ts": ts, "channel": channel.channel_id}
        stated["channel_type"] = channel.channel_type
        reaches_bot = self.bot.user_id in channel.members
        self._tell(Occurrence(stated, f"message.{CONVERSATION_NAMES[channel.channel_type]}", reaches_bot=reaches_bot))

    def _tell_channel(self, channel: Channel, event: JsonObject, subscription: str) -> None:
        stated = event | {"channel": channel.channel_id, "event_ts": self.next_ts()}
        self._tell(Occurrence(stated, subscription, reaches_bot=self.bot.user_id in channel.members))
