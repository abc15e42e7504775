"""The ways of all messages that people say, and the ledger over them."""

import time
from collections import Counter
from collections.abc import Callable, Mapping
from typing import Final

from domain.messages import IncomingMessage
from entrypoints.simulation.web.trace.pack_probe import ProbeEvent
from entrypoints.simulation.web.trace.trace import DeliveryStage, MessageKey, MessageTrace


class MessageTraces:
    """Ways by channel and `ts`. `changed` is told of each message whose way went on."""

    def __init__(self, changed: Callable[[MessageKey], None]) -> None:
        self.by_message: Final[dict[MessageKey, MessageTrace]] = {}
        self.by_action: Final[dict[str, MessageTrace]] = {}
        """The ways that led to an action which is not answered yet, by its id."""
        self.stage_counts: Final[Counter[DeliveryStage]] = Counter()
        """How many messages are how far, those forgotten included."""
        self.counters: Final[Counter[str]] = Counter()
        """`delivered_again`, `answered`, `failed`, `posts`."""
        self.has_probe = False
        """Whether somebody looks on inside the pack: only then can a message that it ignores be told from one that
        waits in it."""
        self._changed = changed

    def start(self, key: MessageKey, at: float, stage: DeliveryStage) -> None:
        """Somebody said something."""
        way = self.by_message[key] = MessageTrace(key, at, stage)
        self.stage_counts[stage] += 1
        self.advance(way, "said", at)

    def advance(
        self,
        way: MessageTrace,
        station: str,
        at: float,
        details: Mapping[str, object] | None = None,
        stage: DeliveryStage | None = None,
    ) -> None:
        """A message passes a station, and may have come further by that; what is delivered stays delivered."""
        way.add_step(station, at, details or {})
        if stage is not None and way.stage is not DeliveryStage.DELIVERED:
            self.stage_counts[way.stage] -= 1
            self.stage_counts[stage] += 1
            way.stage = stage
        self._changed(way.key)

    def discard(self, key: MessageKey) -> None:
        """Follow a message no longer."""
        self.by_message.pop(key, None)

    def on_probe_event(self, sight: ProbeEvent, said: IncomingMessage, reason: str) -> None:
        """What the pack's probes tell."""
        way = self.by_message.get((said.channel_id, said.timestamp))
        if way is None:
            return
        at = time.monotonic()
        match sight:
            case ProbeEvent.RECEIVED:
                self.advance(way, "received", at)
            case ProbeEvent.PERSISTED:
                self.advance(way, "safe", at, stage=DeliveryStage.IN_PACK)
            case ProbeEvent.DEAD_LETTERED:
                self.advance(way, "set_aside", at, {"reason": reason}, DeliveryStage.DEAD_LETTERED)
