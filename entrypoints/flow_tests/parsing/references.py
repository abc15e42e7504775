"""The names that the steps of a flow test may use: people, channels, and the messages named by earlier steps."""

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Final

from entrypoints.flow_tests.model import FlowTestSetup
from entrypoints.simulation.flyte.document_fields import unknown
from entrypoints.simulation.flyte.document_schemas import KeyPath
from entrypoints.simulation.flyte.documents import Document
from entrypoints.simulation.flyte.empty_keys import EMPTY
from entrypoints.simulation.flyte.flow_loader import FlowStep
from entrypoints.simulation.pongo2.template import Template
from entrypoints.simulation.workspaces.workspace import BOT

_NAME: Final = re.compile(r"[A-Za-z_]\w*", re.ASCII)
_RESERVED: Final = ("n", "people", "channels")
"""Names that templates use already."""
_CALL_SLACK: Final = "CallSlack"
_NAMING_METHODS: Final = ("conversations.create", "conversations.rename")


class References:
    """Checks the names in one test's steps, in their order."""

    def __init__(self, document: Document, setup: FlowTestSetup) -> None:
        self._document = document
        labels = [channel.label for channel in setup.channels]
        self._flows_name_channels = any(_names_channels(step) for flow in setup.flows for step in flow.steps)
        self._messages: list[str] = []
        people = [person.handle for person in setup.people]
        self._known: Mapping[str, tuple[str, Sequence[str]]] = {
            "as": ("person", people),
            "to": ("person", people),
            "in": ("channel", [*labels, f"@{BOT}"]),
            "invite": ("channel", labels),
            "remove": ("channel", labels),
            "thread": ("message id", self._messages),
            "of": ("message id", self._messages),
            "delete": ("message id", self._messages),
            "deletion": ("message id", self._messages),
        }

    def check(self, entry: Mapping[str, object], path: KeyPath) -> None:
        """Checks the names in a step or an expectation, and registers its `id`. Raises InvalidDocument."""
        for key, (kind, known) in self._known.items():
            if entry.get(key) == "":
                raise self._document.error((*path, key), EMPTY)
            if entry.get(key) is not None and entry[key] not in known and not self._can_appear(kind, entry[key]):
                raise self._document.error((*path, key), unknown(kind, entry[key], known))
        if name := entry.get("id"):
            self._register(str(name), (*path, "id"))

    @contextmanager
    def scope(self) -> Iterator[None]:
        """Forgets the ids registered inside, which differ in each round of a repetition."""
        outside = len(self._messages)
        yield
        del self._messages[outside:]

    def _can_appear(self, kind: str, name: object) -> bool:
        """Whether it is a channel that a flow may create or rename during the test."""
        return kind == "channel" and self._flows_name_channels and str(name).startswith("#")

    def _register(self, name: str, path: KeyPath) -> None:
        if not _NAME.fullmatch(name) or name in _RESERVED:
            reserved = ", ".join(_RESERVED)
            raise self._document.error(path, f"expected a name of letters, digits and _ other than {reserved}")
        if name in self._messages:
            raise self._document.error(path, f"duplicate message id '{name}'")
        self._messages.append(name)


def _names_channels(step: FlowStep) -> bool:
    """Whether a step can create or rename channels; a method that its template computes may be any."""
    if step.command_name != _CALL_SLACK or not isinstance(step.input, dict):
        return False
    method = step.input.get("method")
    return isinstance(method, Template) and (not method.is_constant or method.source in _NAMING_METHODS)
