"""The ways of all messages that people say, and the ledger over them."""

import time
from collections import Counter
from collections.abc import Callable, Mapping
from typing import Final

from domain.messages import IncomingMessage
from entrypoints.simulation.web.trace.pack_probe import Sight
from entrypoints.simulation.web.trace.trace import MessageKey, Stage, Way


class Ways:
    """Ways by channel and `ts`. `changed` is told of each message whose way went on."""

    def __init__(self, changed: Callable[[MessageKey], None]) -> None:
        self.by_message: Final[dict[MessageKey, Way]] = {}
        self.by_action: Final[dict[str, Way]] = {}
        """The ways that led to an action which is not answered yet, by its id."""
        self.stages: Final[Counter[Stage]] = Counter()
        """How many messages are how far, those forgotten included."""
        self.tally: Final[Counter[str]] = Counter()
        """`delivered_again`, `answered`, `failed`, `posts`."""
        self.sees_inside = False
        """Whether somebody looks on inside the pack: only then can a message that it ignores be told from one that
        waits in it."""
        self._changed = changed

    def begin(self, key: MessageKey, at: float, stage: Stage) -> None:
        """Somebody said something."""
        way = self.by_message[key] = Way(key, at, stage)
        self.stages[stage] += 1
        self.go_on(way, "said", at)

    def go_on(
        self, way: Way, station: str, at: float, details: Mapping[str, object] | None = None, stage: Stage | None = None
    ) -> None:
        """A message passes a station, and may have come further by that; what is delivered stays delivered."""
        way.pass_station(station, at, details or {})
        if stage is not None and way.stage is not Stage.DELIVERED:
            self.stages[way.stage] -= 1
            self.stages[stage] += 1
            way.stage = stage
        self._changed(way.key)

    def forget(self, key: MessageKey) -> None:
        """Follow a message no longer."""
        self.by_message.pop(key, None)

    def see_inside(self, sight: Sight, said: IncomingMessage, reason: str) -> None:
        """What the pack's probes tell."""
        way = self.by_message.get((said.channel_id, said.timestamp))
        if way is None:
            return
        at = time.monotonic()
        match sight:
            case Sight.RECEIVED:
                self.go_on(way, "received", at)
            case Sight.SAFE:
                self.go_on(way, "safe", at, stage=Stage.IN_PACK)
            case Sight.SET_ASIDE:
                self.go_on(way, "set_aside", at, {"reason": reason}, Stage.SET_ASIDE)
