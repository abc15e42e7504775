"""The ledger: every message posted and every action queued, and what became of it."""

from collections import Counter, defaultdict
from collections.abc import Collection
from dataclasses import dataclass, field
from enum import Enum
from typing import Final

from entrypoints.simulation.flyte.models import Action, Event
from entrypoints.simulation.flyte.server import FlyteServer
from entrypoints.simulation.slack.server import SlackServer
from tests.chaos.load import Load, QueuedAction, UserMessage


class Result(Enum):
    """What became of a message or an action; docs/delivery.md explains each."""

    ONCE = "once"
    LOST = "LOST"
    TWICE = "TWICE"
    WRONG = "WRONG"
    """The result reported to Flyte contradicts what happened in Slack."""
    REFUSED = "refused"
    """Slack refused the post because the bot had left the channel, and the pack reported so."""
    UNSEEN_EVENT = "window: unseen event"
    OLDER_THREAD = "window: older thread"
    FIRST_DIRECT = "window: first direct message"
    LEFT = "window: left meanwhile"
    NO_MARK = "window: no mark"
    LATE = "window: late interaction"
    """Delivered, although the person saw an error because the acknowledgement was late or lost."""
    IN_GAP = "window: in a gap"
    """A reaction that Slack gave up delivering: no history lists it."""
    FROZEN = "window: frozen before the post"
    """Posted by a pack that was frozen after its last look, while another pack took over and posted it too."""
    NOT_DUE = "not due"
    """Posted while the pack was joining or leaving the channel; or the person saw that nothing happened."""


PROBLEMS: Final = (Result.LOST, Result.TWICE, Result.WRONG)
_FAILED: Final = ("SendMessageFailed", "SendRichMessageFailed")
_LABEL_WIDTH: Final = 40
_LEFT_SOON_SECONDS: Final = 10.0
"""Events that Slack has not delivered by then are not received any more."""
_OVERLAP_SECONDS: Final = 600.0


@dataclass(slots=True)
class Ledger:
    """Counts by kind and result, and a list of the problems."""

    counts: defaultdict[str, Counter[Result]] = field(default_factory=lambda: defaultdict(Counter))
    problems: list[str] = field(default_factory=list)

    def record(self, kind: str, result: Result, subject: str) -> None:
        """Adds one message or action."""
        self.counts[kind][result] += 1
        if result in PROBLEMS:
            self.problems.append(f"{result.value}: {kind}: {subject}")

    def format_table(self) -> str:
        """Returns the table that is printed, and quoted in docs/measurements.md."""
        results = [one for one in Result if any(counts[one] for counts in self.counts.values()) or one in PROBLEMS]
        lines = [f"{'':<{_LABEL_WIDTH}}" + "".join(f"  {result.value:>6}" for result in results)]
        for kind, counts in self.counts.items():
            cells = "".join(f"  {counts[result]:>{max(6, len(result.value))}}" for result in results)
            lines.append(f"{kind:<{_LABEL_WIDTH}}{cells}")
        return "\n".join(lines)


class Auditor:
    """Compares the load with what both servers have seen."""

    def __init__(
        self, load: Load, slack: SlackServer, flyte: FlyteServer, frozen: Collection[tuple[str, str]] = ()
    ) -> None:
        """Posts of `frozen`, by marker and channel, were frozen on their way to Slack."""
        self._load = load
        self._frozen = frozen
        self._slack = slack
        self._flyte = flyte
        self._events = Counter(_message_key(event) for event in flyte.events if event.name == "ReceivedMessage")
        self._posts = Counter((post.text.split()[-1], post.channel) for post in slack.posts)
        self._posts_by_marker = Counter(post.text.split()[-1] for post in slack.posts)
        self._first_events = self._first_event_by_channel()
        self._actions: defaultdict[tuple[str, str], list[Action]] = defaultdict(list)
        for action in flyte.actions.values():
            self._actions[_message_key(action.trigger)].append(action)

    def ledger(self) -> Ledger:
        """Returns the complete ledger."""
        ledger = Ledger()
        for message in self._load.messages.values():
            subject = f"{message.marker} {message.channel}:{message.ts}"
            ledger.record(_kind(message), self._check_message(message), subject)
            if message.has_flow and self._events[message.channel, message.ts]:
                ledger.record("echoes", self._check_echo(message), subject)
        for action in self._load.actions:
            ledger.record(action.command, self._check_action(action), f"{action.marker} {action.action_id}")
        for key in self._events.keys() - self._load.messages.keys():
            ledger.record("events without a message", Result.WRONG, str(key))
        return ledger

    def is_complete(self) -> bool:
        """Whether every action has its result, and every message has reached Flyte or has an excuse."""
        return not self._flyte.unfinished() and all(
            self._events[key] or not message.is_expected or self._excuse(message)
            for key, message in self._load.messages.items()
        )

    def _check_message(self, message: UserMessage) -> Result:
        count = self._events[message.channel, message.ts]
        if count > 1:
            return Result.TWICE if message.has_flow else Result.UNSEEN_EVENT
        if count == 1:
            return Result.ONCE
        if not message.is_expected:
            return Result.NOT_DUE
        return self._excuse(message) or Result.LOST

    def _excuse(self, message: UserMessage) -> Result | None:
        """Returns the documented window that explains why a message did not arrive, if any does."""
        if message.channel == self._load.lobby and self._load.left_lobby_within(_LEFT_SOON_SECONDS, message.at):
            return Result.LEFT
        if not (message.was_given_up or self._slack.access.is_classic):  # Slack delivers it again
            return None
        may_predate_join = message.channel == self._load.lobby  # the thread may have begun before the pack joined
        if message.thread_ts and (may_predate_join or float(message.ts) - float(message.thread_ts) > _OVERLAP_SECONDS):
            return Result.OLDER_THREAD
        first_event = self._first_events.get(message.channel, message.ts + "1")
        return Result.FIRST_DIRECT if message.channel.startswith("D") and message.ts < first_event else None

    def _first_event_by_channel(self) -> dict[str, str]:
        """Returns the timestamp of the first message of each channel that reached Flyte."""
        first: dict[str, str] = {}
        for channel, ts in self._events:
            first[channel] = min(ts, first.get(channel, ts))
        return first

    def _check_echo(self, message: UserMessage) -> Result:
        posts = self._posts_by_marker[message.marker]
        if posts > 1:
            return self._check_repeated(message.marker)
        actions = self._actions[message.channel, message.ts]
        results = [action.result for action in actions if action.result is not None]
        if not results or len(results) < len(actions):
            return Result.LOST
        if posts == 1:
            return Result.ONCE if results[0].name == "MessageSent" else Result.WRONG
        return Result.REFUSED if message.channel == self._load.lobby and results[0].name in _FAILED else Result.LOST

    def _check_action(self, action: QueuedAction) -> Result:
        result = self._flyte.results.get(action.action_id)
        if result is None:
            return Result.LOST
        match action.command:
            case "Broadcast":
                return self._check_broadcast(action, result)
            case "JoinChannel" | "LeaveChannel":
                return Result.ONCE if result.name in ("ChannelJoined", "ChannelLeft") else Result.REFUSED
            case _:
                return self._check_post(action, result)

    def _check_post(self, action: QueuedAction, result: Event) -> Result:
        posts = self._posts_by_marker[action.marker]
        if posts > 1:
            return self._check_repeated(action.marker)
        if result.name not in _FAILED:
            return Result.ONCE if posts == 1 else Result.LOST
        if not action.is_marked and _error(result).startswith("in_doubt"):
            return Result.NO_MARK
        return Result.WRONG if posts else Result.LOST

    def _check_repeated(self, marker: str) -> Result:
        counts = {post: count for post, count in self._posts.items() if post[0] == marker and count > 1}
        is_window = all(count == 2 for count in counts.values()) and counts.keys() <= set(self._frozen)
        return Result.FROZEN if is_window else Result.TWICE

    def _check_broadcast(self, action: QueuedAction, result: Event) -> Result:
        posted = _posted_channels(result)
        posts = {channel: count for (marker, channel), count in self._posts.items() if marker == action.marker}
        if any(count > 1 for count in posts.values()):
            return self._check_repeated(action.marker)
        if not set(self._load.channels) <= posted:
            return Result.LOST
        if posted != posts.keys():
            return Result.NO_MARK if posts.keys() - posted <= _channels_in_doubt(result) else Result.WRONG
        return Result.ONCE


def _message_key(event: Event) -> tuple[str, str]:
    payload = event.payload if isinstance(event.payload, dict) else {}
    return str(payload.get("channelId")), str(payload.get("timestamp"))


def _error(result: Event) -> str:
    return str(result.payload.get("error")) if isinstance(result.payload, dict) else ""


def _posted_channels(result: Event) -> set[str]:
    return set(result.payload.get("channelIds", ())) if isinstance(result.payload, dict) else set()


def _channels_in_doubt(result: Event) -> set[str]:
    """Returns the channels of a broadcast whose post could not be looked up because the bot had left."""
    failures = result.payload.get("failures", ()) if isinstance(result.payload, dict) else ()
    return {failure["channelId"] for failure in failures if failure["error"].startswith("in_doubt")}


def _kind(message: UserMessage) -> str:
    if message.channel.startswith("D"):
        return "direct messages"
    if message.thread_ts:
        return "messages in threads"
    return "messages that trigger a flow" if message.has_flow else "messages that trigger no flow"
