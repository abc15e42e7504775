"""The simulated Flyte in an event loop, without a network: runs flows for events and results."""

import asyncio
from collections import deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Final

from entrypoints.simulation.flyte.datastore import Datastore
from entrypoints.simulation.flyte.flow_loader import Flow
from entrypoints.simulation.flyte.models import Action, Event, FlowRun, Pack
from entrypoints.simulation.flyte.state import Completion, FlyteState
from entrypoints.simulation.pongo2.rendering import TemplateEnvironment

LOG_LIMIT = 100_000
"""The maximum number of events and results kept."""


@dataclass(frozen=True, slots=True)
class PendingEvent:
    """An event for which flows have yet to run, and the action it is the result of."""

    event: Event
    action_id: str | None = None


class Flyte(FlyteState):
    """A Flyte in the event loop that uses it. Flows run shortly after an event or result is accepted.

    `environment` is the templates', with the first items of the datastore. `flow_delay_seconds` delays the flows after
    each event.
    """

    def __init__(
        self,
        *,
        flows: Iterable[Flow] = (),
        environment: TemplateEnvironment | None = None,
        flow_delay_seconds: float = 0.0,
        max_finished_runs: int = 10_000,
    ) -> None:
        environment = environment or TemplateEnvironment()
        self.datastore: Final = Datastore(environment.datastore)
        super().__init__(replace(environment, datastore=self.datastore), max_finished_runs)
        self.events: deque[Event] = deque(maxlen=LOG_LIMIT)
        self.results: dict[str, Event] = {}
        self.flow_delay_seconds = flow_delay_seconds
        self.slack_pack = "Slack"
        """The name of the pack for Slack."""
        self._pending: deque[PendingEvent] = deque()
        self._timers: deque[asyncio.Handle] = deque()
        for flow in flows:
            self.add_flow(flow)

    @property
    def is_busy(self) -> bool:
        """Whether flows have yet to run for an event."""
        return bool(self._pending)

    def queue_action(self, pack: str, command: str, command_input: object = None) -> str:
        """Queues an action for a pack, by name, without a flow. Returns the action's id."""
        return self._queue(pack, command, command_input, None)

    def queue_raw(self, pack: str, body: bytes) -> str:
        """Queues an action whose response to `take` is this body, with `{result}` replaced by its result link."""
        return self._queue(pack, "", None, body)

    def has_flow_for(self, pack: str, event: str) -> bool:
        """Returns whether a step of any flow waits for this event of a pack."""
        steps = (step for flow in self.flows.values() for step in flow.steps)
        return any((step.event_pack, step.event_name) == (pack, event) for step in steps)

    def raise_event(
        self, pack: str, name: str, payload: object = None, *, labels: Mapping[str, str] | None = None
    ) -> None:
        """Accepts an event of a pack, which need not be registered."""
        self.accept_event(self._event(Pack(pack, pack, labels or {}, {}), name, payload))

    def complete(self, action: Action, pack: Pack, name: str, payload: object) -> Completion:
        """Completes an action that the pack has taken, with an event."""
        return self.accept_result(action.id, self._event(pack, name, payload), pack)

    def accept_event(self, event: Event) -> None:
        """Records an event, and schedules the flows that wait for it."""
        self.record_event(event)
        self.events.append(event)
        self._schedule_flows(PendingEvent(event))

    def accept_result(self, action_id: str, event: Event, sender: Pack) -> Completion:
        """Records the result of an action, and schedules the flows that wait for it."""
        completion = self.record_result(action_id, event, sender)
        if completion is Completion.DONE:
            self.results[action_id] = event
            while len(self.results) > LOG_LIMIT:
                del self.results[next(iter(self.results))]
            self._schedule_flows(PendingEvent(event, action_id))
        return completion

    def progress(self) -> str:
        """See `EventFeed`."""
        return f"events so far: {len(self.events)}"

    def _event(self, pack: Pack, name: str, payload: object) -> Event:
        now = self.environment.now()
        return Event(pack, name, payload, now, now)

    def _queue(self, pack: str, command: str, command_input: object, raw_body: bytes | None) -> str:
        trigger = self._event(Pack("Simulation", "Simulation", {}, {}), "ActionQueued", None)
        action = Action(pack, command, command_input, FlowRun(None), "queued", trigger, raw_body=raw_body)
        return self.add(action).id

    def _schedule_flows(self, pending: PendingEvent) -> None:
        self._pending.append(pending)
        loop = asyncio.get_running_loop()
        # The server responds first, and runs flows just after.
        if self.flow_delay_seconds > 0:
            self._timers.append(loop.call_later(self.flow_delay_seconds, self._run_next_flows))
        else:
            self._timers.append(loop.call_soon(self._run_next_flows))
        self.notify()

    def _run_next_flows(self) -> None:
        pending = self._pending.popleft()
        self._timers.popleft()
        self.run_flows(pending.event)
        action = self.actions.get(pending.action_id) if pending.action_id else None
        if action is not None:
            self.continue_run(action)
        self.notify()

    def _cancel_timers(self) -> None:
        for timer in self._timers:
            timer.cancel()
