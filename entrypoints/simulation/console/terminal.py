"""A conversation in a terminal: prompt, colours, history and completion."""

from collections.abc import Iterable, Iterator
from typing import Final, TextIO, cast

from prompt_toolkit import PromptSession
from prompt_toolkit.completion import CompleteEvent, Completer, Completion
from prompt_toolkit.document import Document
from prompt_toolkit.filters import Condition
from prompt_toolkit.formatted_text import StyleAndTextTuples, fragment_list_to_text
from prompt_toolkit.patch_stdout import patch_stdout
from prompt_toolkit.styles import Style
from rich.console import Console
from rich.text import Text

from entrypoints.simulation.console.commands import COMMANDS
from entrypoints.simulation.console.output import CurrentStream, Line, printable
from entrypoints.simulation.console.repl import SettleTimeout, run_line
from entrypoints.simulation.console.session import ConsoleSession, InvalidInput, SessionEnded
from entrypoints.simulation.console.story import EventPrinter
from entrypoints.simulation.workspaces.workspace import BOT

STYLES: Final = {
    "": "",
    "room": "cyan",
    "person": "bold green",
    "bot": "bold magenta",
    "said": "",
    "aside": "dim",
    "remark": "yellow",
    "good": "green",
    "bad": "red",
}
"""The styles that lines are written in, as rich names them."""

_PROMPT_STYLE: Final = Style.from_dict(
    {"person": "ansigreen bold", "room": "ansicyan", "bottom-toolbar": "noreverse ansibrightblack"}
)
_MIN_TEXT_WIDTH: Final = 30
"""Columns that must be left for a line's text; in a narrower terminal nothing hangs."""


class ColourOutput:
    """Lines in colours, folded at the terminal's present width. See the protocol Paper."""

    def __init__(self, stream: TextIO | None = None, width: int | None = None) -> None:
        """Without a stream, whatever standard output is; without a width, the terminal's."""
        stream = stream or cast("TextIO", CurrentStream("stdout"))
        self._console = Console(file=stream, force_terminal=True, highlight=False, width=width)

    def write(self, line: Line) -> None:
        """See the protocol."""
        text = Text.assemble(*((printable(span.text), STYLES[span.style]) for span in line.spans))
        width = self._console.width
        hang = line.indent if width - line.indent >= _MIN_TEXT_WIDTH else 0
        for folded in _wrap(text, hang, width, self._console):
            self._console.print(folded, soft_wrap=True)


def _wrap(text: Text, hang: int, width: int, console: Console) -> Iterator[Text]:
    first, *others = text.split("\n", allow_blank=True)
    head, *folded = first.wrap(console, width)
    yield head
    if folded:
        others = [_without_leading_spaces(first.divide([len(head)])[1]), *others]
    for other in others:
        for part in other.wrap(console, width - hang) or [Text()]:
            yield Text(" " * hang) + part


def _without_leading_spaces(text: Text) -> Text:
    spaces = len(text.plain) - len(text.plain.lstrip())
    return text.divide([spaces])[1] if spaces else text


async def run_terminal(conversation: ConsoleSession, story: EventPrinter, settle_seconds: float) -> None:
    """Talk until whoever sits there has had enough: /quit, Ctrl-D or Ctrl-C."""
    session: PromptSession[str] = PromptSession(
        completer=CommandCompleter(conversation),
        complete_while_typing=Condition(lambda: session.default_buffer.text.startswith("/")),
        style=_PROMPT_STYLE,
        erase_when_done=True,
    )
    conversation.write(
        "A Slack and a Flyte of this machine's own, with the pack between them. Say something: echo hello"
    )
    conversation.write("/help lists the commands, Ctrl-D ends.")
    story.flush()
    with patch_stdout(raw=True):
        while True:
            try:
                line = await session.prompt_async(lambda: prompt_text(conversation), handle_sigint=False)
                if line.startswith("/"):
                    conversation.write(f"{fragment_list_to_text(prompt_text(conversation))}{line}")
                await run_line(conversation, story, line, settle_seconds)
            except InvalidInput as mistake:
                conversation.write(str(mistake), "bad")
            except SettleTimeout as unrest:
                conversation.write(f"{unrest}; you can go on meanwhile", "bad")
            except (EOFError, KeyboardInterrupt, SessionEnded):
                return


def prompt_text(conversation: ConsoleSession) -> StyleAndTextTuples:
    """As whom, where and in which thread one speaks."""
    parts: StyleAndTextTuples = [
        ("class:person", conversation.speaker),
        ("", " in "),
        ("class:room", conversation.conversation.label),
    ]
    if conversation.thread:
        number = conversation.transcript.number(conversation.conversation.id, conversation.thread_timestamp)
        parts.append(("", f" (thread of [{number}])"))
    return [*parts, ("", "> ")]


class CommandCompleter(Completer):
    """Completes commands, their arguments, and people's and channels' names."""

    def __init__(self, conversation: ConsoleSession) -> None:
        self._conversation = conversation

    def get_completions(self, document: Document, complete_event: CompleteEvent) -> Iterable[Completion]:  # noqa: ARG002 - prompt_toolkit's signature
        """What may stand in the place of the word before the cursor."""
        text = document.text_before_cursor
        word = document.get_word_before_cursor(WORD=True)
        for candidate, meaning in self._candidates(text, word):
            if candidate.startswith(word) and candidate != word:
                yield Completion(candidate, start_position=-len(word), display_meta=meaning)

    def _candidates(self, text: str, word: str) -> Iterable[tuple[str, str]]:
        if not text.startswith("/"):
            return ((name, "") for name in self._names(word))
        command, *arguments = text.split(" ")
        if not arguments:
            return ((known.name, known.help) for known in COMMANDS.values())
        return ((argument, "") for argument in self._arguments(command, len(arguments)))

    def _names(self, word: str) -> list[str]:
        workspace = self._conversation.sandbox.workspace
        if word.startswith("@"):
            return [f"@{handle}" for handle in (*workspace.handles, BOT)]
        return [room.label for room in workspace.conversations()] if word.startswith("#") else []

    def _arguments(self, command: str, position: int) -> list[str]:
        stage = self._conversation.sandbox
        if command == "/event":
            steps = [step for flow in stage.flyte.flows.values() for step in flow.steps]
            return sorted({step.event_pack if position == 1 else step.event_name for step in steps})
        return self._first_arguments(command) if position == 1 else []

    def _first_arguments(self, command: str) -> list[str]:
        stage = self._conversation.sandbox
        handles = list(stage.workspace.handles)
        arguments = {
            "/as": handles,
            "/in": [*(room.label for room in stage.workspace.conversations()), f"@{BOT}"],
            "/invite": [*handles, BOT],
            "/kick": [*handles, BOT],
            "/react": ["thumbsup", "tada", "eyes", "white_check_mark"],
            "/flows": list(stage.flyte.flows),
            "/explain": ["on", "full", "off"],
            "/thread": ["off"],
        }
        return arguments.get(command, [])
