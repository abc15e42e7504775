"""The console's commands: `/as alice`, `/in #ops`, ..."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from entrypoints.simulation.console import app_commands
from entrypoints.simulation.console.formatter import Detail
from entrypoints.simulation.console.output import Line, Span
from entrypoints.simulation.console.session import ConsoleSession, InvalidInput, SessionEnded
from entrypoints.simulation.flyte.flow_loader import Flow
from entrypoints.simulation.flyte.flow_yaml import yaml_of
from entrypoints.simulation.workspaces.workspace import BOT, ChatMessage, Conversation, NotAllowed, UnknownName


@dataclass(frozen=True, slots=True)
class Command:
    """A command: its syntax, its help text and its implementation, which gets the text after its name."""

    usage: str
    help: str
    run: Callable[[ConsoleSession, str], None]
    needs_flyte: bool = False

    @property
    def name(self) -> str:
        """The command with its slash."""
        return self.usage.split(maxsplit=1)[0]


def run_command(session: ConsoleSession, line: str) -> None:
    """Runs the command in a line. Raises InvalidInput, SessionEnded."""
    name, _, arguments = line.partition(" ")
    command = available_commands(session).get(name)
    if command is None:
        raise InvalidInput(
            f"there is no command {name}; /help lists them. If it is one of the app, type /slash {line}; "
            "to post a text that starts with /, type //"
        )
    try:
        command.run(session, arguments.strip())
    except (UnknownName, NotAllowed) as error:
        raise InvalidInput(str(error)) from error


def available_commands(session: ConsoleSession) -> Mapping[str, Command]:
    """Returns the commands by name: all, or those for Slack if there is nothing else."""
    is_slack_only = session.sandbox.is_slack_only
    return {name: command for name, command in COMMANDS.items() if not (is_slack_only and command.needs_flyte)}


def _as(session: ConsoleSession, arguments: str) -> None:
    handle = arguments.removeprefix("@")
    if not _is_name(handle):
        raise InvalidInput(f"/as NAME, one of: {', '.join(session.workspace.handles)}; or a new name")
    session.speak_as(handle)


def _in(session: ConsoleSession, arguments: str) -> None:
    label = arguments if arguments.startswith(("#", "@")) else f"#{arguments}"
    if not _is_name(label[1:]) or (label[0] == "@" and label[1:] != BOT):
        labels = [conversation.label for conversation in session.workspace.conversations()]
        raise InvalidInput(f"/in PLACE, one of: {', '.join(labels)}, @{BOT} (direct messages); or a new #channel")
    session.enter(label)


def _thread(session: ConsoleSession, arguments: str) -> None:
    if arguments == "off":
        session.thread = None
        return
    message = session.find_message(arguments)
    session.thread = message
    text = " ".join(message.text.split())
    session.write(f"in the thread of {message.speaker}: {text} (/thread off: back to the channel)")


def _react(session: ConsoleSession, arguments: str) -> None:
    emoji, _, number = arguments.partition(" ")
    if not emoji.strip(":"):
        raise InvalidInput("/react EMOJI [NUMBER], such as /react thumbsup")
    message = session.find_message(number.strip())
    session.workspace.toggle_reaction(session.speaker, session.conversation, message.timestamp, emoji.strip(":"))


def _edit(session: ConsoleSession, arguments: str) -> None:
    number, _, rest = arguments.partition(" ")
    text = rest.strip() if number.isdecimal() and rest else arguments
    message = _own_message(session, number if text != arguments else "")
    if not text:
        raise InvalidInput("/edit [NUMBER] TEXT")
    session.workspace.edit(session.conversation, message.timestamp, session.workspace.encode_text(text))


def _delete(session: ConsoleSession, arguments: str) -> None:
    session.workspace.delete(session.conversation, _own_message(session, arguments).timestamp)


def _own_message(session: ConsoleSession, number: str) -> ChatMessage:
    """Returns the speaker's message with this number, or the latest one."""
    latest = session.transcript.latest(session.conversation.id, session.speaker)
    message = session.find_message(number) if number else latest
    if message is None:
        raise InvalidInput(f"{session.speaker} has not posted in {session.conversation.label} yet")
    if message.speaker != session.speaker:
        raise InvalidInput(f"the message is {message.speaker}'s, and you are {session.speaker}")
    return message


def _invite(session: ConsoleSession, arguments: str) -> None:
    session.workspace.invite(_member(session, arguments, "/invite"), _channel(session))


def _kick(session: ConsoleSession, arguments: str) -> None:
    session.workspace.kick(_member(session, arguments, "/kick"), _channel(session))


def _member(session: ConsoleSession, arguments: str, command: str) -> str:
    handle = arguments.removeprefix("@")
    known = (*session.workspace.handles, BOT)
    if handle not in known:
        raise InvalidInput(f"{command} NAME, one of: {', '.join(known)}")
    return handle


def _channel(session: ConsoleSession) -> Conversation:
    if session.conversation.label.startswith("@"):
        raise InvalidInput("direct messages have fixed members: /in #channel first")
    return session.conversation


def _event(session: ConsoleSession, arguments: str) -> None:
    pack, _, rest = arguments.partition(" ")
    name, _, json_text = rest.strip().partition(" ")
    if not pack or not name:
        example = "/event MyContinuousDeploymentToolPack DeploymentSucceeded {}"
        raise InvalidInput(f"/event PACK NAME [JSON], such as: {example}")
    try:
        payload = json.loads(json_text) if json_text.strip() else {}
    except ValueError as error:
        raise InvalidInput(f"the payload is not JSON: {error}") from error
    labels = next((known.labels for known in session.flyte.packs.values() if known.name == pack), {})
    session.flyte.raise_event(pack, name, payload, labels=labels)


def _flows(session: ConsoleSession, arguments: str) -> None:
    flows = session.flyte.flows
    if not arguments:
        for flow in flows.values():
            _write_steps(session, flow)
    elif arguments in flows:
        session.printer.put(Line([Span(yaml_of(flows[arguments]).rstrip("\n"))], is_wrapped=False))
    else:
        raise InvalidInput(f"there is no flow {arguments}; there are: {', '.join(flows) or 'none'}")


def _write_steps(session: ConsoleSession, flow: Flow) -> None:
    session.write(f"{flow.name}: {flow.description}" if flow.description else flow.name, "")
    for step in flow.steps:
        name = f"{step.id}: " if step.id else ""
        after = f"after {' or '.join(step.depends_on)}, " if step.depends_on else ""
        session.write(
            f"    {name}{after}on {step.event_pack} {step.event_name} -> {step.command_pack} {step.command_name}"
        )
        if step.criteria:
            session.write(f"        when {step.criteria.source}", indent=13)


def _who(session: ConsoleSession, _: str) -> None:
    session.write(f"people: {', '.join(session.workspace.handles)}; the bot: {BOT}")
    for channel in session.workspace.conversations():
        privacy = " (private)" if channel.is_private else ""
        membership = "a member" if channel.has_bot else "not a member"
        session.write(f"{channel.label}{privacy} {channel.id}: {BOT} is {membership}")
    if not session.sandbox.is_slack_only:
        session.write(f"packs: {', '.join(session.flyte.packs) or 'none'}")


def _explain(session: ConsoleSession, arguments: str) -> None:
    try:
        session.formatter.detail = Detail(arguments or "on")
    except ValueError:
        raise InvalidInput("/explain on, /explain full or /explain off") from None


def _help(session: ConsoleSession, _: str) -> None:
    session.write("Type a message to post it; what it triggers is shown below it. Commands:")
    commands = available_commands(session).values()
    width = max(len(command.usage) for command in commands)
    for command in commands:
        session.write(f"  {command.usage:<{width}}  {command.help}", "", indent=width + 4)


def _quit(_: ConsoleSession, __: str) -> None:
    raise SessionEnded


def _is_name(text: str) -> bool:
    return bool(text) and text.replace("-", "a").replace("_", "a").replace(".", "a").isalnum()


_COMMANDS: Final = (
    Command("/as NAME", "speak as this person", _as),
    Command("/in PLACE", f"go to a channel, or to @{BOT} for direct messages", _in),
    Command("/thread [NUMBER|off]", "reply in the thread of the latest message, or of message NUMBER", _thread),
    Command("/react EMOJI [NUMBER]", "react to the latest message, or to message NUMBER; again: withdraw it", _react),
    Command("/edit [NUMBER] TEXT", "edit your latest message, or message NUMBER", _edit),
    Command("/delete [NUMBER]", "delete your latest message, or message NUMBER", _delete),
    Command("/upload FILE [TEXT]", "share a file", app_commands.upload),
    Command(
        "/click [NUMBER] BUTTON", "click a button of the latest message with any, or of NUMBER", app_commands.click
    ),
    Command(
        "/choose [NUMBER] [FIELD =] CHOICE", "choose an option, a name, a date; several: A, B", app_commands.choose
    ),
    Command("/slash COMMAND [TEXT]", "run a slash command of the app", app_commands.slash),
    Command(
        "/shortcut NAME [NUMBER]", "use a shortcut of the app, or one in the menu of NUMBER", app_commands.shortcut
    ),
    Command("/submit [FIELD = VALUE; ...]", "fill in the open modal, and submit it", app_commands.submit),
    Command("/close [all]", "close the open modal", app_commands.close),
    Command("/home", "open the app's Home tab", app_commands.home),
    Command("/invite NAME", f"invite a person, or {BOT}, to this channel", _invite),
    Command("/kick NAME", f"remove a person, or {BOT}, from this channel", _kick),
    Command("/event PACK NAME [JSON]", "publish an event as if that pack had sent it", _event, needs_flyte=True),
    Command("/flows [NAME]", "list the flows and their steps, or print the YAML of one", _flows, needs_flyte=True),
    Command("/who", "list people, channels and packs", _who),
    Command("/explain on|full|off", "set how much the simulation explains", _explain),
    Command("/help", "show this list", _help),
    Command("/quit", "exit, like Ctrl-D and Ctrl-C", _quit),
)
COMMANDS: Final[Mapping[str, Command]] = {command.name: command for command in _COMMANDS}
