"""The pytest fixture `flow_test`: flow tests in Python. Loaded by pytest itself; all else only where it is used."""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from entrypoints.flow_tests.model import ChannelSetup, PersonSetup
    from entrypoints.flow_tests.python_api import FlowConversation


class FlowTesting:
    """Opens conversations with flows; all are ended, and what was not expected told, when the test function returns."""

    def __init__(self, folder: Path, stack: ExitStack) -> None:
        self._folder = folder
        self._stack = stack
        self._opened: list[FlowConversation] = []

    def __call__(
        self,
        flows: Sequence[str | Path] = (),
        *,
        packs: Sequence[str | Path] = (),
        settings: Mapping[str, str] | None = None,
        datastore: Mapping[str, object] | None = None,
        people: Sequence[PersonSetup] = (),
        channels: Sequence[ChannelSetup] = (),
    ) -> FlowConversation:
        """A conversation with these flows and scripted packs: files, found from the test's own folder.

        Unless others are given, there are alice and bob, and the joined channels #general and #ops.
        """
        from entrypoints.flow_tests.model import FlowTestSetup  # noqa: PLC0415 - likewise
        from entrypoints.flow_tests.python_api import open_conversation  # noqa: PLC0415 - nothing for who does not use it
        from entrypoints.simulation.flyte.flow_loader import flow_from_file  # noqa: PLC0415 - likewise
        from entrypoints.simulation.flyte.scripted_pack import pack_from_file  # noqa: PLC0415 - likewise

        usual = FlowTestSetup()
        scene = FlowTestSetup(
            flows=[flow_from_file(self._folder / path) for path in flows],
            packs=[pack_from_file(self._folder / path) for path in packs],
            settings=settings or {},
            datastore=datastore or {},
            people=people or usual.people,
            channels=channels or usual.channels,
        )
        opened = self._stack.enter_context(open_conversation(scene))
        self._opened.append(opened)
        return opened

    def end(self) -> None:
        """See that nothing came that was not expected."""
        for conversation in self._opened:
            conversation.end()


@pytest.fixture
def flow_test(request: pytest.FixtureRequest) -> Iterator[FlowTesting]:
    """What opens conversations with flows. Each is in a world and a virtual time of its own."""
    with ExitStack() as stack:
        testing = FlowTesting(request.path.parent, stack)
        yield testing
        testing.end()
