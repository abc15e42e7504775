"""What people say and flows want while the pack is killed; remembered, so that a ledger can be kept."""

import time
from dataclasses import dataclass, field
from random import Random
from typing import Final

from entrypoints.simulation.flyte.server import FlyteServer
from entrypoints.simulation.slack.server import SlackServer

CHANNELS: Final = 10
PEOPLE: Final = 5
_SAYING: Final = {"echo": 30, "plain": 12, "reply": 10, "direct": 8}
_ASKING: Final = {"send": 16, "thread": 5, "rich": 6, "unmarked": 3, "broadcast": 4, "lobby": 6}


@dataclass(slots=True)
class Spoken:
    """One message that somebody said."""

    channel: str
    ts: str
    marker: str
    """A word that is in no other text."""
    is_acted_on: bool
    """Whether a flow answers it."""
    is_due: bool
    """Whether the pack certainly listened there when it was said."""
    thread_ts: str = ""
    at: float = field(default_factory=time.monotonic)
    was_lost: bool = False
    """Whether Slack gave up delivering it; then only the history knows of it."""


@dataclass(frozen=True, slots=True)
class Asked:
    """One action that waits, or waited, for the pack."""

    action_id: str
    command: str
    marker: str = ""
    is_marked: bool = True
    """Whether the post can carry the pack's mark, by which it can be found again."""
    at: float = field(default_factory=time.monotonic)


class Load:
    """Says things and queues actions, one at each step."""

    def __init__(self, slack: SlackServer, flyte: FlyteServer, chance: Random) -> None:
        self.spoken: Final[dict[tuple[str, str], Spoken]] = {}
        self.asked: Final[list[Asked]] = []
        self._slack = slack
        self._flyte = flyte
        self._chance = chance
        self._number = 0
        self._people = [slack.add_user(f"person{number}") for number in range(PEOPLE)]
        bot = slack.bot_user_id
        self.channels: Final = [slack.add_channel(f"channel{one}", members=[bot]) for one in range(CHANNELS)]
        self._directs = [slack.open_im(person) for person in self._people[:2]]
        self.lobby: Final = slack.add_channel("lobby")
        """The channel that the pack is asked to join and to leave."""
        self._lobby_changes: list[Asked] = []

    def step(self) -> None:
        """One thing more."""
        kinds = _SAYING | _ASKING
        [kind] = self._chance.choices(list(kinds), list(kinds.values()))
        self._number += 1
        marker = f"m{self._number:05d}"
        if kind in _SAYING:
            self._say(kind, marker)
        else:
            self.asked.append(self._ask(kind, marker))

    def note_lost(self, channel: str, ts: str) -> None:
        """Slack will not deliver this message any more."""
        if (channel, ts) in self.spoken:
            self.spoken[channel, ts].was_lost = True

    def lobby_is_joined(self) -> bool:
        """Whether the pack certainly listens in the lobby now: it said so, and was not asked to leave since."""
        if not self._lobby_changes or self._lobby_changes[-1].command != "JoinChannel":
            return False
        return all(change.action_id in self._flyte.results for change in self._lobby_changes)

    def left_lobby_within(self, seconds: float, at: float) -> bool:
        """Whether the pack was asked to leave the lobby so soon after that time."""
        leaves = (change.at for change in self._lobby_changes if change.command == "LeaveChannel")
        return any(at <= leave <= at + seconds for leave in leaves)

    def _say(self, kind: str, marker: str) -> None:
        chance = self._chance
        person, channel = chance.choice(self._people), chance.choice([*self.channels, self.lobby])
        if kind == "direct":
            place = chance.randrange(len(self._directs))
            person, channel = self._people[place], self._directs[place]
        is_acted_on = kind != "plain"
        is_due = channel != self.lobby or self.lobby_is_joined()
        thread_ts = self._thread(channel) if kind == "reply" else ""
        text = f"echo {marker}" if is_acted_on else f"just {marker}"
        ts = self._slack.say(person, channel, text, thread_ts=thread_ts or None)
        self.spoken[channel, ts] = Spoken(channel, ts, marker, is_acted_on, is_due, thread_ts)

    def _thread(self, channel: str) -> str:
        """One of the last messages of the channel, to hang a reply on."""
        starts = [one.ts for one in list(self.spoken.values())[-100:] if one.channel == channel and not one.thread_ts]
        return self._chance.choice(starts) if starts else ""

    def _ask(self, kind: str, marker: str) -> Asked:
        channel = self._chance.choice(self.channels)
        match kind:
            case "send":
                return self._queue("SendMessage", marker, channelId=channel, message=f"says {marker}")
            case "thread":
                inputs = {"channelId": channel, "message": f"replies {marker}"}
                return self._queue("SendMessage", marker, **inputs, threadTimestamp=self._thread(channel))
            case "rich":
                return self._queue("SendRichMessage", marker, channel=channel, text=f"shows {marker}")
            case "unmarked":
                own = {"event_type": "own", "event_payload": {"marker": marker}}
                return self._queue("SendRichMessage", marker, channel=channel, text=f"brings {marker}", metadata=own)
            case "broadcast":
                return self._queue("Broadcast", marker, message=f"announces {marker}")
            case _:
                return self._change_lobby()

    def _change_lobby(self) -> Asked:
        is_joining = not self._lobby_changes or self._lobby_changes[-1].command == "LeaveChannel"
        asked = self._queue("JoinChannel" if is_joining else "LeaveChannel", "", channelId=self.lobby)
        self._lobby_changes.append(asked)
        return asked

    def _queue(self, command: str, marker: str, **inputs: object) -> Asked:
        action_id = self._flyte.queue_action("Slack", command, inputs)
        return Asked(action_id, command, marker, is_marked="metadata" not in inputs)
