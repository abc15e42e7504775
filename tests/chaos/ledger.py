"""The ledger: every message said and every action asked for, and what became of it."""

from collections import Counter, defaultdict
from dataclasses import dataclass, field
from enum import Enum
from typing import Final

from entrypoints.simulation.flyte.models import Action, Event
from entrypoints.simulation.flyte.server import FlyteServer
from entrypoints.simulation.slack.server import SlackServer
from tests.chaos.load import Asked, Load, Spoken


class Fate(Enum):
    """What became of one thing; docs/delivery.md says what each means."""

    ONCE = "once"
    LOST = "LOST"
    TWICE = "TWICE"
    WRONG = "WRONG"
    """Answered otherwise than it went."""
    REFUSED = "refused"
    """By Slack, since the bot had left the channel meanwhile; and answered so."""
    UNSEEN_EVENT = "window: unseen event"
    OLDER_THREAD = "window: older thread"
    FIRST_DIRECT = "window: first direct message"
    LEFT = "window: left meanwhile"
    NO_MARK = "window: no mark"
    NOT_DUE = "not due"
    """Said where the pack was just joining or leaving."""


BAD: Final = (Fate.LOST, Fate.TWICE, Fate.WRONG)
_FAILED: Final = ("SendMessageFailed", "SendRichMessageFailed")
_WIDTH: Final = 40
_LEFT_SOON_SECONDS: Final = 10.0
"""What Slack had not delivered by then is not heard any more."""
_OVERLAP_SECONDS: Final = 600.0


@dataclass(slots=True)
class Ledger:
    """Counts by kind and fate, and the bad ones by name."""

    counts: defaultdict[str, Counter[Fate]] = field(default_factory=lambda: defaultdict(Counter))
    bad: list[str] = field(default_factory=list)

    def enter(self, kind: str, fate: Fate, what: str) -> None:
        """One thing and its fate."""
        self.counts[kind][fate] += 1
        if fate in BAD:
            self.bad.append(f"{fate.value}: {kind}: {what}")

    def table(self) -> str:
        """The ledger for people, and for docs/delivery.md."""
        fates = [fate for fate in Fate if any(counts[fate] for counts in self.counts.values()) or fate in BAD]
        lines = [f"{'':<{_WIDTH}}" + "".join(f"  {fate.value:>6}" for fate in fates)]
        for kind, counts in self.counts.items():
            cells = "".join(f"  {counts[fate]:>{max(6, len(fate.value))}}" for fate in fates)
            lines.append(f"{kind:<{_WIDTH}}{cells}")
        return "\n".join(lines)


class Bookkeeper:
    """Compares what the load remembers with what both ends have seen."""

    def __init__(self, load: Load, slack: SlackServer, flyte: FlyteServer) -> None:
        self._load = load
        self._slack = slack
        self._flyte = flyte
        self._events = Counter(_key(event) for event in flyte.events if event.name == "ReceivedMessage")
        self._posts = Counter((post.text.split()[-1], post.channel) for post in slack.posts)
        self._by_marker = Counter(post.text.split()[-1] for post in slack.posts)
        self._heard_first = self._first_heard()
        self._actions: defaultdict[tuple[str, str], list[Action]] = defaultdict(list)
        for action in flyte.actions.values():
            self._actions[_key(action.trigger)].append(action)

    def ledger(self) -> Ledger:
        """All of it."""
        ledger = Ledger()
        for spoken in self._load.spoken.values():
            ledger.enter(_kind(spoken), self._fate_of_message(spoken), f"{spoken.marker} {spoken.channel}:{spoken.ts}")
            if spoken.is_acted_on and self._events[spoken.channel, spoken.ts]:
                ledger.enter("echoes", self._fate_of_echo(spoken), f"{spoken.marker} {spoken.channel}:{spoken.ts}")
        for asked in self._load.asked:
            ledger.enter(asked.command, self._fate_of_action(asked), f"{asked.marker} {asked.action_id}")
        for key in self._events.keys() - self._load.spoken.keys():
            ledger.enter("events that nobody said", Fate.WRONG, str(key))
        return ledger

    def is_settled(self) -> bool:
        """Whether nothing is missing any more, as far as it may not be missing."""
        return not self._flyte.unfinished() and all(
            self._events[key] or not spoken.is_due or self._excuse(spoken) for key, spoken in self._load.spoken.items()
        )

    def _fate_of_message(self, spoken: Spoken) -> Fate:
        count = self._events[spoken.channel, spoken.ts]
        if count > 1:
            return Fate.TWICE if spoken.is_acted_on else Fate.UNSEEN_EVENT
        if count == 1:
            return Fate.ONCE
        if not spoken.is_due:
            return Fate.NOT_DUE
        return self._excuse(spoken) or Fate.LOST

    def _excuse(self, spoken: Spoken) -> Fate | None:
        """The window in which a message that did not arrive fell, if it fell into one."""
        if spoken.channel == self._load.lobby and self._load.left_lobby_within(_LEFT_SOON_SECONDS, spoken.at):
            return Fate.LEFT
        if not (spoken.was_lost or self._slack.access.is_classic):  # Slack delivers it again
            return None
        is_from_before = spoken.channel == self._load.lobby  # the thread may have begun before the pack joined
        if spoken.thread_ts and (is_from_before or float(spoken.ts) - float(spoken.thread_ts) > _OVERLAP_SECONDS):
            return Fate.OLDER_THREAD
        is_first = spoken.channel.startswith("D") and spoken.ts < self._heard_first.get(spoken.channel, spoken.ts + "1")
        return Fate.FIRST_DIRECT if is_first else None

    def _first_heard(self) -> dict[str, str]:
        """The first message of each channel that reached Flyte."""
        first: dict[str, str] = {}
        for channel, ts in self._events:
            first[channel] = min(ts, first.get(channel, ts))
        return first

    def _fate_of_echo(self, spoken: Spoken) -> Fate:
        posts = self._by_marker[spoken.marker]
        if posts > 1:
            return Fate.TWICE
        actions = self._actions[spoken.channel, spoken.ts]
        answers = [action.result for action in actions if action.result is not None]
        if not answers or len(answers) < len(actions):
            return Fate.LOST
        if posts == 1:
            return Fate.ONCE if answers[0].name == "MessageSent" else Fate.WRONG
        return Fate.REFUSED if spoken.channel == self._load.lobby and answers[0].name in _FAILED else Fate.LOST

    def _fate_of_action(self, asked: Asked) -> Fate:
        result = self._flyte.results.get(asked.action_id)
        if result is None:
            return Fate.LOST
        match asked.command:
            case "Broadcast":
                return self._fate_of_broadcast(asked, result)
            case "JoinChannel" | "LeaveChannel":
                return Fate.ONCE if result.name in ("ChannelJoined", "ChannelLeft") else Fate.REFUSED
            case _:
                return self._fate_of_post(asked, result)

    def _fate_of_post(self, asked: Asked, result: Event) -> Fate:
        posts = self._by_marker[asked.marker]
        if posts > 1:
            return Fate.TWICE
        if result.name not in _FAILED:
            return Fate.ONCE if posts == 1 else Fate.LOST
        if not asked.is_marked and _error(result).startswith("in_doubt"):
            return Fate.NO_MARK
        return Fate.WRONG if posts else Fate.LOST

    def _fate_of_broadcast(self, asked: Asked, result: Event) -> Fate:
        served = _served(result)
        posts = {channel: count for (marker, channel), count in self._posts.items() if marker == asked.marker}
        if any(count > 1 for count in posts.values()):
            return Fate.TWICE
        if not set(self._load.channels) <= served:
            return Fate.LOST
        if served != posts.keys():
            return Fate.NO_MARK if posts.keys() - served <= _in_doubt(result) else Fate.WRONG
        return Fate.ONCE


def _key(event: Event) -> tuple[str, str]:
    payload = event.payload if isinstance(event.payload, dict) else {}
    return str(payload.get("channelId")), str(payload.get("timestamp"))


def _error(result: Event) -> str:
    return str(result.payload.get("error")) if isinstance(result.payload, dict) else ""


def _served(result: Event) -> set[str]:
    return set(result.payload.get("channelIds", ())) if isinstance(result.payload, dict) else set()


def _in_doubt(result: Event) -> set[str]:
    """The channels of a broadcast whose post nobody could look for: the bot had left before it could."""
    failures = result.payload.get("failures", ()) if isinstance(result.payload, dict) else ()
    return {failure["channelId"] for failure in failures if failure["error"].startswith("in_doubt")}


def _kind(spoken: Spoken) -> str:
    if spoken.channel.startswith("D"):
        return "direct messages"
    if spoken.thread_ts:
        return "messages in threads"
    return "messages that a flow acts on" if spoken.is_acted_on else "messages that no flow acts on"
