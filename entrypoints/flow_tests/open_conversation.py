"""Opens conversations of flow tests in Python: from files and settings to a running pack."""

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from adapters.memory.clock import VirtualTimeLoop
from entrypoints.flow_tests.model import FlowTestSetup, PersonSetup
from entrypoints.flow_tests.python_api import FlowConversation
from entrypoints.flow_tests.quiet_logs import silent_logs
from entrypoints.flow_tests.runtime.environment import running_environment
from entrypoints.flow_tests.runtime.runner import Runner
from entrypoints.simulation.flyte.datastore import datastore_from_file
from entrypoints.simulation.flyte.flow_loader import flow_from_file
from entrypoints.simulation.flyte.scripted_pack import pack_from_file
from entrypoints.simulation.workspaces.channels import ChannelSetup


def load_setup(
    folder: Path,
    flows: Sequence[str | Path],
    packs: Sequence[str | Path],
    people: Sequence[PersonSetup],
    channels: Sequence[ChannelSetup],
    datastore: Mapping[str, object] | str | Path,
) -> FlowTestSetup:
    """Loads flows, packs and the datastore from files in a folder; if empty, people and channels are the default ones.

    `datastore` has items by key, or is such a file.
    """
    default = FlowTestSetup()
    return FlowTestSetup(
        flows=[flow_from_file(folder / path) for path in flows],
        packs=[pack_from_file(folder / path) for path in packs],
        people=people or default.people,
        channels=channels or default.channels,
        datastore=datastore if isinstance(datastore, Mapping) else datastore_from_file(folder / datastore),
    )


@contextmanager
def open_conversation(setup: FlowTestSetup) -> Iterator[FlowConversation]:
    """Opens a conversation in an environment of its own, and stops the pack at the end. Raises SettingsError."""
    with silent_logs(), asyncio.Runner(loop_factory=VirtualTimeLoop) as runner:
        loop = runner.get_loop()
        opened, closing = loop.create_future(), asyncio.Event()
        holding = loop.create_task(_hold_environment_open(setup, opened, closing), name="environment")
        loop.run_until_complete(asyncio.wait([opened, holding], return_when=asyncio.FIRST_COMPLETED))
        if holding.done():
            holding.result()  # raises what prevented it from opening
        yield FlowConversation(loop, opened.result())  # type: ignore[arg-type] # made by the factory
        closing.set()
        loop.run_until_complete(holding)


async def _hold_environment_open(
    setup: FlowTestSetup, opened: "asyncio.Future[Runner]", closing: asyncio.Event
) -> None:
    """Enters and leaves the environment in one task, as task groups require."""
    async with running_environment(setup) as environment:
        opened.set_result(Runner(environment))
        await closing.wait()
