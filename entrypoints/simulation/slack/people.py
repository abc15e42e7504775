"""The people of the simulated workspace: they post, edit, react, join and leave."""

from collections.abc import Iterable
from typing import Final

from entrypoints.simulation.slack.models import Channel, JsonObject, Message, User
from entrypoints.simulation.slack.rich_text import rich_text_blocks
from entrypoints.simulation.slack.workspace import NotFoundError, WorkspaceState

COMPOSED: Final = (None, "file_share", "thread_broadcast")
"""The subtypes of messages that people write, which have blocks."""


class SlackPeople:
    """Acts as the people of a workspace.

    A user is given by id, handle or `@handle`; a channel by id, name or `#name`; unknown ones raise NotFoundError.
    Texts are in Slack's own format: `<@U1>` mentions, `&lt;` is a less-than sign (`escape` converts typed text).
    Users who post in a channel become members of it without an event.
    """

    def __init__(self, workspace: WorkspaceState) -> None:
        self.workspace: Final = workspace
        self.team_id: Final = workspace.team_id
        self.bot_user_id: Final = workspace.bot.user_id
        self.bot_id: Final = workspace.bot.bot_id

    def add_user(self, name: str, *, user_id: str = "", real_name: str = "", **profile: str) -> str:
        """Adds a user with any further fields of `User`; returns the id."""
        names = filter(None, (profile.get("first_name"), profile.get("last_name")))
        user = User(user_id or self.workspace.new_id("U"), name, real_name=real_name or " ".join(names), **profile)
        return self.workspace.add_user(user).user_id

    def add_channel(
        self,
        name: str,
        *,
        private: bool = False,
        members: Iterable[str] = (),
        channel_id: str = "",
        creator: str = "owner",
    ) -> str:
        """Adds a channel with its creator and these members, without an event; returns the id.

        Members of the one named `general` cannot leave it.
        """
        ids = dict.fromkeys(self.workspace.user(member).user_id for member in (creator, *members))
        kind = "group" if private else "channel"
        owner = self.workspace.user(creator).user_id
        return self.workspace.add_channel(name, kind, ids, channel_id=channel_id, creator=owner).channel_id

    def open_im(self, user: str, *others: str) -> str:
        """Opens a direct message between the bot and one or more users; returns the conversation's id."""
        ids = [self.workspace.user(name).user_id for name in (user, *others)]
        return self.workspace.open_direct([self.bot_user_id, *ids]).channel_id

    def say(
        self,
        user: str,
        channel: str,
        text: str,
        *,
        thread_ts: str | None = None,
        subtype: str | None = None,
        broadcast: bool = False,
        **fields: object,
    ) -> str:
        """Posts a message, with any further fields of a Slack message; returns its `ts`."""
        speaker, place = self.workspace.user(user), self.workspace.channel(channel)
        place.members.setdefault(speaker.user_id, None)
        kind: JsonObject = {"subtype": subtype} if subtype else {"client_msg_id": self.workspace.new_id("M")}
        blocks = rich_text_blocks(text)
        kind |= {"blocks": blocks} if blocks and subtype in COMPOSED else {}
        message: JsonObject = {"user": speaker.user_id, "text": text, **kind, **fields}
        return self.workspace.post(place, message, thread_ts=thread_ts, broadcast=broadcast).ts

    def say_as_bot(
        self,
        name: str,
        channel: str,
        text: str,
        *,
        thread_ts: str | None = None,
        user: str | None = None,
        **fields: object,
    ) -> str:
        """Posts a message as another app's bot, without a user unless one is given; returns its `ts`."""
        author: JsonObject = {"username": name, "subtype": "bot_message"}
        if user is not None:
            author = {"user": self.workspace.user(user).user_id}
        message = {"bot_id": f"B{name.upper()}", "text": text, **author, **fields}
        return self.workspace.post(self.workspace.channel(channel), message, thread_ts=thread_ts).ts

    def edit(self, channel: str, ts: str, text: str) -> None:
        """Changes a message's text."""
        place, message = self._find(channel, ts)
        blocks = {"blocks": rich_text_blocks(text)} if "blocks" in message.fields else {}
        self.workspace.edit(
            place, message, {"text": text, **blocks}, message.fields.get("user", self.workspace.owner.user_id)
        )

    def delete(self, channel: str, ts: str) -> None:
        """Deletes a message."""
        self.workspace.delete(*self._find(channel, ts))

    def react(self, user: str, channel: str, ts: str, reaction: str) -> bool:
        """Adds a reaction to a message; returns False if the user has added it before."""
        return self.workspace.react(*self._find(channel, ts), self.workspace.user(user), reaction)

    def unreact(self, user: str, channel: str, ts: str, reaction: str) -> bool:
        """Removes a user's reaction from a message; returns False if there is none."""
        return self.workspace.unreact(*self._find(channel, ts), self.workspace.user(user), reaction)

    def toggle_reaction(self, user: str, channel: str, ts: str, reaction: str) -> bool:
        """Adds a reaction, or removes it if the user has added it before; returns whether it was added."""
        person, found = self.workspace.user(user), self._find(channel, ts)
        return self.workspace.react(*found, person, reaction) or not self.workspace.unreact(*found, person, reaction)

    def invite(self, channel: str, user: str, *, inviter: str = "owner") -> None:
        """Adds a user or the bot to a channel; has no effect on members."""
        place, guest = self.workspace.channel(channel), self.workspace.user(user)
        if guest.user_id not in place.members:
            self.workspace.join(place, guest, inviter=self.workspace.user(inviter).user_id)

    def kick(self, channel: str, user: str, *, actor: str = "owner") -> None:
        """Removes a user or the bot from a channel."""
        place, guest = self.workspace.channel(channel), self.workspace.user(user)
        if guest.user_id in place.members:
            self.workspace.leave(place, guest, actor=self.workspace.user(actor).user_id)

    def archive(self, channel: str, *, user: str = "owner") -> None:
        """Archives a channel."""
        self.workspace.set_archived(self.workspace.channel(channel), self.workspace.user(user), archived=True)

    def unarchive(self, channel: str, *, user: str = "owner") -> None:
        """Restores an archived channel."""
        self.workspace.set_archived(self.workspace.channel(channel), self.workspace.user(user), archived=False)

    def rename(self, channel: str, name: str) -> None:
        """Renames a channel."""
        self.workspace.rename(self.workspace.channel(channel), name)

    def delete_channel(self, channel: str, *, user: str = "owner") -> None:
        """Deletes a channel and its messages."""
        self.workspace.delete_channel(self.workspace.channel(channel), self.workspace.user(user))

    def history(self, channel: str, thread_ts: str | None = None) -> list[JsonObject]:
        """Returns the listed messages of a channel, or a thread with its parent, oldest first and with metadata."""
        place = self.workspace.channel(channel)
        times = place.listed if thread_ts is None else [thread_ts, *self._find(channel, thread_ts)[1].replies]
        return [place.messages[ts].as_json(with_metadata=True) for ts in times]

    def is_member(self, channel: str, user: str = "") -> bool:
        """Returns whether a user, by default the bot, is in a channel."""
        member = self.workspace.user(user).user_id if user else self.bot_user_id
        return member in self.workspace.channel(channel).members

    def _find(self, channel: str, ts: str) -> tuple[Channel, Message]:
        place = self.workspace.channel(channel)
        if ts not in place.messages:
            raise NotFoundError(f"there is no message {ts} in {place.channel_id}")
        return place, place.messages[ts]


def escape(text: str) -> str:
    """Escapes typed text as Slack does."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
