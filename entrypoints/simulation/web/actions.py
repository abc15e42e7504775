"""What people do by the page: each deed is a JSON object, checked before anything is done."""

import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Final, TypeAlias

from entrypoints.simulation.flyte.documents import SIZE_LIMIT
from entrypoints.simulation.slack.models import Channel, Message, User
from entrypoints.simulation.slack.workspace import NotFoundError
from entrypoints.simulation.web.fault_switches import NoSuchSwitchError
from entrypoints.simulation.web.flow_editor import DeskFullError, NotOnDeskError
from entrypoints.simulation.web.workbench import Workbench
from entrypoints.simulation.workspaces.slack_workspace import SlackWorkspace

LONGEST_MESSAGE: Final = 100_000
LONGEST_NAME: Final = 80
_NAME: Final = re.compile(r"[^\W_][\w.-]*")
_EMOJI: Final = re.compile(r"[a-z0-9_+'-]+")

Answer: TypeAlias = dict[str, object]
Deed: TypeAlias = Callable[["Asked"], Awaitable[Answer]]


class NotDoneError(Exception):
    """A deed can't be done; the message tells people why."""


@dataclass(frozen=True, slots=True)
class Asked:
    """The particulars of a deed."""

    values: Mapping[str, object]

    def text(self, name: str, longest: int = LONGEST_NAME) -> str:
        """A string that must be there. Raises NotDoneError."""
        value = self.values.get(name)
        if not isinstance(value, str) or not value:
            raise NotDoneError(f"{name} is missing")
        if len(value) > longest:
            raise NotDoneError(f"{name} is longer than {longest:,} characters")
        if any("\ud800" <= character <= "\udfff" for character in value):
            raise NotDoneError(f"{name} has characters that are none")
        return value

    def flag(self, name: str) -> bool:
        """A boolean that must be there. Raises NotDoneError."""
        value = self.values.get(name)
        if not isinstance(value, bool):
            raise NotDoneError(f"{name} has to be true or false")
        return value


class Deeds:
    """The deeds by name."""

    def __init__(self, workbench: Workbench) -> None:
        self._bench = workbench
        self._slack = workbench.slack
        self._workspace = SlackWorkspace(workbench.slack)
        self._deeds: Final[Mapping[str, Deed]] = {
            "say": self._say,
            "edit": self._edit,
            "delete": self._delete,
            "react": self._react,
            "invite": self._invite,
            "kick": self._kick,
            "add-person": self._add_person,
            "add-room": self._add_room,
            "open-direct": self._open_direct,
            "write-flow": self._write_flow,
            "begin-flow": self._begin_flow,
            "throw-away-flow": self._throw_away_flow,
            "switch": self._switch,
        }

    async def do(self, name: str, values: Mapping[str, object]) -> Answer:
        """Do what is asked for; the board shows what came of it by the time this returns. Raises NotDoneError."""
        deed = self._deeds.get(name)
        if deed is None:
            raise NotDoneError(f"nothing can be done that is called {name[:LONGEST_NAME]}")
        try:
            return await deed(Asked(values))
        except (NotFoundError, NotOnDeskError, NoSuchSwitchError, DeskFullError) as error:
            raise NotDoneError(str(error)) from error
        finally:
            self._bench.bring_up_to_date()

    # Talking

    async def _say(self, asked: Asked) -> Answer:
        person, room = self._person(asked), self._room(asked)
        text = self._workspace.as_sent(asked.text("text", LONGEST_MESSAGE))
        thread = str(asked.values.get("thread") or "") or None
        if thread is not None and room.thread_parent(thread) is None:
            raise NotDoneError("the message that you reply to is not there any more")
        return {"ts": self._slack.say(person.user_id, room.channel_id, text, thread_ts=thread)}

    async def _edit(self, asked: Asked) -> Answer:
        room, message = self._message(asked)
        if message.fields.get("bot_id"):
            raise NotDoneError("what the bot said is the bot's to edit")
        text = self._workspace.as_sent(asked.text("text", LONGEST_MESSAGE))
        self._slack.edit(room.channel_id, message.ts, text)
        return {}

    async def _delete(self, asked: Asked) -> Answer:
        room, message = self._message(asked)
        self._slack.delete(room.channel_id, message.ts)
        return {}

    async def _react(self, asked: Asked) -> Answer:
        room, message = self._message(asked)
        emoji = asked.text("emoji").strip(":")
        if not _EMOJI.fullmatch(emoji):
            raise NotDoneError(f"there is no emoji called {emoji}")
        self._slack.react(self._person(asked).user_id, room.channel_id, message.ts, emoji)
        return {}

    # Who is where

    async def _invite(self, asked: Asked) -> Answer:
        self._slack.invite(self._channel(asked).channel_id, self._person(asked).user_id)
        return {}

    async def _kick(self, asked: Asked) -> Answer:
        channel = self._channel(asked)
        if channel.is_general:
            raise NotDoneError("nobody can be removed from #general")
        self._slack.kick(channel.channel_id, self._person(asked).user_id)
        return {}

    async def _add_person(self, asked: Asked) -> Answer:
        handle = _name(asked.text("name").removeprefix("@"))
        if any(user.name == handle for user in self._slack.workspace.users.values()):
            raise NotDoneError(f"{handle} is here already")
        self._workspace.add_person(handle)
        return {"person": self._slack.workspace.user(handle).user_id}

    async def _add_room(self, asked: Asked) -> Answer:
        name = _name(asked.text("name").removeprefix("#"))
        if self._slack.workspace.find_channel(name):
            raise NotDoneError(f"#{name} is here already")
        return {"room": self._slack.add_channel(name)}

    async def _open_direct(self, asked: Asked) -> Answer:
        return {"room": self._slack.open_im(self._person(asked).user_id)}

    # Flows and faults

    async def _write_flow(self, asked: Asked) -> Answer:
        self._bench.desk.write(asked.text("flow"), _flow_text(asked))
        return {}

    async def _begin_flow(self, asked: Asked) -> Answer:
        return {"flow": self._bench.desk.begin(_flow_text(asked))}

    async def _throw_away_flow(self, asked: Asked) -> Answer:
        self._bench.desk.throw_away(asked.text("flow"))
        return {}

    async def _switch(self, asked: Asked) -> Answer:
        await self._bench.switches.turn(asked.text("fault"), on=asked.flag("on"))
        return {}

    # Who and what is meant

    def _person(self, asked: Asked) -> User:
        return self._slack.workspace.user(asked.text("person"))

    def _room(self, asked: Asked) -> Channel:
        return self._slack.workspace.channel(asked.text("room"))

    def _channel(self, asked: Asked) -> Channel:
        room = self._room(asked)
        if room.is_direct:
            raise NotDoneError("these are direct messages: nobody comes or goes")
        return room

    def _message(self, asked: Asked) -> tuple[Channel, Message]:
        room = self._room(asked)
        message = room.messages.get(asked.text("ts"))
        if message is None:
            raise NotDoneError("that message is not there any more")
        return room, message


def _flow_text(asked: Asked) -> str:
    """A flow's text, which may be empty: an empty sheet has a mistake like any other."""
    return "" if asked.values.get("text") == "" else asked.text("text", SIZE_LIMIT)


def _name(typed: str) -> str:
    name = typed.strip().lower()
    if not _NAME.fullmatch(name):
        raise NotDoneError("a name begins with a letter or digit, and has no others but . _ and -")
    return name
