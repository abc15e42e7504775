"""Actions of the page: each is a JSON object, validated before it takes effect."""

import re
from collections.abc import Mapping
from typing import Final

from entrypoints.simulation.flyte.documents import SIZE_LIMIT
from entrypoints.simulation.slack.models import Channel, Message, User
from entrypoints.simulation.web.action_request import (
    MAX_MESSAGE_LENGTH,
    MAX_NAME_LENGTH,
    ActionMethod,
    ActionRejected,
    ActionRequest,
    ActionResult,
)
from entrypoints.simulation.web.app_actions import MAX_ID_LENGTH, AppActions, read_content
from entrypoints.simulation.web.fault_switches import UnknownFault
from entrypoints.simulation.web.flow_editor import DraftNotFound, TooManyFlows
from entrypoints.simulation.web.flow_file import FileUnusable
from entrypoints.simulation.web.workbench import Workbench
from entrypoints.simulation.workspaces.slack_workspace import SlackWorkspace
from entrypoints.simulation.workspaces.workspace import NotAllowed, UnknownName, UploadedFile

_NAME: Final = re.compile(r"[^\W_][\w.-]*")
_EMOJI: Final = re.compile(r"[a-z0-9_+'-]+")


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
            "upload": self._upload,
            "invite": self._invite,
            "kick": self._kick,
            "add-person": self._add_person,
            "add-channel": self._add_channel,
            "open-direct": self._open_direct,
            "update-flow": self._update_flow,
            "create-flow": self._create_flow,
            "delete-flow": self._delete_flow,
            "save-flow": self._save_flow,
            "load-flow": self._load_flow,
            "set-fault": self._set_fault,
            **AppActions(workbench).methods,
        }

    async def handle(self, name: str, arguments: Mapping[str, object]) -> ActionResult:
        """Executes an action; its effects are in the feed when this returns. Raises ActionRejected."""
        method = self._methods.get(name)
        if method is None:
            raise ActionRejected(f"there is no action {name[:MAX_NAME_LENGTH]}")
        try:
            return await method(ActionRequest(arguments)) or {}
        except (UnknownName, NotAllowed, DraftNotFound, FileUnusable, UnknownFault, TooManyFlows) as error:
            raise ActionRejected(str(error)) from error
        finally:
            self._workbench.publish()

    # Messages

    async def _say(self, request: ActionRequest) -> ActionResult:
        person, channel = self._person(request), self._channel(request)
        text = self._workspace.encode_text(request.text("text", MAX_MESSAGE_LENGTH))
        thread = self._thread(request, channel)
        return {"ts": self._slack.say(person.user_id, channel.channel_id, text, thread_ts=thread or None)}

    async def _upload(self, request: ActionRequest) -> ActionResult:
        person, channel = self._person(request), self._channel(request)
        text = self._workspace.encode_text(request.optional_text("text", MAX_MESSAGE_LENGTH))
        file = UploadedFile(request.text("name", MAX_ID_LENGTH), read_content(request), text)
        conversation = self._workspace.conversation(channel.channel_id, person.name)
        return {"ts": self._workspace.upload(person.user_id, conversation, file, self._thread(request, channel))}

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
        self._slack.toggle_reaction(self._person(request).user_id, channel.channel_id, message.ts, emoji)

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

    async def _save_flow(self, request: ActionRequest) -> ActionResult:
        file = await self._workbench.flow_editor.save(
            request.text("flow"), _flow_text(request), request.text("version")
        )
        return {"path": str(file.path.resolve()), "version": file.version}

    async def _load_flow(self, request: ActionRequest) -> ActionResult:
        file = await self._workbench.flow_editor.load(request.text("flow"))
        return {"text": file.text, "version": file.version}

    async def _set_fault(self, request: ActionRequest) -> None:
        await self._workbench.faults.set(request.text("fault"), on=request.flag("on"))

    # Arguments that name something in the workspace

    def _person(self, request: ActionRequest) -> User:
        return self._slack.workspace.user(request.text("person"))

    def _channel(self, request: ActionRequest) -> Channel:
        return self._slack.workspace.channel(request.text("channel"))

    def _thread(self, request: ActionRequest, channel: Channel) -> str:
        """Returns the thread to write in; empty for none."""
        thread = request.optional_text("thread")
        if thread and channel.thread_parent(thread) is None:
            raise ActionRejected("the message you reply to no longer exists")
        return thread

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
