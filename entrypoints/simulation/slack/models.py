"""Users, conversations and messages of the simulated workspace, and their JSON in the Web API."""

from bisect import bisect_left, bisect_right, insort
from dataclasses import dataclass, field
from itertools import islice
from typing import Any, Final, TypeAlias
from zlib import crc32

JsonObject: TypeAlias = dict[str, Any]

CHANNEL_TYPES: Final = {"channel": "public_channel", "group": "private_channel", "im": "im", "mpim": "mpim"}
"""The `channel_type` of an event, and its name in the `types` argument of the Web API."""

AVATARS: Final = "https://avatars.slack-edge.invalid"
"""Where the pictures of users would be; there are none."""
IMAGE_SIZES: Final = (24, 32, 48, 72, 192, 512)
NO_TEXT: Final = {"value": "", "creator": "", "last_set": 0}
MICROSECONDS: Final = 1_000_000
MAX_MESSAGES: Final = 20_000
"""The number of messages that a conversation keeps."""


def usual_channel_id(name: str) -> str:
    """Returns the id that a channel of that name has in every workspace, unless it is taken."""
    return f"C{crc32(name.encode()):08X}S"


@dataclass(slots=True)
class User:
    """A person or a bot."""

    user_id: str
    name: str
    real_name: str = ""
    display_name: str = ""
    email: str = ""
    title: str = ""
    first_name: str = ""
    last_name: str = ""
    bot_id: str = ""

    def as_json(self, team_id: str, *, with_email: bool = True) -> JsonObject:
        """Returns the user as `users.info` does; the email address only if the token may read it."""
        profile = {
            "title": self.title,
            "real_name": self.real_name,
            "real_name_normalized": self.real_name,
            "display_name": self.display_name,
            "display_name_normalized": self.display_name,
            "first_name": self.first_name,
            "last_name": self.last_name,
            "team": team_id,
            **dict.fromkeys(("phone", "skype", "status_text", "status_emoji"), ""),
            **{f"image_{size}": f"{AVATARS}/{self.user_id}-{size}.png" for size in IMAGE_SIZES},
        }
        if with_email and self.email:
            profile["email"] = self.email
        return {
            "id": self.user_id,
            "team_id": team_id,
            "name": self.name,
            "real_name": self.real_name,
            "deleted": False,
            "is_bot": bool(self.bot_id),
            "is_app_user": False,
            **dict.fromkeys(
                ("is_admin", "is_owner", "is_primary_owner", "is_restricted", "is_ultra_restricted"), False
            ),
            "tz": "Etc/UTC",
            "tz_label": "Coordinated Universal Time",
            "tz_offset": 0,
            "updated": 0,
            "profile": profile,
        }


@dataclass(slots=True)
class Message:
    """A message in a conversation; `fields` are its fields in the Web API, without the metadata."""

    ts: str
    fields: JsonObject
    metadata: JsonObject | None = None
    replies: list[str] = field(default_factory=list)

    @property
    def is_reply(self) -> bool:
        """Whether it replies to another message in a thread."""
        return self.fields.get("thread_ts") not in (None, self.ts)

    @property
    def is_listed(self) -> bool:
        """Whether the conversation lists it: replies are listed in their thread only, unless broadcast."""
        return not self.is_reply or self.fields.get("subtype") == "thread_broadcast"

    def add_reaction(self, reaction: str, user_id: str) -> bool:
        """Adds a reaction; returns False when the user has added it before."""
        reactions: list[JsonObject] = self.fields.setdefault("reactions", [])
        entry = next((known for known in reactions if known["name"] == reaction), None)
        if entry is None:
            entry = {"name": reaction, "users": [], "count": 0}
            reactions.append(entry)
        if user_id in entry["users"]:
            return False
        entry["users"].append(user_id)
        entry["count"] = len(entry["users"])
        return True

    def remove_reaction(self, reaction: str, user_id: str) -> bool:
        """Removes a user's reaction; returns False when there is none."""
        reactions: list[JsonObject] = self.fields.get("reactions", [])
        entry = next((known for known in reactions if known["name"] == reaction), None)
        if entry is None or user_id not in entry["users"]:
            return False
        entry["users"].remove(user_id)
        entry["count"] = len(entry["users"])
        if not entry["users"]:
            reactions.remove(entry)
        if not reactions:
            del self.fields["reactions"]
        return True

    def as_json(self, *, with_metadata: bool) -> JsonObject:
        """Returns the message as `conversations.history` does, with the counts of its thread."""
        body = dict(self.fields)
        if with_metadata and self.metadata is not None:
            body["metadata"] = self.metadata
        if self.replies:
            body |= {
                "thread_ts": self.ts,
                "reply_count": len(self.replies),
                "latest_reply": self.replies[-1],
                "is_locked": False,
                "subscribed": False,
            }
        return body


@dataclass(slots=True)
class Ephemeral:
    """A message of the bot that one user sees; `fields` are those of a message."""

    channel_id: str
    user_id: str
    ts: str
    fields: JsonObject


@dataclass(slots=True)
class Channel:
    """A conversation: a public (`channel`) or private (`group`) channel, or a direct message (`im`, `mpim`)."""

    channel_id: str
    name: str
    channel_type: str
    creator: str
    created: int
    is_general: bool = False
    is_archived: bool = False
    members: dict[str, None] = field(default_factory=dict)
    messages: dict[str, Message] = field(default_factory=dict)
    listed: list[str] = field(default_factory=list)
    texts: dict[str, JsonObject] = field(default_factory=lambda: {"topic": NO_TEXT, "purpose": NO_TEXT})
    """The topic and the purpose."""
    pins: dict[str, None] = field(default_factory=dict)
    """The `ts` of the pinned messages, the oldest pin first."""
    last_read: str = ""
    """The bot's read cursor."""

    @property
    def is_private(self) -> bool:
        """Whether it is visible to its members only."""
        return self.channel_type != "channel"

    @property
    def is_direct(self) -> bool:
        """Whether it is a direct message, which has no name."""
        return self.channel_type in ("im", "mpim")

    def as_json(self, viewer_id: str, *, with_count: bool = False) -> JsonObject:
        """Returns the conversation as `conversations.info` does for this viewer."""
        body: JsonObject = {
            "id": self.channel_id,
            "created": self.created,
            "is_archived": self.is_archived,
            "is_channel": self.channel_type == "channel",
            "is_group": self.channel_type == "group",
            "is_im": self.channel_type == "im",
            "is_mpim": self.channel_type == "mpim",
            "is_private": self.is_private,
        }
        if self.channel_type == "im":
            return body | {"user": self._peer_of(viewer_id), "is_user_deleted": False, "priority": 0}
        body |= {
            "name": self.name,
            "name_normalized": self.name,
            "creator": self.creator,
            "is_general": self.is_general,
            "is_shared": False,
            "is_ext_shared": False,
            "is_member": viewer_id in self.members,
            **self.texts,
        }
        body |= {"last_read": self.last_read} if self.last_read else {}
        return body | ({"num_members": len(self.members)} if with_count else {})

    def thread_parent(self, thread_ts: str) -> Message | None:
        """Returns the parent of a thread, given its own `ts` or that of any reply; None if there is none."""
        message = self.messages.get(thread_ts)
        return self.messages.get(message.fields["thread_ts"]) if message and message.is_reply else message

    def add(self, message: Message, parent: Message | None) -> None:
        """Adds a message, as a reply if it has a parent."""
        self.messages[message.ts] = message
        if parent is not None:
            parent.replies.append(message.ts)
        if message.is_listed:
            insort(self.listed, message.ts)
        if len(self.messages) > MAX_MESSAGES:
            # A tenth at once, because a dictionary that keeps losing its first entry becomes slow to iterate.
            for oldest in list(islice(self.messages.values(), MAX_MESSAGES // 10)):
                self.remove(oldest)

    def remove(self, message: Message) -> None:
        """Removes a message, also from its thread."""
        del self.messages[message.ts]
        position = bisect_left(self.listed, message.ts)
        if self.listed[position : position + 1] == [message.ts]:
            del self.listed[position]
        parent = self.messages.get(message.fields.get("thread_ts", ""))
        if parent is not None and message.ts in parent.replies:
            parent.replies.remove(message.ts)

    def _peer_of(self, viewer_id: str) -> str:
        return next((member for member in self.members if member != viewer_id), viewer_id)


def between(times: list[str], oldest: str, latest: str, *, inclusive: bool) -> list[str]:
    """Returns the part of a sorted list of `ts` between two times; an empty string is no bound."""
    start, end = 0, len(times)
    if oldest:
        start = (bisect_left if inclusive else bisect_right)(times, oldest)
    if latest:
        end = (bisect_right if inclusive else bisect_left)(times, latest)
    return times[start:end]


def parse_ts(ts: str) -> int:
    """Parses a `ts`, in any number of digits, into microseconds. Raises ValueError."""
    seconds, _, fraction = ts.partition(".")
    if not (seconds + fraction).isdecimal():
        raise ValueError(ts)
    return int(seconds or 0) * MICROSECONDS + int(fraction[:6].ljust(6, "0"))


def format_ts(microseconds: int) -> str:
    """Formats microseconds as Slack's `ts`: seconds, a dot, six digits."""
    return f"{microseconds // MICROSECONDS}.{microseconds % MICROSECONDS:06d}"


def strip_prefix(name: str) -> str:
    """Removes the `#` or `@` before a channel's or a user's name."""
    return name.removeprefix("#").removeprefix("@")
