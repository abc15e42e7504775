"""A Flyte within the process: packs, events, flows and actions, and looking on, without any network."""

import asyncio
from collections import deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from entrypoints.simulation.event_feed import EventFeed
from entrypoints.simulation.flyte.flow_loader import Flow
from entrypoints.simulation.flyte.models import Action, Event, FlowRun, Pack
from entrypoints.simulation.flyte.state import Completion, FlyteState
from entrypoints.simulation.flyte.trace import TraceEvent
from entrypoints.simulation.pongo2.rendering import TemplateEnvironment

LOG_LIMIT = 100_000
"""How many events and results are kept."""


@dataclass(frozen=True, slots=True)
class PendingEvent:
    """What came in that the flows still have to see: an event, and whose action it answers."""

    event: Event
    action_id: str | None = None


class Flyte(EventFeed[TraceEvent]):
    """The engine in the event loop that uses it. Flows run just after what they run for came in, not within it."""

    def __init__(
        self,
        *,
        flows: Iterable[Flow] = (),
        environment: TemplateEnvironment | None = None,
        flow_delay_seconds: float = 0.0,
        max_finished_runs: int = 10_000,
    ) -> None:
        super().__init__()
        self.events: deque[Event] = deque(maxlen=LOG_LIMIT)
        self.results: dict[str, Event] = {}
        self.flow_delay_seconds = flow_delay_seconds
        self._state = FlyteState(environment or TemplateEnvironment(), self.publish, max_finished_runs)
        for flow in flows:
            self._state.add_flow(flow)
        self._pending: deque[PendingEvent] = deque()
        self._timers: deque[asyncio.Handle] = deque()

    # What there is

    @property
    def packs(self) -> Mapping[str, Pack]:
        """The registered packs, by id."""
        return self._state.packs

    @property
    def actions(self) -> Mapping[str, Action]:
        """The actions of all runs still kept, by id."""
        return self._state.actions

    @property
    def flows(self) -> Mapping[str, Flow]:
        """The flows, by name."""
        return self._state.flows

    def runs(self) -> list[FlowRun]:
        """The runs that made an action, those with the newest change first."""
        return self._state.runs()

    def waiting(self, pack_name: str = "Slack") -> int:
        """How many actions wait to be taken by packs of a name."""
        return self._state.waiting(pack_name)

    def unfinished(self) -> list[Action]:
        """The actions that were not answered yet, taken or not."""
        return self._state.unfinished()

    @property
    def is_busy(self) -> bool:
        """Whether something came in whose flows have not run yet."""
        return bool(self._pending)

    # What can be done

    def add_flow(self, flow: Flow) -> None:
        """Run a flow from now on, in the place of one with its name."""
        self._state.add_flow(flow)

    def remove_flow(self, name: str) -> None:
        """Begin no more runs of a flow."""
        self._state.remove_flow(name)

    def queue_action(self, pack: str, command: str, command_input: object = None) -> str:
        """Let an action wait for a pack, by name, with no flow behind it; returns the action's id."""
        return self._queue(pack, command, command_input, None)

    def queue_raw(self, pack: str, body: bytes) -> str:
        """Let an action wait whose answer to `take` is this body as it is, but for `{result}`, its result link."""
        return self._queue(pack, "", None, body)

    def raise_event(
        self, pack: str, name: str, payload: object = None, *, labels: Mapping[str, str] | None = None
    ) -> None:
        """Let an event come in as if a pack had sent it; the pack need not be registered."""
        event = self._event(Pack(pack, pack, labels or {}, {}), name, payload)
        self._state.record_event(event)
        self._schedule_flows(PendingEvent(event))

    def register(self, pack: Pack) -> None:
        """Know a pack of this process, which then takes and answers its actions by `take` and `answer`."""
        self._state.register(pack)

    def take(self, pack: Pack) -> Action | None:
        """The oldest action that waits for the pack, which then is pending; None when there is none."""
        return self._state.take(pack)

    def complete(self, action: Action, pack: Pack, name: str, payload: object) -> Completion:
        """Answer an action that the pack took, with an event."""
        event = self._event(pack, name, payload)
        finish = self._state.complete(action.id, event)
        if finish is Completion.DONE:
            self._schedule_flows(PendingEvent(event, action.id))
        return finish

    def unregister_packs(self) -> None:
        """Forget all packs: they get 404 until they register again."""
        self._state.unregister_packs()
        self.notify()

    def progress(self) -> str:
        """See `EventFeed`."""
        return f"events so far: {len(self.events)}"

    def _event(self, pack: Pack, name: str, payload: object) -> Event:
        now = self._state.environment.now()
        return Event(pack, name, payload, now, now)

    def _queue(self, pack: str, command: str, command_input: object, raw: bytes | None) -> str:
        trigger = self._event(Pack("Simulation", "Simulation", {}, {}), "ActionQueued", None)
        action = Action(pack, command, command_input, FlowRun(None), "queued", trigger, raw_body=raw)
        return self._state.add(action).id

    def _schedule_flows(self, heard: PendingEvent) -> None:
        if heard.action_id is None:
            self.events.append(heard.event)
        else:
            self.results[heard.action_id] = heard.event
            while len(self.results) > LOG_LIMIT:
                del self.results[next(iter(self.results))]
        self._pending.append(heard)
        loop = asyncio.get_running_loop()
        # The server answers first, and runs flows just after.
        if self.flow_delay_seconds > 0:
            self._timers.append(loop.call_later(self.flow_delay_seconds, self._run_flows))
        else:
            self._timers.append(loop.call_soon(self._run_flows))
        self.notify()

    def _run_flows(self) -> None:
        heard = self._pending.popleft()
        self._timers.popleft()
        self._state.run_flows(heard.event)
        action = self._state.actions.get(heard.action_id) if heard.action_id else None
        if action is not None:
            self._state.continue_run(action)
        self.notify()

    def _cancel_timers(self) -> None:
        for timer in self._timers:
            timer.cancel()
