"""The commands of the conversation: `/as alice`, `/in #ops`, ..."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final, TypeAlias

from entrypoints.simulation.console.formatter import Detail
from entrypoints.simulation.console.session import Conversation, Ended, MistakeError
from entrypoints.simulation.flyte.flow_loader import Flow
from entrypoints.simulation.workspaces.workspace import BOT, NotDoneError, NotThereError, Room

Deed: TypeAlias = Callable[[Conversation, str], None]


@dataclass(frozen=True, slots=True)
class Command:
    """A command: how it is written, what it does."""

    usage: str
    help: str
    deed: Deed

    @property
    def name(self) -> str:
        """The command with its slash."""
        return self.usage.split(maxsplit=1)[0]


def carry_out(conversation: Conversation, line: str) -> None:
    """Do what a line with a command asks for. Raises MistakeError, Ended."""
    name, _, rest = line.partition(" ")
    command = COMMANDS.get(name)
    if command is None:
        raise MistakeError(f"there is no command {name}; /help lists them. Two slashes say a text that begins with one")
    try:
        command.deed(conversation, rest.strip())
    except (NotThereError, NotDoneError) as error:
        raise MistakeError(str(error)) from error


def _as(conversation: Conversation, rest: str) -> None:
    handle = rest.removeprefix("@")
    if not _is_name(handle):
        raise MistakeError(f"/as NAME, one of: {', '.join(conversation.stage.workspace.handles)}; or a new one")
    conversation.become(handle)


def _in(conversation: Conversation, rest: str) -> None:
    label = rest if rest.startswith(("#", "@")) else f"#{rest}"
    if not _is_name(label[1:]) or (label[0] == "@" and label[1:] != BOT):
        labels = [room.label for room in conversation.stage.workspace.rooms()]
        raise MistakeError(f"/in PLACE, one of: {', '.join(labels)}, @{BOT} (direct messages); or a new #channel")
    conversation.go_to(label)


def _thread(conversation: Conversation, rest: str) -> None:
    if rest == "off":
        conversation.thread = None
        return
    message = conversation.message(rest)
    conversation.thread = message
    text = " ".join(message.text.split())
    conversation.write(f"in the thread of {message.speaker}: {text} (/thread off: back to the channel)")


def _react(conversation: Conversation, rest: str) -> None:
    emoji, _, number = rest.partition(" ")
    if not emoji.strip(":"):
        raise MistakeError("/react EMOJI [NUMBER], such as /react thumbsup")
    message = conversation.message(number.strip())
    conversation.stage.workspace.react(conversation.speaker, conversation.room, message.timestamp, emoji.strip(":"))
    _note_unreported(conversation, "reactions")


def _edit(conversation: Conversation, rest: str) -> None:
    first, _, others = rest.partition(" ")
    room = conversation.room
    if first.isdecimal() and others:
        message, text = conversation.message(first), others.strip()
    else:
        latest = conversation.transcript.latest(room.id, conversation.speaker)
        if latest is None:
            raise MistakeError(f"{conversation.speaker} has said nothing in {room.label} yet")
        message, text = latest, rest
    if not text:
        raise MistakeError("/edit [NUMBER] TEXT")
    if message.speaker != conversation.speaker:
        raise MistakeError(f"that is {message.speaker}'s message, and you are {conversation.speaker}")
    conversation.stage.workspace.edit(room, message.timestamp, conversation.stage.workspace.as_sent(text))
    _note_unreported(conversation, "edits")


def _note_unreported(conversation: Conversation, what: str) -> None:
    if conversation.narrator.detail is not Detail.OFF:
        conversation.write(f"    the pack does not report {what} to Flyte", "remark")


def _invite(conversation: Conversation, rest: str) -> None:
    conversation.stage.workspace.invite(_handle(conversation, rest, "/invite"), _channel(conversation))


def _kick(conversation: Conversation, rest: str) -> None:
    conversation.stage.workspace.kick(_handle(conversation, rest, "/kick"), _channel(conversation))


def _handle(conversation: Conversation, rest: str, command: str) -> str:
    handle = rest.removeprefix("@")
    known = (*conversation.stage.workspace.handles, BOT)
    if handle not in known:
        raise MistakeError(f"{command} NAME, one of: {', '.join(known)}")
    return handle


def _channel(conversation: Conversation) -> Room:
    room = conversation.room
    if room.label.startswith("@"):
        raise MistakeError("nobody joins or leaves direct messages: /in #channel first")
    return room


def _event(conversation: Conversation, rest: str) -> None:
    pack, _, others = rest.partition(" ")
    name, _, written = others.strip().partition(" ")
    if not pack or not name:
        example = "/event MyContinuousDeploymentToolPack DeploymentSucceeded {}"
        raise MistakeError(f"/event PACK NAME [JSON], such as: {example}")
    try:
        payload = json.loads(written) if written.strip() else {}
    except ValueError as error:
        raise MistakeError(f"the payload is not JSON: {error}") from error
    labels = next((known.labels for known in conversation.stage.flyte.packs.values() if known.name == pack), {})
    conversation.stage.flyte.raise_event(pack, name, payload, labels=labels)


def _flows(conversation: Conversation, rest: str) -> None:
    flows = conversation.stage.flyte.flows
    if rest:
        flow = flows.get(rest)
        if flow is None:
            raise MistakeError(f"there is no flow {rest}; there are: {', '.join(flows) or 'none'}")
        conversation.write(json.dumps(flow.source, ensure_ascii=False, indent=2))
        return
    for flow in flows.values():
        _describe(conversation, flow)


def _describe(conversation: Conversation, flow: Flow) -> None:
    conversation.write(f"{flow.name}: {flow.description}" if flow.description else flow.name, "")
    for step in flow.steps:
        name = f"{step.id}: " if step.id else ""
        after = f"after {' or '.join(step.depends_on)}, " if step.depends_on else ""
        conversation.write(
            f"    {name}{after}on {step.event_pack} {step.event_name} -> {step.command_pack} {step.command_name}"
        )
        if step.criteria:
            conversation.write(f"        when {step.criteria.source}", hang=13)


def _who(conversation: Conversation, _: str) -> None:
    workspace = conversation.stage.workspace
    conversation.write(f"people: {', '.join(workspace.handles)}; the bot: {BOT}")
    for room in workspace.rooms():
        privacy = " (private)" if room.is_private else ""
        conversation.write(f"{room.label}{privacy} {room.id}: {BOT} is {'in it' if room.has_bot else 'not in it'}")
    packs = ", ".join(conversation.stage.flyte.packs) or "none"
    conversation.write(f"packs: {packs}")


def _explain(conversation: Conversation, rest: str) -> None:
    try:
        conversation.narrator.detail = Detail(rest or "on")
    except ValueError:
        raise MistakeError("/explain on, /explain full or /explain off") from None


def _help(conversation: Conversation, _: str) -> None:
    conversation.write("What you type is said; what follows from it is told below it. And:")
    width = max(len(command.usage) for command in COMMANDS.values())
    for command in COMMANDS.values():
        conversation.write(f"  {command.usage:<{width}}  {command.help}", "", hang=width + 4)


def _quit(_: Conversation, __: str) -> None:
    raise Ended


def _is_name(text: str) -> bool:
    return bool(text) and text.replace("-", "a").replace("_", "a").replace(".", "a").isalnum()


_ALL: Final = (
    Command("/as NAME", "speak as somebody", _as),
    Command("/in PLACE", f"go to a channel, or to @{BOT} for direct messages", _in),
    Command(
        "/thread [NUMBER|off]", "answer in the thread of a message: the latest, or the one of that number", _thread
    ),
    Command("/react EMOJI [NUMBER]", "put an emoji under a message", _react),
    Command("/edit [NUMBER] TEXT", "change a message of yours", _edit),
    Command("/invite NAME", f"bring somebody, or {BOT}, into this channel", _invite),
    Command("/kick NAME", f"remove somebody, or {BOT}, from this channel", _kick),
    Command("/event PACK NAME [JSON]", "let an event come to Flyte, as if that pack had sent it", _event),
    Command("/flows [NAME]", "the flows: what they wait for, and what they do; or the whole of one", _flows),
    Command("/who", "people, channels and packs", _who),
    Command("/explain on|full|off", "how much is told of what follows from a message", _explain),
    Command("/help", "this list", _help),
    Command("/quit", "end; so do Ctrl-D and Ctrl-C", _quit),
)

COMMANDS: Final[Mapping[str, Command]] = {command.name: command for command in _ALL}
