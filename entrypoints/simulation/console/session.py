"""A console session: the current speaker, conversation and thread, and posting messages there."""

import contextlib
from collections import deque
from dataclasses import dataclass
from typing import Final

from entrypoints.simulation.console.controls import Controls
from entrypoints.simulation.console.failures import FlowFailures
from entrypoints.simulation.console.formatter import Detail, EventFormatter, EventPrinter
from entrypoints.simulation.console.origins import Origins
from entrypoints.simulation.console.output import Output, text_line
from entrypoints.simulation.console.transcript import Transcript
from entrypoints.simulation.environment import Sandbox
from entrypoints.simulation.flyte.trace import EventAccepted, TraceEvent
from entrypoints.simulation.workspaces.workspace import BOT, ChatMessage, Conversation

_MAX_REPORTED: Final = 1_000
_REPORT_TIMEOUT_SECONDS: Final = 1.0


class InvalidInput(Exception):
    """The input can't be executed; the message says why, and what is valid."""


class SessionEnded(Exception):
    """The user has quit."""


@dataclass(frozen=True, slots=True)
class Posted:
    """A message that a person posted."""

    place: Conversation
    timestamp: str


class ConsoleSession:
    """Posts and prints messages of a sandbox. From its creation on, it prints all events."""

    def __init__(self, sandbox: Sandbox, output: Output, detail: Detail) -> None:
        self.sandbox = sandbox
        self.workspace = sandbox.workspace
        self.flyte = sandbox.flyte
        self.slack = sandbox.workspace.slack
        self.transcript = Transcript()
        self.controls = Controls(self.slack, self.transcript)
        self.failures = FlowFailures(self.flyte)
        origins = Origins(self.flyte, self.transcript)
        self.formatter = EventFormatter(self.transcript, self.flyte, detail, origins)
        self.printer = EventPrinter(self.formatter, output)
        self.speaker = self.workspace.handles[0]
        self.thread: ChatMessage | None = None
        self._label = self.workspace.conversations()[0].label
        self._reported: deque[tuple[object, object]] = deque(maxlen=_MAX_REPORTED)
        self.slack.log.listeners.append(origins.record)
        self.workspace.listeners += [self.transcript.record, self.printer.put]
        self.flyte.listeners += [self._record_report, self.printer.put]

    @property
    def conversation(self) -> Conversation:
        """The current channel or direct messages."""
        return self.workspace.conversation(self._label, self.speaker)

    @property
    def thread_timestamp(self) -> str:
        """The timestamp of the current thread's parent; empty without a thread."""
        return (self.thread.thread_timestamp or self.thread.timestamp) if self.thread else ""

    def write(self, text: str, style: str = "aside", indent: int = 0) -> None:
        """Prints a text."""
        self.printer.put(text_line(text, style, indent))

    def write_remark(self, text: str) -> None:
        """Prints an explanation, unless explanations are off."""
        if self.formatter.detail is not Detail.OFF:
            self.write(f"    {text}", "remark")

    def speak_as(self, handle: str) -> None:
        """Changes the speaker; a new person is added to the workspace."""
        if handle == BOT:
            raise InvalidInput(f"{BOT} is the bot: only flows let it speak")
        if handle not in self.workspace.handles:
            self.workspace.add_person(handle)
            self.write(f"added {handle} to the workspace")
        self.speaker = handle
        if self._label.startswith("@"):
            self.thread = None  # each person has direct messages of their own

    def enter(self, label: str) -> None:
        """Goes to a channel, which is created if it is new, or to direct messages with the bot."""
        if label != f"@{BOT}" and label not in [channel.label for channel in self.workspace.conversations()]:
            self.workspace.add_channel(label)
            self.write(f"created {label}; {BOT} is not a member: /invite {BOT}")
        self._label = label
        self.thread = None

    def find_message(self, number: str) -> ChatMessage:
        """Returns the message with this number, or the latest one in the conversation if it is empty."""
        here = self.conversation
        found = self.transcript.message(int(number)) if number.isdecimal() else self.transcript.latest(here.id)
        if found is None or (number and not number.isdecimal()):
            raise InvalidInput(f"there is no message {number}" if number else f"{here.label} has no messages yet")
        if found.channel_id != here.id:
            place = found.channel_label
            raise InvalidInput(f"message {number} is in {place}, and you are in {here.label}: /in {place}")
        return found

    async def say(self, typed: str) -> Posted:
        """Posts what was typed, in the current thread if there is one.

        A pack in another process, whose storage is out of reach, gets a second to report the message.
        """
        here, text = self.conversation, self.workspace.encode_text(typed)
        timestamp = self.workspace.say(self.speaker, here, text, self.thread_timestamp)
        if self.sandbox.storage is None and self.flyte.packs and here.has_bot:
            with contextlib.suppress(TimeoutError):
                await self.flyte.wait_for(lambda: (here.id, timestamp) in self._reported, _REPORT_TIMEOUT_SECONDS)
        return Posted(here, timestamp)

    def explain_if_unreported(self, posted: Posted) -> None:
        """Prints why the pack has not reported a message, if so. Call this once the sandbox has settled."""
        here = posted.place
        if (here.id, posted.timestamp) in self._reported:
            return
        if self.sandbox.is_slack_only:
            self._explain_delivery(here)
        elif not self.flyte.packs:
            self.write_remark("no pack has registered with Flyte yet, so nothing happens")
        elif not here.has_bot:
            self.write_remark(f"{BOT} is not a member of {here.label}, so the pack gets no messages: /invite {BOT}")
        else:
            self.write_remark("the pack did not report it to Flyte: it reports only from channels that it has joined")

    def _explain_delivery(self, here: Conversation) -> None:
        """Prints why the app has not received a message here, if so."""
        if not here.has_bot:
            self.write_remark(f"{BOT} is not a member of {here.label}, so the app gets no messages: /invite {BOT}")
        elif not self.slack.has_receiver:
            self.write_remark("no app is connected: it gets the message when it connects")

    def _record_report(self, event: TraceEvent) -> None:
        if isinstance(event, EventAccepted) and isinstance(event.payload, dict):
            self._reported.append((event.payload.get("channelId"), event.payload.get("timestamp")))
