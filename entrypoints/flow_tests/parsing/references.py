"""The names that the steps of a flow test may use: people, channels, and the messages named by earlier steps."""

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Final

from entrypoints.flow_tests.model import FlowTestSetup
from entrypoints.lint.flow_text import has_code, texts
from entrypoints.lint.name_chains import NameChain, name_chains
from entrypoints.simulation.flyte.document_fields import unknown
from entrypoints.simulation.flyte.document_schemas import KeyPath
from entrypoints.simulation.flyte.documents import Document
from entrypoints.simulation.flyte.empty_keys import EMPTY
from entrypoints.simulation.flyte.flow_loader import FlowStep
from entrypoints.simulation.pongo2.template import Template
from entrypoints.simulation.workspaces.workspace import BOT

_NAME: Final = re.compile(r"[A-Za-z_]\w*", re.ASCII)
_ITERATION: Final = "n"
_RESERVED: Final = (_ITERATION, "people", "channels")
"""Names that templates use already."""
_OF_STEPS: Final = ("expect", "steps")
"""The keys of what has steps or expectations, which are checked by themselves."""
_OF_MESSAGES: Final = ("timestamp", "thread", "text")
"""What templates can read of a message."""
_CALL_SLACK: Final = "CallSlack"
_NAMING_METHODS: Final = ("conversations.create", "conversations.rename")


class References:
    """Checks the names in one test's steps, in their order."""

    def __init__(self, document: Document, setup: FlowTestSetup) -> None:
        self._document = document
        labels = [channel.label for channel in setup.channels]
        self._flows_name_channels = any(_names_channels(step) for flow in setup.flows for step in flow.steps)
        self._messages: list[str] = []
        self._is_repeated = False
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
        for key, value in entry.items():
            if key not in _OF_STEPS:
                self._check_templates(value, (*path, key))
        if name := entry.get("id"):
            self._register(str(name), (*path, "id"))

    def _check_templates(self, tree: object, path: KeyPath) -> None:
        """Checks the names in templates, of which unknown ones would render as nothing. Raises InvalidDocument."""
        for place, text in texts(tree, path):
            for chain in name_chains(Template(text, is_deferred=True)) if has_code(text) else ():
                if problem := self._problem(chain):
                    raise self._document.error(place, problem)

    def _problem(self, chain: NameChain) -> str:
        """Returns what is wrong with a name in a template; empty if nothing is."""
        members: Mapping[str, tuple[str, Sequence[str]]] = {
            "people": ("person", self._known["as"][1]),
            "channels": ("channel", [label.lstrip("#") for label in self._known["invite"][1]]),
            **dict.fromkeys(self._messages, ("key of a message", _OF_MESSAGES)),
        }
        if chain.root == _ITERATION:
            return "" if self._is_repeated else f"{_ITERATION} is the number of the iteration, and this is in no repeat"
        if chain.root not in members:
            return "" if chain.root == "pongo2" else unknown("name", chain.root, [*members])
        kind, known = members[chain.root]
        member = str(chain.parts[1]) if len(chain.parts) > 1 else ""
        can_appear = not member or self._can_appear(kind, f"#{member}")
        return "" if member in known or can_appear else unknown(kind, member, known)

    def assume(self, entry: object) -> None:
        """Registers the ids of a step with an error and of its expectations, so that later steps can use them."""
        if isinstance(entry, list):
            for item in entry:
                self.assume(item)
        elif isinstance(entry, dict):
            if isinstance(entry.get("id"), str):
                self._messages.append(entry["id"])
            self.assume(entry.get("expect"))

    @contextmanager
    def scope(self) -> Iterator[None]:
        """Is within a repetition: forgets the ids registered inside, which differ in each round."""
        outside, was_repeated = len(self._messages), self._is_repeated
        self._is_repeated = True
        yield
        self._is_repeated = was_repeated
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
