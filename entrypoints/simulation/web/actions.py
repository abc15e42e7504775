"""Actions of the page: each is a JSON object, validated before it takes effect."""

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

ActionResult: TypeAlias = dict[str, object]
ActionMethod: TypeAlias = Callable[["ActionRequest"], Awaitable[ActionResult | None]]


class ActionRejected(Exception):
    """An action is invalid or impossible; the message tells people why."""


@dataclass(frozen=True, slots=True)
class ActionRequest:
    """The arguments of an action."""

    arguments: Mapping[str, object]

    def text(self, name: str, max_length: int = MAX_NAME_LENGTH) -> str:
        """Returns a required string. Raises ActionRejected."""
        value = self.arguments.get(name)
        if not isinstance(value, str) or not value:
            raise ActionRejected(f"{name} is missing")
        if len(value) > max_length:
            raise ActionRejected(f"{name} is longer than {max_length:,} characters")
        if any("\ud800" <= character <= "\udfff" for character in value):
            raise ActionRejected(f"{name} contains invalid characters")
        return value

    def flag(self, name: str) -> bool:
        """Returns a required boolean. Raises ActionRejected."""
        value = self.arguments.get(name)
        if not isinstance(value, bool):
            raise ActionRejected(f"{name} must be true or false")
        return value


class ActionHandler:
    """Executes actions by name."""

    def __init__(self, workbench: Workbench) -> None:
        self._workbench = workbench
        self._slack = workbench.slack
        self._workspace = SlackWorkspace(workbench.slack)
        self._methods: Final[Mapping[str, ActionMethod]] = {
            "say": self._say,
            "edit": self._edit,
            "delete": self._delete,
            "react": self._react,
            "invite": self._invite,
            "kick": self._kick,
            "add-person": self._add_person,
            "add-channel": self._add_channel,
            "open-direct": self._open_direct,
            "update-flow": self._update_flow,
            "create-flow": self._create_flow,
            "delete-flow": self._delete_flow,
            "set-fault": self._set_fault,
        }

    async def handle(self, name: str, arguments: Mapping[str, object]) -> ActionResult:
        """Execute an action; its effects are in the feed when this returns. Raises ActionRejected."""
        method = self._methods.get(name)
        if method is None:
            raise ActionRejected(f"there is no action {name[:MAX_NAME_LENGTH]}")
        try:
            return await method(ActionRequest(arguments)) or {}
        except (NotFoundError, DraftNotFound, UnknownFault, TooManyFlows) as error:
            raise ActionRejected(str(error)) from error
        finally:
            self._workbench.publish()

    # Messages

    async def _say(self, request: ActionRequest) -> ActionResult:
        person, channel = self._person(request), self._channel(request)
        text = self._workspace.encode_text(request.text("text", MAX_MESSAGE_LENGTH))
        thread = str(request.arguments.get("thread") or "") or None
        if thread is not None and channel.thread_parent(thread) is None:
            raise ActionRejected("the message you reply to no longer exists")
        return {"ts": self._slack.say(person.user_id, channel.channel_id, text, thread_ts=thread)}

    async def _edit(self, request: ActionRequest) -> None:
        channel, message = self._message(request)
        if message.fields.get("bot_id"):
            raise ActionRejected("only the bot can edit its messages")
        text = self._workspace.encode_text(request.text("text", MAX_MESSAGE_LENGTH))
        self._slack.edit(channel.channel_id, message.ts, text)

    async def _delete(self, request: ActionRequest) -> None:
        channel, message = self._message(request)
        self._slack.delete(channel.channel_id, message.ts)

    async def _react(self, request: ActionRequest) -> None:
        channel, message = self._message(request)
        emoji = request.text("emoji").strip(":")
        if not _EMOJI.fullmatch(emoji):
            raise ActionRejected(f"there is no emoji {emoji}")
        self._slack.react(self._person(request).user_id, channel.channel_id, message.ts, emoji)

    # People and channels

    async def _invite(self, request: ActionRequest) -> None:
        self._slack.invite(self._joinable_channel(request).channel_id, self._person(request).user_id)

    async def _kick(self, request: ActionRequest) -> None:
        channel = self._joinable_channel(request)
        if channel.is_general:
            raise ActionRejected("no one can be removed from #general")
        self._slack.kick(channel.channel_id, self._person(request).user_id)

    async def _add_person(self, request: ActionRequest) -> ActionResult:
        handle = _parse_name(request.text("name").removeprefix("@"))
        if any(user.name == handle for user in self._slack.workspace.users.values()):
            raise ActionRejected(f"{handle} already exists")
        self._workspace.add_person(handle)
        return {"person": self._slack.workspace.user(handle).user_id}

    async def _add_channel(self, request: ActionRequest) -> ActionResult:
        name = _parse_name(request.text("name").removeprefix("#"))
        if self._slack.workspace.find_channel(name):
            raise ActionRejected(f"#{name} already exists")
        return {"channel": self._slack.add_channel(name)}

    async def _open_direct(self, request: ActionRequest) -> ActionResult:
        return {"channel": self._slack.open_im(self._person(request).user_id)}

    # Flows and faults

    async def _update_flow(self, request: ActionRequest) -> None:
        self._workbench.flow_editor.update(request.text("flow"), _flow_text(request))

    async def _create_flow(self, request: ActionRequest) -> ActionResult:
        return {"flow": self._workbench.flow_editor.create(_flow_text(request))}

    async def _delete_flow(self, request: ActionRequest) -> None:
        self._workbench.flow_editor.delete(request.text("flow"))

    async def _set_fault(self, request: ActionRequest) -> None:
        await self._workbench.faults.set(request.text("fault"), on=request.flag("on"))

    # Arguments that name something in the workspace

    def _person(self, request: ActionRequest) -> User:
        return self._slack.workspace.user(request.text("person"))

    def _channel(self, request: ActionRequest) -> Channel:
        return self._slack.workspace.channel(request.text("channel"))

    def _joinable_channel(self, request: ActionRequest) -> Channel:
        channel = self._channel(request)
        if channel.is_direct:
            raise ActionRejected("direct messages have fixed members")
        return channel

    def _message(self, request: ActionRequest) -> tuple[Channel, Message]:
        channel = self._channel(request)
        message = channel.messages.get(request.text("ts"))
        if message is None:
            raise ActionRejected("the message no longer exists")
        return channel, message


def _flow_text(request: ActionRequest) -> str:
    """Returns a flow's text. An empty one is valid here: the editor shows it with an error like any other."""
    return "" if request.arguments.get("text") == "" else request.text("text", SIZE_LIMIT)


def _parse_name(typed: str) -> str:
    name = typed.strip().lower()
    if not _NAME.fullmatch(name):
        raise ActionRejected("names start with a letter or digit and contain only letters, digits, . _ and -")
    return name
