"""The slash commands and shortcuts that flows wait for: an app names them in its settings, which a simulation lacks."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from entrypoints.simulation.flyte.flow_loader import Flow

_COMMAND: Final = re.compile(r"""['"](/[a-z0-9_-]+)['"]""")
_CALLBACK: Final = re.compile(r"""callbackId\s*==\s*['"]([^'"]+)['"]""")


@dataclass(frozen=True, slots=True)
class AppNames:
    """What people can choose."""

    commands: tuple[str, ...]
    """With their slashes."""
    global_shortcuts: tuple[str, ...]
    """By callback id."""
    message_shortcuts: tuple[str, ...]

    def as_json(self) -> object:
        """Returns the names for the page."""
        names = {"commands": self.commands, "shortcuts": self.global_shortcuts}
        return {name: list(known) for name, known in (names | {"message_shortcuts": self.message_shortcuts}).items()}


def known_names(flows: Iterable[Flow]) -> AppNames:
    """Returns the names in the criteria of the flows, each once.

    A shortcut is offered for messages, elsewhere or in both places, as its criteria say of `shortcutType`.
    """
    commands: list[str] = []
    shortcuts: dict[str, list[str]] = {"global": [], "message": []}
    for step in (step for flow in flows for step in flow.steps):
        criteria = step.criteria.source if step.criteria else ""
        if step.event_name == "ReceivedSlashCommand":
            commands += _COMMAND.findall(criteria)
        elif step.event_name == "ReceivedShortcut":
            named = [kind for kind in shortcuts if re.search(rf"""['"]{kind}['"]""", criteria)]
            for kind in named or shortcuts:
                shortcuts[kind] += _CALLBACK.findall(criteria)
    return AppNames(*(tuple(dict.fromkeys(names)) for names in (commands, shortcuts["global"], shortcuts["message"])))
