"""The console in a terminal: prompt, colours, history and completion."""

import asyncio
import contextlib
from collections.abc import Iterable, Iterator
from typing import Final, TextIO

from prompt_toolkit import PromptSession
from prompt_toolkit.completion import CompleteEvent, Completer, Completion
from prompt_toolkit.document import Document
from prompt_toolkit.filters import Condition
from prompt_toolkit.formatted_text import StyleAndTextTuples, fragment_list_to_text
from prompt_toolkit.patch_stdout import patch_stdout
from prompt_toolkit.styles import Style
from rich.console import Console
from rich.text import Text

from entrypoints.simulation.console.commands import available_commands
from entrypoints.simulation.console.output import Line
from entrypoints.simulation.console.session import ConsoleSession
from entrypoints.simulation.console.typed_lines import TypedLines
from entrypoints.simulation.flyte.flow_loader import BUILT_IN
from entrypoints.simulation.slack.app_use.choices import label_of, options_of
from entrypoints.simulation.web.app_names import known_names
from entrypoints.simulation.workspaces.workspace import BOT
from entrypoints.terminal_text import printable

STYLES: Final = {
    "": "",
    "channel": "cyan",
    "person": "bold green",
    "bot": "bold magenta",
    "aside": "dim",
    "remark": "yellow",
    "good": "green",
    "bad": "red",
}
"""The styles of spans, as rich names them."""

_PROMPT_STYLE: Final = Style.from_dict({"person": "ansigreen bold", "channel": "ansicyan"})
_ADDRESSING: Final = ("/click", "/choose", "/submit")
"""The commands whose arguments are the labels of buttons and fields."""
_MIN_TEXT_WIDTH: Final = 30
"""Columns that an indented text needs; in a narrower terminal, continuation lines are not indented."""


class ColourOutput:
    """Writes lines in colours, wrapped at the terminal's current width. See the protocol Output."""

    def __init__(self, stream: TextIO | None = None, width: int | None = None) -> None:
        """Uses the terminal's width and standard output by default; prompt_toolkit redirects that during a prompt."""
        self._console = Console(file=stream, force_terminal=True, highlight=False, width=width)

    def write(self, line: Line) -> None:
        """Implements Output."""
        text = Text.assemble(*((printable(span.text), STYLES[span.style]) for span in line.spans))
        if not line.is_wrapped:
            self._console.print(text, soft_wrap=True)
            return
        width = self._console.width
        indent = line.indent if width - line.indent >= _MIN_TEXT_WIDTH else 0
        prefix, body = text.divide([indent])
        for part in body.wrap(self._console, width - indent):
            self._console.print(prefix + part, soft_wrap=True)
            prefix = Text(" " * indent)


async def run_terminal(session: ConsoleSession, settle_seconds: float) -> None:
    """Runs typed lines until /quit, Ctrl-D or Ctrl-C. The next line can be typed while the previous ones run."""
    prompt: PromptSession[str] = PromptSession(
        completer=CommandCompleter(session),
        complete_while_typing=Condition(lambda: prompt.default_buffer.text.startswith("/")),
        style=_PROMPT_STYLE,
        erase_when_done=True,
    )
    for greeting in greetings(session):
        session.write(greeting)
    session.printer.flush()
    with patch_stdout(raw=True):
        async with asyncio.TaskGroup() as tasks:
            lines = TypedLines(session, settle_seconds, tasks, lambda: fragment_list_to_text(prompt_text(session)))
            running = tasks.create_task(lines.run(), name="run typed lines")
            running.add_done_callback(lambda _: _end(prompt))
            with contextlib.suppress(KeyboardInterrupt):
                while not running.done():
                    try:
                        lines.put(await prompt.prompt_async(lambda: prompt_text(session), handle_sigint=False))
                    except EOFError:
                        lines.put(None)
                        await running
            running.cancel()
            lines.cancel()


def _end(prompt: PromptSession[str]) -> None:
    if prompt.app.is_running:
        prompt.app.exit(exception=EOFError())


def greetings(session: ConsoleSession) -> Iterator[str]:
    """Yields the console's welcome."""
    flows = session.flyte.flows
    built_in = sorted(path.stem for path in BUILT_IN.iterdir())
    if session.sandbox.is_slack_only:
        yield "The simulated Slack is running. Start your app, then talk to it: hello, /slash /command"
    else:
        runs = "The pack is running between" if session.sandbox.storage else "Your pack can connect to"
        hint = "Post a message: echo hello" if sorted(flows) == built_in else f"Flows: {', '.join(flows) or 'none'}"
        yield f"{runs} a simulated Slack and a simulated Flyte. {hint}"
        if missing := [name for name in built_in if name not in flows]:
            yield f"The built-in flows do not run ({', '.join(missing)}); --built-in adds them."
    yield "/help lists the commands, Ctrl-D exits."


def prompt_text(session: ConsoleSession) -> StyleAndTextTuples:
    """Returns the prompt: the speaker, the conversation and the thread."""
    parts: StyleAndTextTuples = [
        ("class:person", session.speaker),
        ("", " in "),
        ("class:channel", session.conversation.label),
    ]
    if session.thread:
        number = session.transcript.number(session.conversation.id, session.thread_timestamp)
        parts.append(("", f" (thread of [{number}])"))
    return [*parts, ("", "> ")]


class CommandCompleter(Completer):
    """Completes commands, their arguments, and the names of people and channels."""

    def __init__(self, session: ConsoleSession) -> None:
        self._session = session

    def get_completions(self, document: Document, complete_event: CompleteEvent) -> Iterable[Completion]:  # noqa: ARG002 - prompt_toolkit's signature
        """Returns the completions of the word before the cursor."""
        text = document.text_before_cursor
        word = document.get_word_before_cursor(WORD=True)
        for candidate, meaning in self._candidates(text, word):
            if candidate.casefold().startswith(word.casefold()) and candidate != word:
                yield Completion(candidate, start_position=-len(word), display_meta=meaning)

    def _candidates(self, text: str, word: str) -> Iterator[tuple[str, str]]:
        if not text.startswith("/"):
            return ((name, "") for name in self._names(word))
        command, *arguments = text.split(" ")
        if not arguments:
            return ((known.name, known.help) for known in available_commands(self._session).values())
        return ((argument, "") for argument in self._arguments(command, len(arguments)))

    def _names(self, word: str) -> list[str]:
        if word.startswith("@"):
            return [f"@{handle}" for handle in (*self._session.workspace.handles, BOT)]
        return self._channels() if word.startswith("#") else []

    def _channels(self) -> list[str]:
        return [channel.label for channel in self._session.workspace.conversations()]

    def _arguments(self, command: str, position: int) -> list[str]:
        flows = self._session.flyte.flows
        if command == "/event":
            steps = [step for flow in flows.values() for step in flow.steps]
            return sorted({step.event_pack if position == 1 else step.event_name for step in steps})
        if command in _ADDRESSING:
            return self._usable(command)
        if position > 1:
            return []
        handles, names = list(self._session.workspace.handles), known_names(flows.values())
        arguments = {
            "/as": handles,
            "/in": [*self._channels(), f"@{BOT}"],
            "/invite": [*handles, BOT],
            "/kick": [*handles, BOT],
            "/react": ["thumbsup", "tada", "eyes", "white_check_mark"],
            "/flows": list(flows),
            "/explain": ["on", "full", "off"],
            "/thread": ["off"],
            "/close": ["all"],
            "/slash": [*names.commands],
            "/shortcut": [*dict.fromkeys((*names.global_shortcuts, *names.message_shortcuts))],
        }
        return arguments.get(command, [])

    def _usable(self, command: str) -> list[str]:
        """Returns the labels of the elements that can be used now: of buttons, or of fields and their options."""
        session = self._session
        known = session.controls.usable(session.speaker, session.conversation)
        buttons = [element.label for element in known if element.kind == "button"]
        fields = [element for element in known if element.kind != "button"]
        if command == "/click":
            return buttons
        options = [label_of(option) for element in fields for option in options_of(element.fields)]
        return [*(f"{element.label} =" for element in fields), *options]
