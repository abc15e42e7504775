"""Plays a recorded session in a simulation: each message is said when all has happened that the last one led to."""

from collections import defaultdict
from collections.abc import Callable

from entrypoints.flow_tests.recordings.session import RecordedMessage, Session, SessionEvent
from entrypoints.flow_tests.recordings.unescape import typed_text
from entrypoints.simulation.console.session import ConsoleSession
from entrypoints.simulation.workspaces.workspace import BOT, ChatMessage, NotAllowed, WorkspaceEvent


class Replay:
    """A session, said again by the people of a simulation. Pauses are left out."""

    def __init__(self, session: Session, console: ConsoleSession) -> None:
        self._session = session
        self._stage = console.sandbox
        self._workspace = console.sandbox.workspace
        self._printer = console.printer
        self._replayed: dict[tuple[str, str], str] = {}
        """By room and `ts` of a recorded message: its `ts` in the simulation."""
        self._bot_messages: dict[str, list[str]] = defaultdict(list)
        """The `ts` of what the bot says in the simulation, by room."""
        self._recorded_bot_messages: dict[str, int] = defaultdict(int)
        self._workspace.listeners.append(self._on_chat_event)

    async def run(self, patience_seconds: float, warn: Callable[[str], None]) -> None:
        """Play it to its end; `complain` is told what can't be played as it was."""
        self._prepare()
        await self._stage.settle(patience_seconds)
        for part in self._session.events():
            if isinstance(part, RecordedMessage) and part.speaker == BOT:
                self._pair_bot_message(part)
                continue
            self._replay(part, warn)
            if waited_for := await self._stage.settle(patience_seconds):
                warn(f"still busy after {patience_seconds:g} s: {waited_for}")
            self._printer.flush()

    def _prepare(self) -> None:
        """Let the people in, open the channels, and let the bot into them."""
        for handle in self._session.people.values():
            if handle not in self._workspace.handles:
                self._workspace.add_person(handle)
        for label in self._session.channels.values():
            if label not in [room.label for room in self._workspace.conversations()]:
                self._workspace.add_channel(label)
                self._workspace.invite(BOT, self._workspace.conversation(label, ""))

    def _replay(self, part: SessionEvent, complain: Callable[[str], None]) -> None:
        if isinstance(part, RecordedMessage):
            self._say(part, complain)
            return
        room = self._workspace.conversation(part.room, "")
        try:
            (self._workspace.invite if part.is_member else self._workspace.kick)(BOT, room)
        except NotAllowed as error:
            complain(str(error))

    def _say(self, said: RecordedMessage, complain: Callable[[str], None]) -> None:
        room = self._workspace.conversation(said.room, said.speaker)
        thread = self._replayed.get((said.room, said.thread_timestamp), "")
        if said.thread_timestamp and said.thread_timestamp != said.timestamp and not thread:
            complain(f"said in no thread, since nobody began it here: {said.text}")
        typed = typed_text(said.text, self._session)
        text = said.text if typed is None else self._workspace.encode_text(typed)
        self._replayed[said.room, said.timestamp] = self._workspace.say(said.speaker, room, text, thread)

    def _pair_bot_message(self, said: RecordedMessage) -> None:
        """The bot's messages stand for one another by their number in their room."""
        number = self._recorded_bot_messages[said.room]
        self._recorded_bot_messages[said.room] += 1
        if number < len(self._bot_messages[said.room]):
            self._replayed[said.room, said.timestamp] = self._bot_messages[said.room][number]

    def _on_chat_event(self, happening: WorkspaceEvent) -> None:
        if isinstance(happening, ChatMessage) and happening.speaker == BOT:
            self._bot_messages[happening.channel_label].append(happening.timestamp)
