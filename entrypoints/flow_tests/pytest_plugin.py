"""The pytest fixture `flow_test`: flow tests in Python. Pytest loads this module; the rest only where it is used."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from pathlib import Path

    from entrypoints.flow_tests.model import PersonSetup
    from entrypoints.flow_tests.python_api import FlowConversation
    from entrypoints.simulation.workspaces.channels import ChannelSetup


class _Conversations:
    """Opens the conversations of one test function."""

    def __init__(self, folder: Path, stack: ExitStack) -> None:
        self._folder = folder
        self._stack = stack
        self._opened: list[FlowConversation] = []

    def open(
        self,
        flows: Sequence[str | Path] = (),
        *,
        packs: Sequence[str | Path] = (),
        settings: Mapping[str, str] | None = None,
        datastore: Mapping[str, object] | str | Path | None = None,
        people: Sequence[PersonSetup] = (),
        channels: Sequence[ChannelSetup] = (),
    ) -> FlowConversation:
        """Opens a conversation with flows and scripted packs: paths, relative to the test's folder.

        `datastore` has items by key, or is the path of a file that has them.

        By default there are alice and bob, and the joined channels #general and #ops.
        """
        from entrypoints.simulation_extra import missing_libraries_remark  # noqa: PLC0415 - only where used

        if remark := missing_libraries_remark("the fixture flow_test"):
            pytest.fail(remark, pytrace=False)
        from entrypoints.flow_tests.open_conversation import load_setup, open_conversation  # noqa: PLC0415 - likewise

        setup = load_setup(self._folder, flows, packs, people, channels, datastore or {})
        setup = replace(setup, settings=settings or {})
        conversation = self._stack.enter_context(open_conversation(setup))
        self._opened.append(conversation)
        return conversation

    def end(self) -> None:
        """Fails the test when there are unexpected messages."""
        for conversation in self._opened:
            conversation.end()


@pytest.fixture
def flow_test(request: pytest.FixtureRequest) -> Iterator[Callable[..., FlowConversation]]:
    """Opens conversations with flows, each in an environment and a virtual time of its own."""
    with ExitStack() as stack:
        conversations = _Conversations(request.path.parent, stack)
        yield conversations.open
        conversations.end()
