"""A play: run after run the pack is started, troubled and killed under load; then all has to come right."""

import asyncio
import sys
import time
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any, Final

from adapters.filesystem.storage import FileStorage
from entrypoints.simulation.flyte.flow_loader import BUILT_IN, flow_from_file
from entrypoints.simulation.flyte.server import FlyteServer
from entrypoints.simulation.slack.server import SlackServer
from tests.chaos.crash_points import POINTS, armed
from tests.chaos.faults import Scene, chosen, end_all, kill
from tests.chaos.ledger import Bookkeeper, Ledger
from tests.chaos.load import Load
from tests.support.daemon_process import DaemonProcess, daemon, daemon_environ

SETTLING_SECONDS: Final = 180.0
_RETRY_SECONDS: Final = (0.0, 2.0, 10.0)
"""Slack's schedule, shortened from 0, 60 and 300."""
_QUIET_SECONDS: Final = 1.5
"""After everything has arrived, for what might arrive once more."""
_LONGEST_WAIT_FOR_A_POINT: Final = 4.0
_VARIABLES: Final = {
    "FLYTE_API_TIMEOUT": "1",
    "FLYTE_SLACK_MESSAGES_PER_SECOND": "1000",
    "FLYTE_SLACK_MESSAGE_BURST": "1000",
}


@dataclass(slots=True)
class Play:
    """What is played, and what came of it."""

    directory: Path
    seed: int
    runs: int
    variant: str = "kills"
    progress: bool = False
    log: list[dict[str, Any]] = field(default_factory=list)
    """All lines of all runs' logs, each with its run."""
    kills: Counter[str] = field(default_factory=Counter)
    """By the moment."""
    left_over: list[str] = field(default_factory=list)
    """What the storage still held at the end."""

    async def perform(self) -> Ledger:
        """Play it to its end."""
        flows = [flow_from_file(BUILT_IN / "echo.yaml")]
        slack = SlackServer(retry_seconds=_RETRY_SECONDS, classic=self.variant == "rtm")
        async with slack, FlyteServer(flows=flows, max_finished_runs=1_000_000) as flyte:
            load = Load(slack, flyte, self._chance("load"))
            self._prepare(load)
            async with _under_load(load, self._chance("pace")):
                for number in range(self.runs):
                    await self._run(number, slack, flyte, load)
            await self._settle(slack, flyte, load)
            return Bookkeeper(load, slack, flyte).ledger()

    def _prepare(self, load: Load) -> None:
        state = self.directory / "state"
        state.mkdir(mode=0o700)
        (state / "channels.json").write_text("[" + ",".join(f'"{one}"' for one in load.channels) + "]")

    async def _run(self, number: int, slack: SlackServer, flyte: FlyteServer, load: Load) -> None:
        chance = self._chance(f"run {number}")
        await self._stay_away(chance, slack, load)
        async with self._daemon(number, slack, flyte) as pack, asyncio.TaskGroup() as tasks:
            scene = Scene(slack, flyte, load, pack, chance)
            troubles = [tasks.create_task(trouble(scene)) for trouble in chosen(self.variant, chance)]
            await self._kill(chance, scene)
            for trouble in troubles:
                trouble.cancel()
        await end_all(slack, flyte)
        if self.progress:
            print(f"run {number + 1} of {self.runs}: said {len(load.spoken)}, asked {len(load.asked)}", file=sys.stderr)

    async def _stay_away(self, chance: Random, slack: SlackServer, load: Load) -> None:
        """Sometimes the pack is away for a while, and sometimes for so long that Slack gives up delivering."""
        if chance.random() < 0.3:
            await asyncio.sleep(chance.uniform(0.1, 1.5))
        if self.variant == "everything" and chance.random() < 0.2:
            for delivery in slack.unacknowledged.values():
                load.note_lost(*delivery.message_key)
            slack.discard_unacknowledged()

    async def _kill(self, chance: Random, scene: Scene) -> None:
        """At a named point, or at any moment; now and then after long enough for doubts to be resolved."""
        died = asyncio.create_task(scene.pack.process.wait(), name="end of the daemon")
        point = chance.choice(POINTS) if chance.random() < 0.5 else None
        seconds = chance.uniform(7, 9) if chance.random() < 0.15 else chance.uniform(0.05, 3)
        struck: list[str] = []

        def strike() -> None:
            struck.append(point.name if point else "")
            kill(scene.pack)

        with armed(point, chance.randint(1, 3), scene.slack, scene.flyte, strike) if point else nullcontext():
            await asyncio.wait({died}, timeout=_LONGEST_WAIT_FOR_A_POINT if point else seconds)
        if not struck:
            self.kills["at any moment" if scene.pack.process.returncode is None else "ended before"] += 1
            kill(scene.pack)
        self.kills.update(struck)
        await died

    async def _settle(self, slack: SlackServer, flyte: FlyteServer, load: Load) -> None:
        """Once more from the start, without any trouble, until nothing is missing; then look what is left over."""
        for delivery in slack.unacknowledged.values():
            if delivery.is_given_up:
                load.note_lost(*delivery.message_key)
        async with self._daemon(self.runs, slack, flyte) as pack:
            await self._until_settled(load, slack, flyte)
            await asyncio.sleep(_QUIET_SECONDS)
            if await pack.stop():
                self.left_over.append(f"the pack ended with status {pack.process.returncode}")
        await self._look_into_storage()

    async def _until_settled(self, load: Load, slack: SlackServer, flyte: FlyteServer) -> None:
        until = time.monotonic() + SETTLING_SECONDS
        while not Bookkeeper(load, slack, flyte).is_settled() and time.monotonic() < until:  # noqa: ASYNC110 - see below
            await asyncio.sleep(0.5)  # to look through all the books after each single event would take too long

    async def _look_into_storage(self) -> None:
        storage = FileStorage(self.directory / "state")
        async with storage.open():
            outbox, journal = await storage.outbox.backlog(), await storage.journal.backlog()
        for name, depth in (("outbox", outbox), ("journal", journal)):
            if depth.waiting or depth.dead_lettered:
                self.left_over.append(f"{name}: {depth.waiting} waiting, {depth.dead_lettered} set aside")

    @asynccontextmanager
    async def _daemon(self, number: int, slack: SlackServer, flyte: FlyteServer) -> AsyncIterator[DaemonProcess]:
        token = {} if slack.access.is_classic else {"FLYTE_SLACK_APP_TOKEN": slack.app_token}
        variables = daemon_environ(slack, flyte, self.directory, **token, **_VARIABLES)
        async with daemon(variables) as pack:
            yield pack
        self.log += [{"run": number, **line} for line in pack.log]
        self.log += [{"run": number, "event": line} for line in pack.other_lines]

    def _chance(self, purpose: str) -> Random:
        return Random(f"{self.seed} {purpose}")


@asynccontextmanager
async def _under_load(load: Load, chance: Random) -> AsyncIterator[None]:
    async def go_on() -> None:
        while True:
            load.step()
            await asyncio.sleep(chance.uniform(0.0, 0.1))

    task = asyncio.create_task(go_on(), name="load")
    try:
        yield
    finally:
        task.cancel()
        await asyncio.wait([task])
