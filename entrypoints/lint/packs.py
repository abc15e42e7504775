"""The packs as the linter knows them: all of this one, the answers of scripted ones, nothing of others."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final

from application.catalog.commands import COMMANDS, COMMANDS_BY_NAME
from application.catalog.events import EVENTS_BY_NAME
from application.catalog.specs import CommandSpec
from entrypoints.lint.payloads import Payload, payloads
from entrypoints.simulation.flyte.engine import Flyte
from entrypoints.simulation.flyte.models import FATAL
from entrypoints.simulation.flyte.scripted_pack import PackScript, ScriptedPack
from entrypoints.suggestions import most_similar

SLACK: Final = "Slack"
"""The name of this pack unless the operator gives it another."""
OUTCOMES: Final = frozenset(name for spec in COMMANDS for name in (spec.success, spec.failure))


@dataclass(frozen=True, slots=True)
class Packs:
    """The packs that flows use. `slack` is the name of this pack."""

    slack: str = SLACK
    scripts: Iterable[PackScript] = ()
    _answers: dict[str, Mapping[str, tuple[str, ...]]] = field(init=False, repr=False)
    """The events that answer each command, by pack."""

    def __post_init__(self) -> None:
        answers: dict[str, Mapping[str, tuple[str, ...]]] = {
            self.slack: {spec.name: (spec.success, spec.failure) for spec in COMMANDS}
        }
        for script in self.scripts:
            answers.setdefault(
                script.name, {name: tuple(one.event for one in given) for name, given in script.commands.items()}
            )
        object.__setattr__(self, "_answers", answers)

    def answers(self, pack: str, command: str) -> tuple[str, ...] | None:
        """Returns the events that can answer a command, besides `FATAL`; None if that is unknown."""
        return self._answers.get(pack, {}).get(command)

    def is_scripted(self, pack: str) -> bool:
        """Whether the pack is a scripted one."""
        return pack in self._answers and pack != self.slack

    def command(self, pack: str, name: str) -> CommandSpec | None:
        """Returns a command of this pack; None for other packs, and for unknown commands."""
        return COMMANDS_BY_NAME.get(name) if pack == self.slack else None

    def payload(self, pack: str, event: str) -> Payload | None:
        """Returns the payload of an event of this pack; None for other packs, and for unknown events."""
        return payloads().get(event) if pack == self.slack else None

    def meant_event(self, event: str) -> str:
        """Returns the event of this pack that a name means: its own, that of the command, or the most similar one."""
        if self.knows_event(event):
            return event
        if event in COMMANDS_BY_NAME:
            return COMMANDS_BY_NAME[event].success
        return FATAL if event.upper() == FATAL else most_similar(event, (*EVENTS_BY_NAME, *sorted(OUTCOMES)))

    def knows_event(self, event: str) -> bool:
        """Whether this pack has an event of that name."""
        return event in EVENTS_BY_NAME or event in OUTCOMES or event == FATAL


def running_packs(flyte: Flyte, scripted: Iterable[ScriptedPack]) -> Packs:
    """Returns the packs of a simulation, with the scripts that they have now."""
    return Packs(slack=flyte.slack_pack, scripts=[pack.script for pack in scripted])
