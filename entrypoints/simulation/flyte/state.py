"""The state of a simulated Flyte and its changes: packs, events, flow runs and actions."""

from collections import OrderedDict, deque
from collections.abc import Mapping
from enum import Enum, auto
from typing import TYPE_CHECKING

from entrypoints.simulation.event_feed import EventFeed
from entrypoints.simulation.flyte import step_evaluator
from entrypoints.simulation.flyte.flow_loader import Flow, FlowStep
from entrypoints.simulation.flyte.models import FATAL, Action, ActionState, Event, FlowRun, Pack
from entrypoints.simulation.flyte.trace import (
    ActionCreated,
    ActionFinished,
    ActionTaken,
    EventAccepted,
    PackRegistered,
    StepFailed,
    StepMatched,
    StepUnmatched,
    TraceEvent,
)
from entrypoints.simulation.pongo2.rendering import TemplateEnvironment

if TYPE_CHECKING:
    from datetime import datetime

Labels = tuple[tuple[str, str], ...]


class Completion(Enum):
    """The outcome of a result for an action."""

    DONE = auto()
    UNKNOWN = auto()
    NOT_PENDING = auto()
    FOREIGN = auto()


class FlyteState(EventFeed[TraceEvent]):
    """A Flyte without event loop and network; publishes every change. No method blocks."""

    def __init__(self, environment: TemplateEnvironment, max_finished_runs: int) -> None:
        super().__init__()
        self.packs: dict[str, Pack] = {}
        self.last_seen: dict[str, datetime] = {}
        self.flows: dict[str, Flow] = {}
        self.actions: dict[str, Action] = {}
        """The actions of all runs not yet purged, by id."""
        self.environment = environment
        self._max_finished_runs = max_finished_runs
        self._open_runs: dict[str, FlowRun] = {}
        self._finished_runs: OrderedDict[str, FlowRun] = OrderedDict()
        self._waiting: dict[str, dict[Labels, deque[Action]]] = {}
        self._flows_by_event: dict[tuple[str, str], list[Flow]] = {}

    def add_flow(self, flow: Flow) -> None:
        """Adds a flow, or replaces the one of its name; runs in progress keep the old one."""
        self.flows[flow.name] = flow
        self._index_flows()

    def remove_flow(self, name: str) -> bool:
        """Removes a flow; runs in progress continue. Returns False if there is none of that name."""
        is_known = self.flows.pop(name, None) is not None
        self._index_flows()
        return is_known

    def register(self, pack: Pack) -> None:
        """Registers a pack, or registers it again."""
        self.packs[pack.id] = pack
        self.mark_alive(pack)
        self.publish(PackRegistered(pack.id))

    def mark_alive(self, pack: Pack) -> None:
        """Records that a pack was seen now."""
        self.last_seen[pack.id] = self.environment.now()

    def unregister(self, pack: Pack) -> None:
        """Removes a pack."""
        self.packs.pop(pack.id, None)
        self.last_seen.pop(pack.id, None)
        self.notify()

    def unregister_packs(self) -> None:
        """Removes all packs, as the server does with those not seen for a week; they get 404 until they register."""
        self.packs.clear()
        self.last_seen.clear()
        self.notify()

    def record_event(self, event: Event) -> None:
        """Records an event for which `run_flows` is to be called."""
        self.publish(EventAccepted(event.pack.id, event.name, event.payload))

    def run_flows(self, event: Event) -> None:
        """Starts a run of every flow that waits for the event."""
        for flow in self._flows_by_event.get((event.pack.name, event.name), ()):
            self._advance(FlowRun(flow), event, {})

    def continue_run(self, action: Action) -> None:
        """Continues the run of an action with the action's result."""
        if action.result is not None:
            self._advance(action.run, action.result, action.context)
        self._archive(action.run)

    def add(self, action: Action) -> Action:
        """Queues an action for its pack."""
        action.run.add(action)
        self._set_state(action, ActionState.NEW)
        self.actions[action.id] = action
        self._open_runs[action.run.correlation_id] = action.run
        labels = tuple(sorted(action.pack_labels.items()))
        self._waiting.setdefault(action.pack_name, {}).setdefault(labels, deque()).append(action)
        self.publish(ActionCreated(action.id, action.pack_name, action.name, action.input))
        return action

    def has_pack_for(self, action: Action) -> bool:
        """Whether a registered pack can take the action."""
        return any(
            pack.name == action.pack_name and pack.has_labels(action.pack_labels) for pack in self.packs.values()
        )

    def take(self, pack: Pack, name: str = "") -> Action | None:
        """Takes the oldest action that waits for the pack, optionally of one name; None if there is none."""
        queues = self._waiting.get(pack.name, {})
        suitable = [
            (action, labels)
            for labels, queue in queues.items()
            if pack.has_labels(dict(labels))
            and (action := next((one for one in queue if not name or one.name == name), None)) is not None
        ]
        if not suitable:
            return None
        action, labels = min(suitable, key=lambda found: found[0].sequence)
        queues[labels].remove(action)
        if not queues[labels]:
            del queues[labels]
        self._set_state(action, ActionState.PENDING)
        self.publish(ActionTaken(action.id, pack.id, action.name))
        return action

    def waiting(self, pack_name: str = "Slack") -> int:
        """Returns the number of actions that wait for packs of a name."""
        return sum(map(len, self._waiting.get(pack_name, {}).values()))

    def unfinished(self) -> list[Action]:
        """Returns the actions without a result, taken or not."""
        runs = self._open_runs.values()
        return [action for run in runs for action in run.actions if not action.state.is_finished]

    def record_result(self, action_id: str, result: Event, sender: Pack) -> Completion:
        """Records the result that a pack sends; `continue_run` is to be called if it is accepted.

        The result may name another pack as its own.
        """
        action = self.actions.get(action_id)
        if action is None:
            return Completion.UNKNOWN
        if action.pack_name != sender.name or not sender.has_labels(action.pack_labels):
            return Completion.FOREIGN
        if action.state is not ActionState.PENDING:
            return Completion.NOT_PENDING
        action.result = result
        self._set_state(action, ActionState.FATAL if result.name == FATAL else ActionState.SUCCESS)
        self.publish(ActionFinished(action.id, result.pack.id, action.name, result.name, result.payload))
        return Completion.DONE

    def runs(self) -> list[FlowRun]:
        """Returns the runs with an action, the most recently changed first."""
        both = [*self._open_runs.values(), *self._finished_runs.values()]
        return sorted(both, key=lambda run: max(action.states[-1][1] for action in run.actions), reverse=True)

    def run(self, correlation_id: str) -> FlowRun | None:
        """Returns a run with an action, by its id."""
        return self._open_runs.get(correlation_id) or self._finished_runs.get(correlation_id)

    def _advance(self, run: FlowRun, event: Event, context: Mapping[str, str]) -> None:
        for step, obstacle in step_evaluator.candidates(run, event):
            about = (run.flow_name, step.id, run.correlation_id, event.name, event)
            if obstacle:
                self.publish(StepUnmatched(*about, context, obstacle, "", ""))
                continue
            criteria = step.criteria.source if step.criteria else ""
            match step_evaluator.evaluate(step, event, context, self.environment):
                case step_evaluator.Failed() as failed:
                    self.publish(StepFailed(*about, failed.context, failed.part, failed.error))
                case step_evaluator.Unmatched() as unmatched:
                    reason, rendered = unmatched.reason, unmatched.rendered
                    self.publish(StepUnmatched(*about, unmatched.context, reason, criteria, rendered))
                case step_evaluator.Matched() as matched:
                    action = _create_action(step, run, event, matched)
                    self.publish(StepMatched(*about, matched.context, criteria, matched.rendered, action.id))
                    self.add(action)

    def _archive(self, run: FlowRun) -> None:
        if not run.is_finished or self._open_runs.pop(run.correlation_id, None) is None:
            return
        self._finished_runs[run.correlation_id] = run
        while len(self._finished_runs) > self._max_finished_runs:
            _, oldest = self._finished_runs.popitem(last=False)
            for action in oldest.actions:
                self.actions.pop(action.id, None)

    def _set_state(self, action: Action, state: ActionState) -> None:
        action.states.append((state, self.environment.now()))

    def _index_flows(self) -> None:
        self._flows_by_event = {}
        for flow in self.flows.values():
            for start in dict.fromkeys((step.event_pack, step.event_name) for step in flow.steps if step.starts_run):
                self._flows_by_event.setdefault(start, []).append(flow)


def _create_action(step: FlowStep, run: FlowRun, event: Event, matched: step_evaluator.Matched) -> Action:
    return Action(
        pack_name=step.command_pack,
        name=step.command_name,
        input=matched.input,
        run=run,
        step_id=step.id,
        trigger=event,
        pack_labels=matched.labels,
        context=matched.context,
    )
