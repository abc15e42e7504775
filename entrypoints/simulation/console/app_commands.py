"""The console's commands for the app: `/click Approve`, `/slash /deploy shop`, ..."""

from pathlib import Path
from typing import Final

from entrypoints.simulation.console.session import ConsoleSession, InvalidInput
from entrypoints.simulation.slack.app_use.choices import Choice
from entrypoints.simulation.workspaces.workspace import ChatMessage, UploadedFile, ViewShown

_MAX_FILE_BYTES: Final = 10 * 1024 * 1024


def click(session: ConsoleSession, arguments: str) -> None:
    """`/click [NUMBER] BUTTON`."""
    message, name = _addressed(session, arguments)
    if not name:
        raise InvalidInput("/click [NUMBER] BUTTON, such as /click Approve")
    session.controls.click(session.speaker, session.conversation, name, message)


def choose(session: ConsoleSession, arguments: str) -> None:
    """`/choose [NUMBER] [FIELD =] CHOICE[, CHOICE]`."""
    message, rest = _addressed(session, arguments)
    name, is_named, choice = rest.partition("=")
    name, choice = (name.strip(), choice.strip()) if is_named else ("", rest)
    if not choice:
        raise InvalidInput("/choose [NUMBER] [FIELD =] CHOICE, such as /choose Environment = Staging")
    session.controls.choose(session.speaker, session.conversation, _choice(choice), name, message)


def submit(session: ConsoleSession, arguments: str) -> None:
    """`/submit [FIELD = VALUE; FIELD = VALUE]`."""
    values: dict[str, Choice] = {}
    for part in filter(None, map(str.strip, arguments.split(";"))):
        name, is_named, value = part.partition("=")
        if not is_named:
            advice = "write /submit FIELD = VALUE; FIELD = VALUE, such as /submit Version = 1.2; Where = Staging"
            raise InvalidInput(f"there is no = in '{part}', and a semicolon ends a value; {advice}")
        values[name.strip()] = _choice(value.strip())
    session.controls.submit(session.speaker, values)


def close(session: ConsoleSession, arguments: str) -> None:
    """`/close [all]`."""
    if arguments not in ("", "all"):
        raise InvalidInput("/close, or /close all for modals that lie on one another")
    session.controls.close(session.speaker, is_cleared=arguments == "all")


def slash(session: ConsoleSession, arguments: str) -> None:
    """`/slash COMMAND [TEXT]`."""
    command, _, text = arguments.partition(" ")
    if not command.strip("/"):
        raise InvalidInput("/slash COMMAND [TEXT], such as /slash /deploy shop")
    session.slack.run_command(
        session.speaker, session.conversation.id, f"/{command.removeprefix('/')}", session.workspace.encode_text(text)
    )


def shortcut(session: ConsoleSession, arguments: str) -> None:
    """`/shortcut NAME [NUMBER]`."""
    name, _, number = arguments.partition(" ")
    if not name:
        raise InvalidInput("/shortcut NAME [NUMBER]: the callback_id, and the message in whose menu it is, if any")
    if number.strip():
        message = session.find_message(number.strip())
        session.slack.use_message_shortcut(session.speaker, name, message.channel_id, message.timestamp)
    else:
        session.slack.use_shortcut(session.speaker, name)


def upload(session: ConsoleSession, arguments: str) -> None:
    """`/upload FILE [TEXT]`."""
    name, _, text = arguments.partition(" ")
    path = Path(name)
    if not path.is_file() or path.stat().st_size > _MAX_FILE_BYTES:
        raise InvalidInput(f"/upload FILE [TEXT]: {name or 'FILE'} is no file of 10 MiB at most")
    file = UploadedFile(path.name, path.read_bytes(), session.workspace.encode_text(text.strip()))
    session.workspace.upload(session.speaker, session.conversation, file, session.thread_timestamp)


def home(session: ConsoleSession, _: str) -> None:
    """`/home`."""
    person, view = session.speaker, session.slack.home(session.speaker)
    if view is None:
        session.write(f"the app shows {person} nothing on its Home tab yet")
    else:
        text = f"the Home tab of {person}:"
        session.printer.put(ViewShown("", "", text, viewer=person, view=view, change="published"))
    session.slack.open_home(person)


def _addressed(session: ConsoleSession, arguments: str) -> tuple[ChatMessage | None, str]:
    """Returns the message whose number stands first, if any does, and the rest."""
    number, _, rest = arguments.partition(" ")
    return (session.find_message(number), rest.strip()) if number.isdecimal() and rest else (None, arguments)


def _choice(text: str) -> Choice:
    parts = [part.strip() for part in text.split(",")]
    return parts if len(parts) > 1 else text
