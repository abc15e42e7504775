"""Replays a recorded session in a simulation: each message is posted once everything before it has settled."""

from collections import Counter, defaultdict
from collections.abc import Callable

from entrypoints.flow_tests.recordings.session import (
    RecordedActivity,
    RecordedMembership,
    RecordedMessage,
    RecordedOutcome,
    Session,
)
from entrypoints.simulation.console.session import ConsoleSession
from entrypoints.simulation.workspaces.workspace import (
    BOT,
    ChatMessage,
    Conversation,
    NotAllowed,
    UnknownName,
    WorkspaceEvent,
)


class Replay:
    """Posts a session's messages again, without its pauses."""

    def __init__(self, session: Session, console: ConsoleSession) -> None:
        self._session = session
        self._console = console
        self._sandbox = console.sandbox
        self._workspace = console.sandbox.workspace
        self._printer = console.printer
        self._timestamps: dict[tuple[str, str], str] = {}
        """The `ts` in the simulation of each message, by room and recorded `ts`."""
        self._bot_timestamps: dict[str, list[str]] = defaultdict(list)
        """The `ts` of the bot's messages in the simulation, by room."""
        self._recorded_bot_messages: Counter[str] = Counter()
        """How many were recorded so far, by room."""
        self._workspace.listeners.append(self._on_event)

    async def run(self, timeout_seconds: float, warn: Callable[[str], None]) -> None:
        """Replays the session; `warn` is called for each deviation from the recording."""
        self._prepare()
        await self._sandbox.settle(timeout_seconds)
        for event in self._session.events():
            match event:
                case RecordedOutcome():
                    continue
                case RecordedMessage(speaker=speaker) if speaker == BOT:
                    self._pair(event)
                    continue
                case RecordedMessage():
                    self._say(event, warn)
                case RecordedActivity():
                    self._act(event, warn)
                case RecordedMembership():
                    self._move(event, warn)
            if pending := await self._sandbox.settle(timeout_seconds):
                warn(f"still busy after {timeout_seconds:g} s: {pending}")
            self._printer.flush()

    def _prepare(self) -> None:
        """Adds the people and channels, with the bot in all of them; what flows create is left to them."""
        for handle in self._session.people.values():
            if handle not in self._workspace.handles:
                self._workspace.add_person(handle)
        known = {conversation.label for conversation in self._workspace.conversations()}
        for channel_id, label in self._session.given_channels.items():
            if label not in known:
                self._workspace.add_channel(label, channel_id)
            self._workspace.invite(BOT, self._workspace.conversation(label, ""))

    def _move(self, event: RecordedMembership, warn: Callable[[str], None]) -> None:
        move = self._workspace.invite if event.is_member else self._workspace.kick
        try:
            move(BOT, self._workspace.conversation(event.room, ""))
        except NotAllowed as error:
            warn(str(error))

    def _say(self, message: RecordedMessage, warn: Callable[[str], None]) -> None:
        room = self._workspace.conversation(message.room, message.speaker)
        thread = self._timestamps.get((message.room, message.thread_timestamp), "")
        if message.thread_timestamp not in ("", message.timestamp) and not thread:
            warn(f"posted outside its thread, whose first message is missing: {message.text}")
        typed = self._session.typed_text(message.text)
        text = message.text if typed is None else self._workspace.encode_text(typed)
        timestamp = self._workspace.say(message.speaker, room, text, thread)
        self._timestamps[message.room, message.timestamp] = timestamp

    def _act(self, done: RecordedActivity, warn: Callable[[str], None]) -> None:
        """Repeats a person's activity other than a post."""
        label = done.room or self._workspace.conversations()[0].label
        room = self._workspace.conversation(label, done.speaker)
        timestamp = self._timestamps.get((done.room, done.activity.timestamp), "")
        number = self._console.transcript.number(room.id, timestamp)
        message = self._console.transcript.message(number) if number else None
        try:
            self._perform(done, room, message)
        except (UnknownName, NotAllowed) as error:
            warn(f"not replayed: {done.activity.kind}: {error}")

    def _perform(self, done: RecordedActivity, room: Conversation, message: ChatMessage | None) -> None:
        speaker, value = done.speaker, done.activity.value
        match done.activity.kind:
            case "click":
                self._console.controls.click(speaker, room, value, message)
            case "choose":
                self._console.controls.choose(speaker, room, value, done.activity.options["from"], message)
            case "submit":
                self._console.controls.submit(speaker, value)
            case "close":
                self._console.controls.close(speaker, is_cleared=value == "all")
            case "slash":
                command, _, text = value.partition(" ")
                self._workspace.slack.run_command(speaker, room.id, command, text)
            case "shortcut" if message is None:
                self._workspace.slack.use_shortcut(speaker, value)
            case kind:
                self._use_message(kind, speaker, value, room, message)

    def _use_message(
        self, kind: str, speaker: str, value: str, room: Conversation, message: ChatMessage | None
    ) -> None:
        if message is None:
            raise UnknownName("its message is missing")
        match kind:
            case "shortcut":
                self._workspace.slack.use_message_shortcut(speaker, value, room.id, message.timestamp)
            case "react" | "unreact":
                self._workspace.toggle_reaction(speaker, room, message.timestamp, value)
            case "edit":
                self._workspace.edit(room, message.timestamp, value)
            case "delete":
                self._workspace.delete(room, message.timestamp)

    def _pair(self, message: RecordedMessage) -> None:
        """Pairs the bot's recorded and simulated messages by their number in their room."""
        number = self._recorded_bot_messages[message.room]
        self._recorded_bot_messages[message.room] += 1
        if number < len(self._bot_timestamps[message.room]):
            self._timestamps[message.room, message.timestamp] = self._bot_timestamps[message.room][number]

    def _on_event(self, event: WorkspaceEvent) -> None:
        if isinstance(event, ChatMessage) and event.speaker == BOT:
            self._bot_timestamps[event.channel_label].append(event.timestamp)
