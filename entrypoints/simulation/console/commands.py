"""The commands of the conversation: `/as alice`, `/in #ops`, ..."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final, TypeAlias

from entrypoints.simulation.console.formatter import Detail
from entrypoints.simulation.console.session import ConsoleSession, InvalidInput, SessionEnded
from entrypoints.simulation.flyte.flow_loader import Flow
from entrypoints.simulation.workspaces.workspace import BOT, Conversation, NotAllowed, UnknownName

Handler: TypeAlias = Callable[[ConsoleSession, str], None]


@dataclass(frozen=True, slots=True)
class Command:
    """A command: how it is written, what it does."""

    usage: str
    help: str
    handler: Handler

    @property
    def name(self) -> str:
        """The command with its slash."""
        return self.usage.split(maxsplit=1)[0]


def run_command(conversation: ConsoleSession, line: str) -> None:
    """Do what a line with a command asks for. Raises MistakeError, Ended."""
    name, _, rest = line.partition(" ")
    command = COMMANDS.get(name)
    if command is None:
        raise InvalidInput(f"there is no command {name}; /help lists them. Two slashes say a text that begins with one")
    try:
        command.handler(conversation, rest.strip())
    except (UnknownName, NotAllowed) as error:
        raise InvalidInput(str(error)) from error


def _as(conversation: ConsoleSession, rest: str) -> None:
    handle = rest.removeprefix("@")
    if not _is_name(handle):
        raise InvalidInput(f"/as NAME, one of: {', '.join(conversation.sandbox.workspace.handles)}; or a new one")
    conversation.speak_as(handle)


def _in(conversation: ConsoleSession, rest: str) -> None:
    label = rest if rest.startswith(("#", "@")) else f"#{rest}"
    if not _is_name(label[1:]) or (label[0] == "@" and label[1:] != BOT):
        labels = [room.label for room in conversation.sandbox.workspace.conversations()]
        raise InvalidInput(f"/in PLACE, one of: {', '.join(labels)}, @{BOT} (direct messages); or a new #channel")
    conversation.enter(label)


def _thread(conversation: ConsoleSession, rest: str) -> None:
    if rest == "off":
        conversation.thread = None
        return
    message = conversation.find_message(rest)
    conversation.thread = message
    text = " ".join(message.text.split())
    conversation.write(f"in the thread of {message.speaker}: {text} (/thread off: back to the channel)")


def _react(conversation: ConsoleSession, rest: str) -> None:
    emoji, _, number = rest.partition(" ")
    if not emoji.strip(":"):
        raise InvalidInput("/react EMOJI [NUMBER], such as /react thumbsup")
    message = conversation.find_message(number.strip())
    conversation.sandbox.workspace.react(
        conversation.speaker, conversation.conversation, message.timestamp, emoji.strip(":")
    )
    _warn_unreported(conversation, "reactions")


def _edit(conversation: ConsoleSession, rest: str) -> None:
    first, _, others = rest.partition(" ")
    room = conversation.conversation
    if first.isdecimal() and others:
        message, text = conversation.find_message(first), others.strip()
    else:
        latest = conversation.transcript.latest(room.id, conversation.speaker)
        if latest is None:
            raise InvalidInput(f"{conversation.speaker} has said nothing in {room.label} yet")
        message, text = latest, rest
    if not text:
        raise InvalidInput("/edit [NUMBER] TEXT")
    if message.speaker != conversation.speaker:
        raise InvalidInput(f"that is {message.speaker}'s message, and you are {conversation.speaker}")
    conversation.sandbox.workspace.edit(room, message.timestamp, conversation.sandbox.workspace.encode_text(text))
    _warn_unreported(conversation, "edits")


def _warn_unreported(conversation: ConsoleSession, what: str) -> None:
    if conversation.formatter.detail is not Detail.OFF:
        conversation.write(f"    the pack does not report {what} to Flyte", "remark")


def _invite(conversation: ConsoleSession, rest: str) -> None:
    conversation.sandbox.workspace.invite(_handle(conversation, rest, "/invite"), _channel(conversation))


def _kick(conversation: ConsoleSession, rest: str) -> None:
    conversation.sandbox.workspace.kick(_handle(conversation, rest, "/kick"), _channel(conversation))


def _handle(conversation: ConsoleSession, rest: str, command: str) -> str:
    handle = rest.removeprefix("@")
    known = (*conversation.sandbox.workspace.handles, BOT)
    if handle not in known:
        raise InvalidInput(f"{command} NAME, one of: {', '.join(known)}")
    return handle


def _channel(conversation: ConsoleSession) -> Conversation:
    room = conversation.conversation
    if room.label.startswith("@"):
        raise InvalidInput("nobody joins or leaves direct messages: /in #channel first")
    return room


def _event(conversation: ConsoleSession, rest: str) -> None:
    pack, _, others = rest.partition(" ")
    name, _, written = others.strip().partition(" ")
    if not pack or not name:
        example = "/event MyContinuousDeploymentToolPack DeploymentSucceeded {}"
        raise InvalidInput(f"/event PACK NAME [JSON], such as: {example}")
    try:
        payload = json.loads(written) if written.strip() else {}
    except ValueError as error:
        raise InvalidInput(f"the payload is not JSON: {error}") from error
    labels = next((known.labels for known in conversation.sandbox.flyte.packs.values() if known.name == pack), {})
    conversation.sandbox.flyte.raise_event(pack, name, payload, labels=labels)


def _flows(conversation: ConsoleSession, rest: str) -> None:
    flows = conversation.sandbox.flyte.flows
    if rest:
        flow = flows.get(rest)
        if flow is None:
            raise InvalidInput(f"there is no flow {rest}; there are: {', '.join(flows) or 'none'}")
        conversation.write(json.dumps(flow.source, ensure_ascii=False, indent=2))
        return
    for flow in flows.values():
        _describe(conversation, flow)


def _describe(conversation: ConsoleSession, flow: Flow) -> None:
    conversation.write(f"{flow.name}: {flow.description}" if flow.description else flow.name, "")
    for step in flow.steps:
        name = f"{step.id}: " if step.id else ""
        after = f"after {' or '.join(step.depends_on)}, " if step.depends_on else ""
        conversation.write(
            f"    {name}{after}on {step.event_pack} {step.event_name} -> {step.command_pack} {step.command_name}"
        )
        if step.criteria:
            conversation.write(f"        when {step.criteria.source}", hang=13)


def _who(conversation: ConsoleSession, _: str) -> None:
    workspace = conversation.sandbox.workspace
    conversation.write(f"people: {', '.join(workspace.handles)}; the bot: {BOT}")
    for room in workspace.conversations():
        privacy = " (private)" if room.is_private else ""
        conversation.write(f"{room.label}{privacy} {room.id}: {BOT} is {'in it' if room.has_bot else 'not in it'}")
    packs = ", ".join(conversation.sandbox.flyte.packs) or "none"
    conversation.write(f"packs: {packs}")


def _explain(conversation: ConsoleSession, rest: str) -> None:
    try:
        conversation.formatter.detail = Detail(rest or "on")
    except ValueError:
        raise InvalidInput("/explain on, /explain full or /explain off") from None


def _help(conversation: ConsoleSession, _: str) -> None:
    conversation.write("What you type is said; what follows from it is told below it. And:")
    width = max(len(command.usage) for command in COMMANDS.values())
    for command in COMMANDS.values():
        conversation.write(f"  {command.usage:<{width}}  {command.help}", "", hang=width + 4)


def _quit(_: ConsoleSession, __: str) -> None:
    raise SessionEnded


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
