"""The load: messages of people and actions of flows, recorded so that the ledger can account for them."""

import time
from dataclasses import dataclass, field
from random import Random
from typing import Final

from entrypoints.simulation.flyte.server import FlyteServer
from entrypoints.simulation.slack.delivery.queue import PendingDelivery
from entrypoints.simulation.slack.server import SlackServer

CHANNELS: Final = 10
PEOPLE: Final = 5
_MESSAGE_WEIGHTS: Final = {"echo": 30, "plain": 12, "reply": 10, "direct": 8}
_ACTION_WEIGHTS: Final = {"send": 16, "thread": 5, "rich": 6, "unmarked": 3, "broadcast": 4, "lobby": 6}


@dataclass(slots=True)
class UserMessage:
    """A message that a person posted."""

    channel: str
    ts: str
    marker: str
    """A word that no other message contains."""
    has_flow: bool
    """Whether a flow answers it with an echo."""
    is_expected: bool
    """Whether the pack was certainly a member of the channel when the message was posted."""
    thread_ts: str = ""
    at: float = field(default_factory=time.monotonic)
    was_given_up: bool = False
    """Whether Slack gave up delivering it; then it is in the channel's history only."""


@dataclass(frozen=True, slots=True)
class QueuedAction:
    """An action that Flyte has queued for the pack."""

    action_id: str
    command: str
    marker: str = ""
    is_marked: bool = True
    """Whether the post can carry the pack's idempotency key, with which the pack finds it again."""
    at: float = field(default_factory=time.monotonic)


class Load:
    """Posts messages and queues actions, one in each step."""

    def __init__(self, slack: SlackServer, flyte: FlyteServer, rng: Random) -> None:
        self.messages: Final[dict[tuple[str, str], UserMessage]] = {}
        self.actions: Final[list[QueuedAction]] = []
        self._slack = slack
        self._flyte = flyte
        self._rng = rng
        self._number = 0
        self._people = [slack.add_user(f"person{number}") for number in range(PEOPLE)]
        bot = slack.bot_user_id
        self.channels: Final = [slack.add_channel(f"channel{one}", members=[bot]) for one in range(CHANNELS)]
        self._direct_channels = [slack.open_im(person) for person in self._people[:2]]
        self.lobby: Final = slack.add_channel("lobby")
        """The channel that the pack is asked to join and to leave."""
        self._lobby_actions: list[QueuedAction] = []

    def step(self) -> None:
        """Posts one message or queues one action."""
        weights = _MESSAGE_WEIGHTS | _ACTION_WEIGHTS
        [kind] = self._rng.choices(list(weights), list(weights.values()))
        marker = self._next_marker()
        if kind in _MESSAGE_WEIGHTS:
            self._post_message(kind, marker)
        else:
            self.actions.append(self._queue_action(kind, marker))

    def on_given_up(self, delivery: PendingDelivery) -> None:
        """Records that Slack will not deliver this event any more."""
        if delivery.message_key in self.messages:
            self.messages[delivery.message_key].was_given_up = True

    def is_lobby_joined(self) -> bool:
        """Whether the pack is certainly a member of the lobby: it has joined, and was not asked to leave since."""
        if not self._lobby_actions or self._lobby_actions[-1].command != "JoinChannel":
            return False
        return all(action.action_id in self._flyte.results for action in self._lobby_actions)

    def left_lobby_within(self, seconds: float, at: float) -> bool:
        """Whether the pack was asked to leave the lobby within this time after `at`."""
        leaves = (action.at for action in self._lobby_actions if action.command == "LeaveChannel")
        return any(at <= leave <= at + seconds for leave in leaves)

    def _next_marker(self) -> str:
        self._number += 1
        return f"m{self._number:05d}"

    def _post_message(self, kind: str, marker: str) -> None:
        rng = self._rng
        person, channel = rng.choice(self._people), rng.choice([*self.channels, self.lobby])
        if kind == "direct":
            place = rng.randrange(len(self._direct_channels))
            person, channel = self._people[place], self._direct_channels[place]
        has_flow = kind != "plain"
        is_expected = channel != self.lobby or self.is_lobby_joined()
        thread_ts = self._draw_thread(channel) if kind == "reply" else ""
        text = f"echo {marker}" if has_flow else f"just {marker}"
        ts = self._slack.say(person, channel, text, thread_ts=thread_ts or None)
        self.messages[channel, ts] = UserMessage(channel, ts, marker, has_flow, is_expected, thread_ts)

    def _draw_thread(self, channel: str) -> str:
        """Returns the timestamp of a recent message of the channel, or '' if there is none."""
        recent = list(self.messages.values())[-100:]
        starts = [one.ts for one in recent if one.channel == channel and not one.thread_ts]
        return self._rng.choice(starts) if starts else ""

    def _queue_action(self, kind: str, marker: str) -> QueuedAction:
        channel = self._rng.choice(self.channels)
        match kind:
            case "send":
                return self._queue("SendMessage", marker, channelId=channel, message=f"says {marker}")
            case "thread":
                inputs = {"channelId": channel, "message": f"replies {marker}"}
                return self._queue("SendMessage", marker, **inputs, threadTimestamp=self._draw_thread(channel))
            case "rich":
                return self._queue("SendRichMessage", marker, channel=channel, text=f"shows {marker}")
            case "unmarked":
                own = {"event_type": "own", "event_payload": {"marker": marker}}
                return self._queue("SendRichMessage", marker, channel=channel, text=f"brings {marker}", metadata=own)
            case "broadcast":
                return self._queue("Broadcast", marker, message=f"announces {marker}")
            case _:
                return self._toggle_lobby()

    def _toggle_lobby(self) -> QueuedAction:
        is_joining = not self._lobby_actions or self._lobby_actions[-1].command == "LeaveChannel"
        action = self._queue("JoinChannel" if is_joining else "LeaveChannel", "", channelId=self.lobby)
        self._lobby_actions.append(action)
        return action

    def _queue(self, command: str, marker: str, **inputs: object) -> QueuedAction:
        action_id = self._flyte.queue_action("Slack", command, inputs)
        return QueuedAction(action_id, command, marker, is_marked="metadata" not in inputs)
