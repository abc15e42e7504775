"""What people do by the page: each deed is a JSON object, checked before anything is done."""

import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Final, TypeAlias

from entrypoints.simulation.flyte.documents import SIZE_LIMIT
from entrypoints.simulation.slack.models import Channel, Message, User
from entrypoints.simulation.slack.workspace import NotFoundError
from entrypoints.simulation.web.fault_switches import UnknownFault
from entrypoints.simulation.web.flow_editor import DraftNotFound, TooManyFlows
from entrypoints.simulation.web.workbench import Workbench
from entrypoints.simulation.workspaces.slack_workspace import SlackWorkspace

MAX_MESSAGE_LENGTH: Final = 100_000
MAX_NAME_LENGTH: Final = 80
_NAME: Final = re.compile(r"[^\W_][\w.-]*")
_EMOJI: Final = re.compile(r"[a-z0-9_+'-]+")

Answer: TypeAlias = dict[str, object]
Deed: TypeAlias = Callable[["ActionRequest"], Awaitable[Answer]]


class ActionRejected(Exception):
    """A deed can't be done; the message tells people why."""


@dataclass(frozen=True, slots=True)
class ActionRequest:
    """The particulars of a deed."""

    values: Mapping[str, object]

    def text(self, name: str, longest: int = MAX_NAME_LENGTH) -> str:
        """A string that must be there. Raises NotDoneError."""
        value = self.values.get(name)
        if not isinstance(value, str) or not value:
            raise ActionRejected(f"{name} is missing")
        if len(value) > longest:
            raise ActionRejected(f"{name} is longer than {longest:,} characters")
        if any("\ud800" <= character <= "\udfff" for character in value):
            raise ActionRejected(f"{name} has characters that are none")
        return value

    def flag(self, name: str) -> bool:
        """A boolean that must be there. Raises NotDoneError."""
        value = self.values.get(name)
        if not isinstance(value, bool):
            raise ActionRejected(f"{name} has to be true or false")
        return value


class ActionHandler:
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

    async def handle(self, name: str, values: Mapping[str, object]) -> Answer:
        """Do what is asked for; the board shows what came of it by the time this returns. Raises NotDoneError."""
        deed = self._deeds.get(name)
        if deed is None:
            raise ActionRejected(f"nothing can be done that is called {name[:MAX_NAME_LENGTH]}")
        try:
            return await deed(ActionRequest(values))
        except (NotFoundError, DraftNotFound, UnknownFault, TooManyFlows) as error:
            raise ActionRejected(str(error)) from error
        finally:
            self._bench.publish()

    # Talking

    async def _say(self, asked: ActionRequest) -> Answer:
        person, room = self._person(asked), self._room(asked)
        text = self._workspace.encode_text(asked.text("text", MAX_MESSAGE_LENGTH))
        thread = str(asked.values.get("thread") or "") or None
        if thread is not None and room.thread_parent(thread) is None:
            raise ActionRejected("the message that you reply to is not there any more")
        return {"ts": self._slack.say(person.user_id, room.channel_id, text, thread_ts=thread)}

    async def _edit(self, asked: ActionRequest) -> Answer:
        room, message = self._message(asked)
        if message.fields.get("bot_id"):
            raise ActionRejected("what the bot said is the bot's to edit")
        text = self._workspace.encode_text(asked.text("text", MAX_MESSAGE_LENGTH))
        self._slack.edit(room.channel_id, message.ts, text)
        return {}

    async def _delete(self, asked: ActionRequest) -> Answer:
        room, message = self._message(asked)
        self._slack.delete(room.channel_id, message.ts)
        return {}

    async def _react(self, asked: ActionRequest) -> Answer:
        room, message = self._message(asked)
        emoji = asked.text("emoji").strip(":")
        if not _EMOJI.fullmatch(emoji):
            raise ActionRejected(f"there is no emoji called {emoji}")
        self._slack.react(self._person(asked).user_id, room.channel_id, message.ts, emoji)
        return {}

    # Who is where

    async def _invite(self, asked: ActionRequest) -> Answer:
        self._slack.invite(self._channel(asked).channel_id, self._person(asked).user_id)
        return {}

    async def _kick(self, asked: ActionRequest) -> Answer:
        channel = self._channel(asked)
        if channel.is_general:
            raise ActionRejected("nobody can be removed from #general")
        self._slack.kick(channel.channel_id, self._person(asked).user_id)
        return {}

    async def _add_person(self, asked: ActionRequest) -> Answer:
        handle = _name(asked.text("name").removeprefix("@"))
        if any(user.name == handle for user in self._slack.workspace.users.values()):
            raise ActionRejected(f"{handle} is here already")
        self._workspace.add_person(handle)
        return {"person": self._slack.workspace.user(handle).user_id}

    async def _add_room(self, asked: ActionRequest) -> Answer:
        name = _name(asked.text("name").removeprefix("#"))
        if self._slack.workspace.find_channel(name):
            raise ActionRejected(f"#{name} is here already")
        return {"room": self._slack.add_channel(name)}

    async def _open_direct(self, asked: ActionRequest) -> Answer:
        return {"room": self._slack.open_im(self._person(asked).user_id)}

    # Flows and faults

    async def _write_flow(self, asked: ActionRequest) -> Answer:
        self._bench.flow_editor.update(asked.text("flow"), _flow_text(asked))
        return {}

    async def _begin_flow(self, asked: ActionRequest) -> Answer:
        return {"flow": self._bench.flow_editor.create(_flow_text(asked))}

    async def _throw_away_flow(self, asked: ActionRequest) -> Answer:
        self._bench.flow_editor.delete(asked.text("flow"))
        return {}

    async def _switch(self, asked: ActionRequest) -> Answer:
        await self._bench.faults.set(asked.text("fault"), on=asked.flag("on"))
        return {}

    # Who and what is meant

    def _person(self, asked: ActionRequest) -> User:
        return self._slack.workspace.user(asked.text("person"))

    def _room(self, asked: ActionRequest) -> Channel:
        return self._slack.workspace.channel(asked.text("room"))

    def _channel(self, asked: ActionRequest) -> Channel:
        room = self._room(asked)
        if room.is_direct:
            raise ActionRejected("these are direct messages: nobody comes or goes")
        return room

    def _message(self, asked: ActionRequest) -> tuple[Channel, Message]:
        room = self._room(asked)
        message = room.messages.get(asked.text("ts"))
        if message is None:
            raise ActionRejected("that message is not there any more")
        return room, message


def _flow_text(asked: ActionRequest) -> str:
    """A flow's text, which may be empty: an empty sheet has a mistake like any other."""
    return "" if asked.values.get("text") == "" else asked.text("text", SIZE_LIMIT)


def _name(typed: str) -> str:
    name = typed.strip().lower()
    if not _NAME.fullmatch(name):
        raise ActionRejected("a name begins with a letter or digit, and has no others but . _ and -")
    return name
