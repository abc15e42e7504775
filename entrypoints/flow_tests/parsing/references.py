"""The names that a flow test may use: its people, its channels, and the messages that were named before."""

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Final

from entrypoints.flow_tests.model import FlowTestSetup
from entrypoints.flow_tests.parsing.strict_reader import StrictReader
from entrypoints.simulation.flyte.documents import KeyPath
from entrypoints.simulation.workspaces.workspace import BOT

_NAME: Final = re.compile(r"[A-Za-z_]\w*", re.ASCII)
_TAKEN: Final = ("n", "people", "channels")
"""Names that templates know already."""


class Vocabulary:
    """Checks the names in one test's steps, in their order."""

    def __init__(self, reader: StrictReader, scene: FlowTestSetup) -> None:
        self._reader = reader
        self._handles = [person.handle for person in scene.people]
        self._labels = [channel.label for channel in scene.channels]
        self._messages: list[str] = []

    def person(self, step: Mapping[str, object], path: KeyPath) -> str:
        """Who `as` names; empty where nothing stands."""
        handle = self._reader.text(step, "as", path, "")
        return handle and self._reader.known(handle, self._handles, (*path, "as"), "person")

    def room(self, step: Mapping[str, object], key: str, path: KeyPath) -> str:
        """The channel that a key names, or the direct messages with the bot; empty where nothing stands."""
        label = self._reader.text(step, key, path, "")
        return label and self._reader.known(label, [*self._labels, f"@{BOT}"], (*path, key), "channel")

    def channel(self, step: Mapping[str, object], key: str, path: KeyPath) -> str:
        """The channel that a key names."""
        return self._reader.known(step.get(key), self._labels, (*path, key), "channel")

    def message(self, step: Mapping[str, object], path: KeyPath) -> str:
        """The message that `thread` names; empty where nothing stands."""
        name = self._reader.text(step, "thread", path, "")
        return name and self._reader.known(name, self._messages, (*path, "thread"), "message with the id")

    def new_name(self, step: Mapping[str, object], path: KeyPath) -> str:
        """The name that `id` gives to a message; empty where nothing stands."""
        name = self._reader.text(step, "id", path, "")
        if not name:
            return ""
        if not _NAME.fullmatch(name) or name in _TAKEN:
            taken = ", ".join(_TAKEN)
            raise self._reader.refusal((*path, "id"), f"a name of letters, digits and _ expected, other than {taken}")
        if name in self._messages:
            raise self._reader.refusal((*path, "id"), f"a second message with the id '{name}'")
        self._messages.append(name)
        return name

    @contextmanager
    def repeated(self) -> Iterator[None]:
        """Names that are given inside mean something else in each round, so they are not known outside."""
        outside = list(self._messages)
        try:
            yield
        finally:
            self._messages = outside
