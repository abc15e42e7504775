"""The traces of all messages that people post, and counters over them."""

import time
from collections import Counter
from collections.abc import Callable, Collection, Mapping
from typing import Final

from domain.outbox import InboundEvent
from entrypoints.simulation.web.trace.pack_probe import ProbeEvent
from entrypoints.simulation.web.trace.sources import source_of_event
from entrypoints.simulation.web.trace.trace import DeliveryStage, MessageKey, MessageTrace


class MessageTraces:
    """Traces by message and by action. `on_change` gets the key of each message whose trace has a new step."""

    def __init__(self, on_change: Callable[[MessageKey], None]) -> None:
        self.by_message: Final[dict[MessageKey, MessageTrace]] = {}
        self.by_source: Final[dict[str, MessageTrace]] = {}
        """The same and the traces of what people do besides writing, by the names in `sources`."""
        self.by_action: Final[dict[str, MessageTrace]] = {}
        """The traces of actions that are not completed yet, by action id."""
        self.taken_actions: Final[dict[str, object]] = {}
        """The inputs of actions that packs have taken and not completed, by action id."""
        self.stage_counts: Final[Counter[DeliveryStage]] = Counter()
        """Number of messages in each stage, discarded ones included."""
        self.counters: Final[Counter[str]] = Counter()
        """`duplicates`, `succeeded`, `failed`, `posts`."""
        self.has_probe = False
        """Whether probes inside the pack report here. Without them, ignored and waiting messages look the same."""
        self._on_change = on_change

    def start(self, key: MessageKey, source: str, at: float, stage: DeliveryStage, kind: str = "posted") -> None:
        """Start the trace of a message that was just posted, or of something else that a person just did."""
        trace = self.by_message[key] = MessageTrace(key, at, stage)
        self.stage_counts[stage] += 1
        self.follow(trace, source)
        self.advance(trace, kind, at)

    def follow(self, trace: MessageTrace, source: str) -> None:
        """Add what happens under this name to a trace."""
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
        """Add a step, and enter a stage if one is given. A delivered message stays delivered."""
        trace.add_step(kind, at, details or {})
        if stage is not None and trace.stage is not DeliveryStage.DELIVERED:
            self.stage_counts[trace.stage] -= 1
            self.stage_counts[stage] += 1
            trace.stage = stage
        self._on_change(trace.key)

    def discard(self, key: MessageKey) -> None:
        """Stop tracing a message."""
        trace = self.by_message.pop(key, None)
        for source in trace.sources if trace else ():
            self.by_source.pop(source, None)

    def find_by_post(self, channel_names: Collection[str], text: str) -> MessageTrace | None:
        """Returns the trace of the oldest taken action that asks for this text in the channel of these names."""
        for action_id, action_input in self.taken_actions.items():
            if _asks_for(action_input, channel_names, text):
                return self.by_action.get(action_id)
        return None

    def on_probe_event(self, event: ProbeEvent, received: InboundEvent, reason: str) -> None:
        """Add the step that a probe inside the pack reports. See ProbeListener."""
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


def _asks_for(action_input: object, channel_names: Collection[str], text: str) -> bool:
    """Whether an input fits this channel and text. A broadcast names no channel, and rich messages often no text."""
    if not isinstance(action_input, dict):
        return False
    channel = action_input.get("channelId") or action_input.get("channel")
    message = action_input.get("message") or action_input.get("text")
    return (not channel or channel in channel_names) and (not message or message == text)
