"""The traces of all messages that people post, and counters over them."""

import time
from collections import Counter
from collections.abc import Callable, Mapping
from typing import Final

from domain.outbox import InboundEvent
from entrypoints.simulation.web.trace.pack_probe import ProbeEvent
from entrypoints.simulation.web.trace.sources import source_of_event
from entrypoints.simulation.web.trace.trace import DeliveryStage, MessageKey, MessageTrace

_MAX_POSTS: Final = 1_000


class MessageTraces:
    """Traces by message and by action. `on_change` gets the key of each message whose trace has a new step."""

    def __init__(self, on_change: Callable[[MessageKey], None]) -> None:
        self.by_message: Final[dict[MessageKey, MessageTrace]] = {}
        self.by_source: Final[dict[str, MessageTrace]] = {}
        """These traces and those of people's other activities, by the names in `sources`."""
        self.by_action: Final[dict[str, MessageTrace]] = {}
        """The traces of actions that are not completed yet, by action id."""
        self.stage_counts: Final[Counter[DeliveryStage]] = Counter()
        """Number of messages in each stage, discarded ones included."""
        self.counters: Final[Counter[str]] = Counter()
        """`duplicates`, `succeeded`, `failed` (and no step has handled it), `handled` (the other failures), `posts`."""
        self.stage_after_acknowledgement = DeliveryStage.IN_PACK
        """The stage of an acknowledged message whose storing no probe inside the pack has reported.

        With probes it is ignored; without them, ignored and waiting messages look the same.
        """
        self._posts: dict[str, tuple[float, Mapping[str, object]]] = {}
        """The latest posts of unknown cause, with their times and details, by `ts`."""
        self._on_change = on_change

    def start(self, key: MessageKey, source: str, at: float, stage: DeliveryStage, kind: str = "posted") -> None:
        """Starts the trace of a message that was just posted, or of something else that a person just did."""
        trace = self.by_message[key] = MessageTrace(key, at, stage)
        self.stage_counts[stage] += 1
        self.follow(trace, source)
        self.advance(trace, kind, at)

    def follow(self, trace: MessageTrace, source: str) -> None:
        """Adds everything that happens under this name to a trace."""
        self.by_source[source] = trace
        trace.sources.append(source)

    def advance(
        self,
        trace: MessageTrace,
        kind: str,
        at: float,
        details: Mapping[str, object] | None = None,
        stage: DeliveryStage | None = None,
    ) -> None:
        """Adds a step, and enters a stage if one is given. A delivered message stays delivered."""
        trace.add_step(kind, at, details or {})
        if stage is not None and trace.stage is not DeliveryStage.DELIVERED:
            self.stage_counts[trace.stage] -= 1
            self.stage_counts[stage] += 1
            trace.stage = stage
        self._on_change(trace.key)

    def discard(self, key: MessageKey) -> None:
        """Stops tracing a message."""
        trace = self.by_message.pop(key, None)
        for source in trace.sources if trace else ():
            self.by_source.pop(source, None)

    def keep_post(self, ts: str, at: float, details: Mapping[str, object]) -> None:
        """Keeps a post whose cause is unknown until an answer names it: a pack in another process marks no request."""
        self._posts[ts] = at, details
        if len(self._posts) > _MAX_POSTS:
            del self._posts[next(iter(self._posts))]

    def credit_post(self, ts: str, trace: MessageTrace | None) -> None:
        """Adds the post that an answer names, if its cause was unknown so far, to the trace of the action, if any."""
        at, details = self._posts.pop(ts, (0.0, None))
        if details is not None and trace is not None:
            self.advance(trace, "reply_posted", at, details)

    def on_probe_event(self, event: ProbeEvent, received: InboundEvent, reason: str) -> None:
        """Adds the step that a probe inside the pack reports. See ProbeListener."""
        trace = self.by_source.get(source_of_event(received))
        if trace is None:
            return
        at = time.monotonic()
        match event:
            case ProbeEvent.RECEIVED:
                self.advance(trace, "received", at)
            case ProbeEvent.PERSISTED:
                self.advance(trace, "persisted", at, stage=DeliveryStage.IN_PACK)
            case ProbeEvent.DEAD_LETTERED:
                self.advance(trace, "dead_lettered", at, {"reason": reason}, DeliveryStage.DEAD_LETTERED)
