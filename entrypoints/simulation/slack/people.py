"""What people do in the simulated workspace: talk, edit, react, come and go."""

from collections.abc import Iterable
from typing import Final

from entrypoints.simulation.slack.models import Channel, JsonObject, Message, User
from entrypoints.simulation.slack.workspace import NotFoundError, WorkspaceState


class SlackPeople:
    """The workspace through the hands of its people.

    Wherever a user is named, an id, a handle or `@handle` will do; for a channel an id, a name or `#name`; unknown ones
    raise LookupError. Texts are as Slack sends them: `<@U1>` mentions, `&lt;` is a less-than sign (`escaped` writes
    what people type). Whoever speaks in a channel without being in it is let in quietly. Nothing here waits.
    """

    def __init__(self, workspace: WorkspaceState) -> None:
        self.workspace: Final = workspace

    @property
    def team_id(self) -> str:
        """The workspace's id."""
        return self.workspace.team_id

    @property
    def bot_user_id(self) -> str:
        """The bot's id as a user."""
        return self.workspace.bot.user_id

    @property
    def bot_id(self) -> str:
        """The bot's id as a bot."""
        return self.workspace.bot.bot_id

    def add_user(
        self,
        name: str,
        *,
        user_id: str = "",
        real_name: str = "",
        display_name: str = "",
        email: str = "",
        title: str = "",
        first_name: str = "",
        last_name: str = "",
    ) -> str:
        """Let somebody into the workspace; returns the id."""
        return self.workspace.add_user(
            User(
                user_id or self.workspace.new_id("U"),
                name,
                real_name=real_name or " ".join(filter(None, (first_name, last_name))),
                display_name=display_name,
                email=email,
                title=title,
                first_name=first_name,
                last_name=last_name,
            )
        ).user_id

    def add_channel(
        self,
        name: str,
        *,
        private: bool = False,
        members: Iterable[str] = (),
        channel_id: str = "",
        creator: str = "owner",
    ) -> str:
        """Open a channel with its creator and these members in it; nobody is told. Returns the id.

        The one named `general` can't be left.
        """
        ids = dict.fromkeys(self.workspace.user(member).user_id for member in (creator, *members))
        kind = "group" if private else "channel"
        owner = self.workspace.user(creator).user_id
        return self.workspace.add_channel(name, kind, ids, channel_id=channel_id, creator=owner).channel_id

    def open_im(self, user: str, *others: str) -> str:
        """Open direct messages between the bot and somebody, or several; returns the conversation's id."""
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
        """Say something, in a thread or not, with any further fields of a Slack message; returns its `ts`."""
        speaker, place = self.workspace.user(user), self.workspace.channel(channel)
        place.members.setdefault(speaker.user_id, None)
        client_id = {} if subtype else {"client_msg_id": self.workspace.new_id("M")}
        stated: JsonObject = {"user": speaker.user_id, "text": text, **client_id, **fields}
        stated |= {"subtype": subtype} if subtype else {}
        return self.workspace.post(place, stated, thread_ts=thread_ts, broadcast=broadcast).ts

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
        """Say something as another app's bot, without a user unless one is named; returns its `ts`."""
        stated: JsonObject = {"bot_id": f"B{name.upper()}", "username": name, "text": text, "subtype": "bot_message"}
        if user is not None:
            stated = {"bot_id": f"B{name.upper()}", "user": self.workspace.user(user).user_id, "text": text}
        return self.workspace.post(self.workspace.channel(channel), stated | fields, thread_ts=thread_ts).ts

    def edit(self, channel: str, ts: str, text: str) -> None:
        """Change what a message says."""
        place = self.workspace.channel(channel)
        message = self._message(place, ts)
        self.workspace.edit(place, message, {"text": text}, message.fields.get("user", self.workspace.owner.user_id))

    def delete(self, channel: str, ts: str) -> None:
        """Take a message away."""
        place = self.workspace.channel(channel)
        self.workspace.delete(place, self._message(place, ts))

    def react(self, user: str, channel: str, ts: str, reaction: str) -> None:
        """Put an emoji under a message."""
        place = self.workspace.channel(channel)
        self.workspace.react(place, self._message(place, ts), self.workspace.user(user), reaction)

    def invite(self, channel: str, user: str, *, inviter: str = "owner") -> None:
        """Bring somebody, the bot too, into a channel; whoever is in it stays."""
        place, guest = self.workspace.channel(channel), self.workspace.user(user)
        if guest.user_id not in place.members:
            self.workspace.join(place, guest, inviter=self.workspace.user(inviter).user_id)

    def kick(self, channel: str, user: str, *, actor: str = "owner") -> None:
        """Remove somebody, the bot too, from a channel."""
        place, guest = self.workspace.channel(channel), self.workspace.user(user)
        if guest.user_id in place.members:
            self.workspace.leave(place, guest, actor=self.workspace.user(actor).user_id)

    def archive(self, channel: str, *, user: str = "owner") -> None:
        """Archive a channel."""
        self.workspace.set_archived(self.workspace.channel(channel), self.workspace.user(user), archived=True)

    def unarchive(self, channel: str, *, user: str = "owner") -> None:
        """Bring an archived channel back."""
        self.workspace.set_archived(self.workspace.channel(channel), self.workspace.user(user), archived=False)

    def rename(self, channel: str, name: str) -> None:
        """Give a channel another name."""
        self.workspace.rename(self.workspace.channel(channel), name)

    def delete_channel(self, channel: str, *, user: str = "owner") -> None:
        """Remove a channel with all that was said in it."""
        self.workspace.delete_channel(self.workspace.channel(channel), self.workspace.user(user))

    def history(self, channel: str, thread_ts: str | None = None) -> list[JsonObject]:
        """Read what a channel lists, or a thread with its parent, oldest first and with metadata."""
        place = self.workspace.channel(channel)
        times = place.listed if thread_ts is None else [thread_ts, *self._message(place, thread_ts).replies]
        return [place.messages[ts].as_json(with_metadata=True) for ts in times]

    def is_member(self, channel: str, user: str = "") -> bool:
        """Say whether somebody, the bot by default, is in a channel."""
        member = self.workspace.user(user).user_id if user else self.bot_user_id
        return member in self.workspace.channel(channel).members

    @staticmethod
    def _message(place: Channel, ts: str) -> Message:
        if ts not in place.messages:
            raise NotFoundError(f"there is no message {ts} in {place.channel_id}")
        return place.messages[ts]


def escape(text: str) -> str:
    """Write what somebody types as Slack passes it on."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
