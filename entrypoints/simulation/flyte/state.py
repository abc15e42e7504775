"""The state of a simulated Flyte, and how it changes: packs, events, runs of flows, actions taken and finished."""

from collections import OrderedDict, deque
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from enum import Enum, auto

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

Labels = tuple[tuple[str, str], ...]


class Completion(Enum):
    """What came of an answer to an action."""

    DONE = auto()
    UNKNOWN = auto()
    NOT_PENDING = auto()
    FOREIGN = auto()


class FlyteState:
    """A Flyte without its network. Not thread-safe; no method waits."""

    def __init__(
        self,
        environment: TemplateEnvironment,
        emit: Callable[[TraceEvent], None],
        max_finished_runs: int,
    ) -> None:
        self.packs: dict[str, Pack] = {}
        self.last_seen: dict[str, datetime] = {}
        self.flows: dict[str, Flow] = {}
        self.actions: dict[str, Action] = {}
        self.environment = environment
        self._emit = emit
        self._max_finished_runs = max_finished_runs
        self._open_runs: dict[str, FlowRun] = {}
        self._finished_runs: OrderedDict[str, FlowRun] = OrderedDict()
        self._waiting: dict[str, dict[Labels, deque[Action]]] = {}
        self._starters: dict[tuple[str, str], list[Flow]] = {}

    def add_flow(self, flow: Flow) -> None:
        """Run a flow from now on, in the place of one with its name. Runs that have begun go on as they were."""
        self.flows[flow.name] = flow
        self._index_flows()

    def remove_flow(self, name: str) -> bool:
        """Begin no more runs of a flow; False when there is none of that name."""
        is_known = self.flows.pop(name, None) is not None
        self._index_flows()
        return is_known

    def register(self, pack: Pack) -> None:
        """Know a pack, or know it anew."""
        self.packs[pack.id] = pack
        self.mark_alive(pack)
        self._emit(PackRegistered(pack.id))

    def mark_alive(self, pack: Pack) -> None:
        """Note that a pack is alive."""
        self.last_seen[pack.id] = self.environment.now()

    def unregister_packs(self) -> None:
        """Forget all packs, as the server does with those that it has not seen for a week."""
        self.packs.clear()
        self.last_seen.clear()

    def record_event(self, event: Event) -> None:
        """Note an event; `run_flows` handles it."""
        self._emit(EventAccepted(event.pack.id, event.name, event.payload))

    def run_flows(self, event: Event) -> None:
        """Begin a run of every flow that waits for the event."""
        for flow in self._starters.get((event.pack.name, event.name), ()):
            self._advance(FlowRun(flow), event, {})

    def continue_run(self, action: Action) -> None:
        """Let the run that caused an action handle its result."""
        if action.result is not None:
            self._advance(action.run, action.result, action.context)
        self._archive(action.run)

    def add(self, action: Action) -> Action:
        """Let an action wait for its pack."""
        action.run.add(action)
        self._set_state(action, ActionState.NEW)
        self.actions[action.id] = action
        self._open_runs[action.run.correlation_id] = action.run
        labels = tuple(sorted(action.pack_labels.items()))
        queue = self._waiting.setdefault(action.pack_name, {}).setdefault(labels, deque())
        queue.append(action)
        self._emit(ActionCreated(action.id, action.pack_name, action.name, action.input))
        return action

    def take(self, pack: Pack, name: str = "") -> Action | None:
        """The oldest action that waits for the pack, which then is pending; None when there is none."""
        queues = self._waiting.get(pack.name, {})
        suitable = [
            (action, labels)
            for labels, queue in queues.items()
            if pack.has_labels(dict(labels)) and (action := _first(queue, name)) is not None
        ]
        if not suitable:
            return None
        action, labels = min(suitable, key=lambda found: found[0].sequence)
        queues[labels].remove(action)
        if not queues[labels]:
            del queues[labels]
        self._set_state(action, ActionState.PENDING)
        self._emit(ActionTaken(action.id, pack.id, action.name))
        return action

    def waiting(self, pack_name: str) -> int:
        """How many actions wait for packs of a name."""
        return sum(map(len, self._waiting.get(pack_name, {}).values()))

    def unfinished(self) -> list[Action]:
        """The actions that were not answered yet, taken or not."""
        runs = self._open_runs.values()
        return [action for run in runs for action in run.actions if not action.state.is_finished]

    def complete(self, action_id: str, result: Event) -> Completion:
        """Note the answer to an action."""
        action = self.actions.get(action_id)
        if action is None:
            return Completion.UNKNOWN
        if action.pack_name != result.pack.name or not result.pack.has_labels(action.pack_labels):
            return Completion.FOREIGN
        if action.state is not ActionState.PENDING:
            return Completion.NOT_PENDING
        action.result = result
        self._set_state(action, ActionState.FATAL if result.name == FATAL else ActionState.SUCCESS)
        self._emit(ActionFinished(action.id, result.pack.id, action.name, result.name, result.payload))
        return Completion.DONE

    def runs(self) -> list[FlowRun]:
        """The runs that made an action, those with the newest change first."""
        both = [*self._open_runs.values(), *self._finished_runs.values()]
        return sorted(both, key=_last_change, reverse=True)

    def run(self, correlation_id: str) -> FlowRun | None:
        """A run that made an action, by its id."""
        return self._open_runs.get(correlation_id) or self._finished_runs.get(correlation_id)

    def _advance(self, run: FlowRun, event: Event, context: Mapping[str, str]) -> None:
        for step, hindrance in step_evaluator.candidates(run, event):
            about = (run.flow.name if run.flow else "", step.id, run.correlation_id, event.name, event)
            if hindrance:
                self._emit(StepUnmatched(*about, context, hindrance, "", ""))
            else:
                self._evaluate(about, run, step, event, context)

    def _evaluate(
        self,
        about: tuple[str, str, str, str, Event],
        run: FlowRun,
        step: FlowStep,
        event: Event,
        context: Mapping[str, str],
    ) -> None:
        criteria = step.criteria.source if step.criteria else ""
        result = step_evaluator.evaluate(step, event, context, self.environment)
        match result:
            case step_evaluator.Failed():
                self._emit(StepFailed(*about, result.context, result.part, result.error))
            case step_evaluator.Unmatched():
                self._emit(StepUnmatched(*about, result.context, result.reason, criteria, result.rendered))
            case step_evaluator.Matched():
                action = _action(step, run, event, result)
                self._emit(StepMatched(*about, result.context, criteria, result.rendered, action.id))
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
        self._starters = {}
        for flow in self.flows.values():
            starts = {(step.event_pack, step.event_name): None for step in flow.steps if step.starts_run}
            for start in starts:
                self._starters.setdefault(start, []).append(flow)


def _action(step: FlowStep, run: FlowRun, event: Event, matched: step_evaluator.Matched) -> Action:
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


def _first(queue: Sequence[Action], name: str) -> Action | None:
    return next((action for action in queue if not name or action.name == name), None)


def _last_change(run: FlowRun) -> datetime:
    return max(action.states[-1][1] for action in run.actions)
