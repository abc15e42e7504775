"""Collects the failures of flows, for users who do not read each step."""

from collections.abc import Iterator

from entrypoints.simulation.flyte.engine import Flyte
from entrypoints.simulation.flyte.models import Action
from entrypoints.simulation.flyte.trace import ActionFinished, StepFailed, StepMatched, TraceEvent, step_name
from entrypoints.simulation.flyte.unawaited import unawaited_answer, waiting_steps


class FlowFailures:
    """Collects what goes wrong in flows, from its creation on."""

    def __init__(self, flyte: Flyte) -> None:
        self._flyte = flyte
        self._reasons: list[str] = []
        self._unhandled: dict[str, str] = {}
        """The answers that no step has handled yet, by action."""
        self._shown: set[str] = set()
        flyte.listeners.append(self._on_event)

    def take(self) -> list[str]:
        """Returns what went wrong since the last call, without what an earlier call has returned.

        Call it once the sandbox has settled: until then, a step may handle a failure.
        """
        found = dict.fromkeys((*self._reasons, *self._unhandled.values(), *self._commands_without_a_pack()))
        new = [reason for reason in found if reason not in self._shown]
        self._reasons.clear()
        self._unhandled.clear()
        self._shown.update(new)
        return new

    def _on_event(self, event: TraceEvent) -> None:
        match event:
            case StepFailed(flow=flow, step=step, part=part, error=error):
                self._reasons.append(f"{step_name(flow, step)} cannot run: {part}: {error}")
            case StepMatched(trigger=trigger):
                handled = [key for key in self._unhandled if self._flyte.actions[key].result is trigger]
                for action_id in handled:
                    del self._unhandled[action_id]
            case ActionFinished():
                self._on_answer(event)
            case _:
                pass

    def _on_answer(self, finished: ActionFinished) -> None:
        action = self._flyte.actions[finished.action_id]
        unawaited = unawaited_answer(self._flyte, finished)
        if finished.has_failed:
            self._unhandled[action.id] = "; ".join(filter(None, (f"{_source(action)}: {finished.outcome}", unawaited)))
        elif unawaited and waiting_steps(action):
            self._unhandled[action.id] = f"{_source(action)}: {unawaited}"

    def _commands_without_a_pack(self) -> Iterator[str]:
        for action in self._flyte.unfinished():
            named = [pack for pack in self._flyte.packs.values() if pack.name == action.pack_name]
            if not any(pack.has_labels(action.pack_labels) for pack in named):
                labels = f" with the labels {dict(action.pack_labels)}" if named else ""
                hint = "" if named else " (simulate --pack FILE)"
                yield f"{_source(action)}: there is no pack {action.pack_name}{labels} to take {action.name}{hint}"


def _source(action: Action) -> str:
    return step_name(action.run.flow_name, action.step_id) if action.run.flow else "a command of no flow"
