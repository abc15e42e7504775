"""The conversation: who speaks, where, and what becomes of each line that is typed."""

import contextlib
from collections import deque
from typing import Final

from entrypoints.simulation.console.formatter import Detail, EventFormatter
from entrypoints.simulation.console.output import text_line
from entrypoints.simulation.console.story import EventPrinter
from entrypoints.simulation.console.transcript import Transcript
from entrypoints.simulation.environment import Sandbox
from entrypoints.simulation.flyte.trace import EventAccepted, TraceEvent
from entrypoints.simulation.workspaces.workspace import BOT, ChatMessage, Conversation

_REMEMBERED: Final = 1_000
_MOMENT_SECONDS: Final = 1.0


class InvalidInput(Exception):
    """What was typed can't be done; the message says why and what can."""


class SessionEnded(Exception):
    """Whoever talks has had enough."""


class ConsoleSession:
    """The state of a conversation, and the deeds that change it."""

    def __init__(self, stage: Sandbox, narrator: EventFormatter, transcript: Transcript, story: EventPrinter) -> None:
        self.sandbox = stage
        self.transcript = transcript
        self.formatter = narrator
        self.speaker = stage.workspace.handles[0]
        self.thread: ChatMessage | None = None
        self._label = stage.workspace.conversations()[0].label
        self._story = story
        self._reported: deque[tuple[object, object]] = deque(maxlen=_REMEMBERED)
        stage.workspace.listeners.append(transcript.record)
        stage.flyte.listeners.append(self._record_report)

    @property
    def conversation(self) -> Conversation:
        """Where the speaker is."""
        return self.sandbox.workspace.conversation(self._label, self.speaker)

    @property
    def thread_timestamp(self) -> str:
        """Of the message on which the chosen thread hangs; empty when none is chosen."""
        return (self.thread.thread_timestamp or self.thread.timestamp) if self.thread else ""

    def write(self, text: str, style: str = "aside", hang: int = 0) -> None:
        """Tell whoever talks."""
        self._story.put(text_line(text, style, hang))

    def speak_as(self, handle: str) -> None:
        """Speak as somebody, who is let into the workspace if need be."""
        if handle == BOT:
            raise InvalidInput(f"{BOT} is the bot: it speaks when a flow has it speak")
        if handle not in self.sandbox.workspace.handles:
            self.sandbox.workspace.add_person(handle)
            self.write(f"{handle} is new in the workspace")
        self.speaker = handle
        if self._label.startswith("@"):
            self.thread = None  # direct messages are this person's own

    def enter(self, label: str) -> None:
        """Speak in a channel, which is opened if need be, or in direct messages with the bot."""
        if label != f"@{BOT}" and label not in [room.label for room in self.sandbox.workspace.conversations()]:
            self.sandbox.workspace.add_channel(label)
            self.write(f"{label} is new, and {BOT} is not in it: /invite {BOT}")
        self._label = label
        self.thread = None

    def find_message(self, number: str) -> ChatMessage:
        """The message of a number, else the latest in this room."""
        room = self.conversation
        found = self.transcript.message(int(number)) if number.isdecimal() else self.transcript.latest(room.id)
        if found is None or (number and not number.isdecimal()):
            raise InvalidInput(f"there is no message {number}" if number else f"nothing was said in {room.label} yet")
        if found.channel_id != room.id:
            raise InvalidInput(
                f"message {number} is in {found.channel_label}, and you are in {room.label}: /in {found.channel_label}"
            )
        return found

    def say(self, typed: str) -> ChatMessage:
        """Say what was typed, in the thread if one is chosen."""
        workspace, room = self.sandbox.workspace, self.conversation
        timestamp = workspace.say(self.speaker, room, workspace.encode_text(typed), self.thread_timestamp)
        number = self.transcript.number(room.id, timestamp)
        said = self.transcript.message(number) if number else None
        if said is None:
            raise AssertionError("what is said is noted at once")
        return said

    async def wait_until_reported(self, said: ChatMessage) -> None:
        """Give a pack in another process a moment to report the message: its storage can't be looked into."""
        if self.sandbox.storage is None and self.sandbox.flyte.packs and self.conversation.has_bot:
            with contextlib.suppress(TimeoutError):
                await self.sandbox.flyte.wait_for(lambda: self._is_reported(said), _MOMENT_SECONDS)

    def explain_if_unreported(self, said: ChatMessage) -> None:
        """Tell why a message went no further, if it did not; to be asked when all is calm."""
        if self.formatter.detail is Detail.OFF or self._is_reported(said):
            return
        self.write(f"    {self._why_unreported()}", "remark")

    def _is_reported(self, said: ChatMessage) -> bool:
        return (said.channel_id, said.timestamp) in self._reported

    def _why_unreported(self) -> str:
        room = self.conversation
        if not self.sandbox.flyte.packs:
            return "no pack is registered at Flyte yet, so nothing follows"
        if not room.has_bot:
            return f"{BOT} is not in {room.label}, so the pack hears nothing of it: /invite {BOT}"
        return (
            f"the pack did not report it to Flyte: it listens in the channels that it joined, and {BOT} was invited to"
        )

    def _record_report(self, happening: TraceEvent) -> None:
        if isinstance(happening, EventAccepted) and isinstance(happening.payload, dict):
            self._reported.append((happening.payload.get("channelId"), happening.payload.get("timestamp")))
