"""The runner: starts packs, injects faults and kills them under load, again and again, and then lets one catch up.

Without kills one pack lives through all faults, so that its counters must agree with the ledger.
"""

import asyncio
import signal
import sys
import time
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, nullcontext
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from random import Random
from typing import Any, Final

from domain.channels import ChannelId
from entrypoints.simulation.flyte.flow_loader import BUILT_IN, flow_from_file
from entrypoints.simulation.flyte.server import FlyteServer
from entrypoints.simulation.slack.server import SlackServer
from tests.chaos.counters import counter_problems, gauge_problems, scrape
from tests.chaos.crash_points import CRASH_POINTS, INTERACTION_POINTS, armed
from tests.chaos.faults import LEASE_SECONDS, FaultContext, clear_faults, draw_faults, kill, shutdown_requested
from tests.chaos.frozen import Freeze, frozen_posts
from tests.chaos.interaction_ledger import InteractionAuditor
from tests.chaos.interaction_load import InteractionLoad
from tests.chaos.ledger import Auditor, Ledger
from tests.chaos.load import Load
from tests.chaos.storages import FILE, ChaosStorage, chaos_storage
from tests.chaos.together import POST_BURST, POSTS_PER_SECOND, Together, check_together
from tests.support.daemon_process import DaemonProcess, daemon_environ, fresh_daemon
from tests.support.metrics import Shown

_CATCH_UP_SECONDS: Final = 300.0
"""The time without an arrival after which everything that is missing counts as lost."""
_MAX_CATCH_UP_SECONDS: Final = 1800.0
_RETRY_SECONDS: Final = (0.0, 2.0, 10.0)
"""Slack's delays before redelivery, shortened from 0, 60 and 300 seconds."""
_RETRY_SECONDS_OF_REPLICAS: Final = (0.0, 4.0, 30.0)
"""Replicas rely on Slack's redelivery after a gap of a minute, here of some seconds."""
_RETRY_SECONDS_WITHOUT_KILLS: Final = (0.0, 4.0, 60.0)
"""A pack that goes on does not read the history after a gap of less than a minute: Slack itself delivers again."""
_QUIET_SECONDS: Final = 1.5
"""Time for duplicates to arrive after everything is there."""
_GIVE_UP_PROBABILITY: Final = {"everything": 0.2, "history-limited": 0.7}
"""By variant: in how many runs Slack gives up its deliveries before the pack starts."""
_CONNECTED_PROBABILITY: Final = 0.8
"""In how many runs the pack is connected before it is killed, if it has replicas or there are interactions.

Slack never repeats an interaction; and several packs that start at once take long.
"""
_FLOWS: Final = Path(__file__).with_name("flows")
"""So that Flyte's audit, which knows only events that brought an action about, shows them."""
_PACK: Final = Path(__file__).with_name("pack.py")
_CRASH_POINT_TIMEOUT_SECONDS: Final = 4.0
_VARIABLES: Final = {
    "FLYTE_API_TIMEOUT": "2",
    "FLYTE_SLACK_BACKUP_DIR": "",
    "FLYTE_SLACK_LEASE": f"{LEASE_SECONDS:g}",
}
_UNLIMITED: Final = {"FLYTE_SLACK_MESSAGES_PER_SECOND": "1000", "FLYTE_SLACK_MESSAGE_BURST": "1000"}
_PACED: Final = {
    "FLYTE_SLACK_MESSAGES_PER_SECOND": str(POSTS_PER_SECOND),
    "FLYTE_SLACK_MESSAGE_BURST": str(POST_BURST),
}
_LONG_LIFE: Final = "frozen"
"""The variant whose packs have to live until they are thawed."""
_EXPECTED_STATUSES: Final = (0, -signal.SIGKILL)


@dataclass(frozen=True, slots=True)
class ChaosEnvironment:
    """What the packs run between, and what happens there."""

    slack: SlackServer
    flyte: FlyteServer
    load: Load
    storage: ChaosStorage


@dataclass(slots=True)
class ChaosRunner:
    """The options of a chaos test, and its results besides the ledger."""

    directory: Path
    seed: int
    runs: int
    variant: str = "kills"
    storage: str = FILE
    replicas: int = 1
    """How many packs run on the storage at a time."""
    kills_packs: bool = True
    """Otherwise there is one pack, which lives until the end."""
    doubt_seconds: float = 6.0
    """How long the pack looks for a post in doubt; with the program's minute most channels would wait all the time."""
    shows_progress: bool = False
    log: list[dict[str, Any]] = field(default_factory=list)
    """The log lines of all runs, each with the number of its run."""
    kills: Counter[str] = field(default_factory=Counter)
    """The number of kills by crash point."""
    leftovers: list[str] = field(default_factory=list)
    """What the storage still held at the end, packs that ended by themselves, and metrics that were wrong."""
    freezes: list[Freeze] = field(default_factory=list)
    shown: Shown = field(default_factory=lambda: Shown(""))
    """What the last pack's metrics showed at the end."""
    together: Together = field(default_factory=Together)
    """How several packs kept order and rates."""

    @property
    def _clock(self) -> Path:
        """Says by how many seconds the clock of the pack's machine is wrong."""
        return self.directory / "clock"

    async def run(self) -> Ledger:
        """Kills the pack `runs` times, lets it catch up, and returns the ledger."""
        self._clock.write_text("0")
        flows = [flow_from_file(BUILT_IN / "echo.yaml"), *map(flow_from_file, sorted(_FLOWS.glob("*.yaml")))]
        retries = _RETRY_SECONDS if self.replicas == 1 else _RETRY_SECONDS_OF_REPLICAS
        retries = retries if self.kills_packs else _RETRY_SECONDS_WITHOUT_KILLS
        slack = SlackServer(retry_seconds=retries, classic=self.variant == "rtm")
        flyte = FlyteServer(flows=flows, max_finished_runs=1_000_000)
        async with chaos_storage(self.storage, self.directory) as storage, slack, flyte:
            load = self._load_type(slack, flyte, self._rng("load"))
            env = ChaosEnvironment(slack, flyte, load, storage)
            await self._join_channels(env)
            if not self.kills_packs:
                await self._run_one_pack(env)
                return self._audit(env).ledger()
            async with _under_load(load, self._rng("pace")), asyncio.TaskGroup() as tasks:
                numbers = iter(range(self.runs))
                for _ in range(self.replicas):
                    tasks.create_task(self._run_replica(numbers, env))
            await self._catch_up(env)
            if storage.database:
                self.together = check_together(load, slack, flyte, await storage.places(), self._frozen_posts(slack))
            return self._audit(env).ledger()

    @property
    def _load_type(self) -> type[Load]:
        return InteractionLoad if self.variant == "interactions" else Load

    def _audit(self, env: ChaosEnvironment) -> Auditor:
        frozen = self._frozen_posts(env.slack)
        if isinstance(env.load, InteractionLoad):
            return InteractionAuditor(env.load, env.slack, env.flyte, frozen)
        return Auditor(env.load, env.slack, env.flyte, frozen)

    def _frozen_posts(self, slack: SlackServer) -> set[tuple[str, str]]:
        arrivals = {(post.text.split()[-1], post.channel): post.at for post in slack.posts}
        return frozen_posts(self.log, self.freezes, arrivals)

    async def _join_channels(self, env: ChaosEnvironment) -> None:
        """Records the channels as joined before the first message, so that the pack backfills everything since."""
        async with env.storage.open() as storage:
            for channel in env.load.channels:
                await storage.channels.join(ChannelId(channel), since=datetime.now(UTC))
        await env.storage.record_places()

    async def _run_replica(self, numbers: Iterator[int], env: ChaosEnvironment) -> None:
        """Does one run after another, next to the other replicas, until the runs are used up."""
        for number in numbers:
            await self._run_once(number, env)

    async def _run_once(self, number: int, env: ChaosEnvironment) -> None:
        rng = self._rng(f"run {number}")
        await self._stay_down(rng, env)
        async with self._daemon(number, env) as pack, asyncio.TaskGroup() as tasks:
            context = self._fault_context(number, env, pack, rng)
            drawn = draw_faults(self.variant, rng, is_shared=self.replicas > 1)
            faults = [tasks.create_task(fault(context)) for fault in drawn]
            await self._kill(rng, context)
            for fault in faults:
                fault.cancel()
        await clear_faults(env.slack, env.flyte, env.storage.database)
        if self.shows_progress:
            counts = f"{len(env.load.messages)} messages, {len(env.load.actions)} actions"
            print(f"run {number + 1} of {self.runs}: {counts}", file=sys.stderr)

    async def _run_one_pack(self, env: ChaosEnvironment) -> None:
        """Lets one pack live through the faults of all runs."""
        async with self._daemon(0, env) as pack:
            async with _under_load(env.load, self._rng("pace")):
                for number in range(self.runs):
                    await self._trouble(self._fault_context(number, env, pack, self._rng(f"run {number}")))
                    await clear_faults(env.slack, env.flyte, env.storage.database)
            await self._finish(pack, env)
        self.leftovers += counter_problems(self.shown, env.flyte)
        await self._inspect(env.storage)

    async def _trouble(self, context: FaultContext) -> None:
        """Lets the faults of one run happen, all to their end."""
        drawn = draw_faults(self.variant, context.rng)
        async with asyncio.TaskGroup() as faults:
            for fault in drawn:
                if fault is not shutdown_requested:
                    faults.create_task(fault(context), name=fault.__name__)
            await context.wait(2, 4)

    def _fault_context(self, number: int, env: ChaosEnvironment, pack: DaemonProcess, rng: Random) -> FaultContext:
        return FaultContext(
            env.slack,
            env.flyte,
            env.load,
            pack,
            self._clock,
            rng,
            self.doubt_seconds,
            number,
            env.storage.database,
            self.freezes,
        )

    async def _stay_down(self, rng: Random, env: ChaosEnvironment) -> None:
        """Leaves the pack down for a while in some runs, and in some for so long that Slack gives up delivering."""
        if rng.random() < 0.3:
            await asyncio.sleep(rng.uniform(0.1, 1.5))
        if rng.random() < _GIVE_UP_PROBABILITY.get(self.variant, 0):
            for delivery in env.slack.unacknowledged.values():
                env.load.on_given_up(delivery)
            env.slack.deliveries.discard_unacknowledged()

    async def _kill(self, rng: Random, context: FaultContext) -> None:
        """Kills the pack at a crash point or after a random time, some runs being long enough to resolve doubts."""
        is_long = self.variant == "interactions" or self.replicas > 1
        if is_long and rng.random() < _CONNECTED_PROBABILITY:
            await context.wait_for("hearing")
        exited = asyncio.create_task(context.pack.process.wait(), name="exit of the daemon")
        crash_points = (*CRASH_POINTS, *INTERACTION_POINTS) if self.variant == "interactions" else CRASH_POINTS
        crash_point = rng.choice(crash_points) if rng.random() < 0.5 and self.variant != _LONG_LIFE else None
        seconds = rng.uniform(7, 9) if rng.random() < 0.15 else rng.uniform(0.05, 3) * self.replicas
        if self.variant == _LONG_LIFE:
            seconds = rng.uniform(3, 5) * LEASE_SECONDS + self.doubt_seconds
        crashes: list[str] = []

        def crash() -> None:
            crashes.append(crash_point.name if crash_point else "")
            kill(context.pack)

        occurrence = rng.randint(1, 3)
        with armed(crash_point, occurrence, context.slack, context.flyte, crash) if crash_point else nullcontext():
            await asyncio.wait({exited}, timeout=_CRASH_POINT_TIMEOUT_SECONDS if crash_point else seconds)
        if not crashes:
            self.kills["random moment" if context.pack.process.returncode is None else "exited before"] += 1
            kill(context.pack)
        self.kills.update(crashes)
        if (status := await exited) not in _EXPECTED_STATUSES:
            self.leftovers.append(f"a pack exited with status {status}")

    async def _catch_up(self, env: ChaosEnvironment) -> None:
        """Starts the pack once more, without faults, until nothing is missing; then inspects its storage."""
        for delivery in env.slack.unacknowledged.values():
            if delivery.is_given_up:
                env.load.on_given_up(delivery)
        async with self._daemon(self.runs, env) as pack:
            await self._finish(pack, env)
        await self._inspect(env.storage)

    async def _finish(self, pack: DaemonProcess, env: ChaosEnvironment) -> None:
        """Waits until nothing is missing, looks at the metrics, and stops the pack."""
        self._clock.write_text("0")
        await self._wait_until_complete(env)
        await asyncio.sleep(_QUIET_SECONDS)
        self.shown = await scrape(pack)
        if await pack.stop():
            self.leftovers.append(f"the pack exited with status {pack.process.returncode}")

    async def _wait_until_complete(self, env: ChaosEnvironment) -> None:
        """Waits while events, posts or results arrive; hundreds of frozen packs leave more behind than minutes drain.

        Flyte's record of a result can be out of date; then the pack repeats it for minutes before it continues.
        """
        latest = time.monotonic() + _MAX_CATCH_UP_SECONDS
        arrived, until = -1, latest
        while time.monotonic() < min(until, latest):
            if self._audit(env).is_complete() and await env.storage.is_drained():
                return
            now_arrived = len(env.flyte.events) + len(env.flyte.results) + len(env.slack.posts)
            if now_arrived > arrived:
                arrived, until = now_arrived, time.monotonic() + _CATCH_UP_SECONDS
            await asyncio.sleep(0.5)  # an audit after each single event would take too long

    async def _inspect(self, storage: ChaosStorage) -> None:
        async with storage.open() as opened:
            backlogs = {"outbox": await opened.outbox.backlog(), "journal": await opened.journal.backlog()}
        self.leftovers += gauge_problems(self.shown, backlogs)
        for name, backlog in backlogs.items():
            if backlog.waiting or backlog.dead_lettered:
                self.leftovers.append(f"{name}: {backlog.waiting} waiting, {backlog.dead_lettered} dead-lettered")

    @asynccontextmanager
    async def _daemon(self, number: int, env: ChaosEnvironment) -> AsyncIterator[DaemonProcess]:
        token = {} if env.slack.access.is_classic else {"FLYTE_SLACK_APP_TOKEN": env.slack.app_token}
        pace = _PACED if env.storage.database else _UNLIMITED
        more = {"FLYTE_SLACK_STORAGE": env.storage.url, **token, **pace, **_VARIABLES}
        variables = daemon_environ(env.slack, env.flyte, self.directory) | more
        freezes = self.variant == _LONG_LIFE and number < self.runs and number % self.replicas == 0
        freeze_before = self._rng(f"freeze {number}").randint(1, 5) if freezes else 0
        program = (sys.executable, _PACK, f"{self.doubt_seconds:g}", self._clock, str(freeze_before))
        async with fresh_daemon(variables, program=program) as pack:
            yield pack
        self.log += [{"run": number, **line} for line in pack.log]
        self.log += [{"run": number, "event": line} for line in pack.other_lines]

    def _rng(self, purpose: str) -> Random:
        return Random(f"{self.seed} {purpose}")


@asynccontextmanager
async def _under_load(load: Load, rng: Random) -> AsyncIterator[None]:
    async def generate_load() -> None:
        while True:
            load.step()
            await asyncio.sleep(rng.uniform(0.0, 0.1))

    task = asyncio.create_task(generate_load(), name="load")
    try:
        yield
    finally:
        task.cancel()
        await asyncio.wait([task])
