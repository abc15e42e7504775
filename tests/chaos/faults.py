"""Faults besides the kill; each run draws its own."""

import asyncio
import os
import resource
import signal
import time
from collections.abc import Callable, Coroutine, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any, Final

from entrypoints.simulation.faults import ANY, Hang, Late, Reset, Slow
from entrypoints.simulation.flyte import faults as flyte_faults
from entrypoints.simulation.flyte.server import FlyteServer
from entrypoints.simulation.slack import faults as slack_faults
from entrypoints.simulation.slack.server import SlackServer
from entrypoints.simulation.slack.workspace import MAX_MESSAGES_PER_PAGE
from tests.chaos.frozen import FROZEN, Freeze
from tests.chaos.load import Load
from tests.chaos.storages import Database
from tests.support.daemon_process import DaemonProcess
from tests.support.database_proxy import COMMIT

POST: Final = "chat.postMessage"
LEASE_SECONDS: Final = 3.0
"""How long a pack of the chaos test may be silent before the others take over."""
_FULL_BYTES: Final = 4096


@dataclass(frozen=True, slots=True)
class FaultContext:
    """What a fault can act on, and the source of its randomness."""

    slack: SlackServer
    flyte: FlyteServer
    load: Load
    pack: DaemonProcess
    clock: Path
    """Says by how many seconds the clock of the pack's machine is wrong."""
    rng: Random
    doubt_seconds: float
    """How long the pack looks for a post in doubt."""
    number: int = 0
    """Of the run."""
    database: Database | None = None
    freezes: list[Freeze] = field(default_factory=list)
    """Of the pack, by those faults that freeze it for longer than a lease."""

    async def wait(self, min_seconds: float, max_seconds: float) -> None:
        """Waits for a random time."""
        await asyncio.sleep(self.rng.uniform(min_seconds, max_seconds))

    async def wait_for(self, event: str) -> Mapping[str, Any] | None:
        """Waits for a line in the pack's log, however slowly the machine starts packs; None if the pack has exited."""
        while self.pack.process.returncode is None:
            with suppress(TimeoutError):
                return await self.pack.wait_for_event(event)
        return None

    def with_probability(self, probability: float) -> Callable[[object], bool]:
        """Returns a condition for faults that is true for this fraction of calls."""
        return lambda _: self.rng.random() < probability


Fault = Callable[[FaultContext], Coroutine[Any, Any, None]]


async def flyte_down(context: FaultContext) -> None:
    """Flyte is down for a while and refuses or resets connections."""
    await context.wait(0, 1)
    await context.flyte.go_down(context.rng.choice(["refuse", "reset"]))
    await context.wait(0.3, 2.5)
    await context.flyte.come_up()


async def flyte_drops_responses(context: FaultContext) -> None:
    """Flyte processes requests and then breaks the connection."""
    for route in ("event", "take", "result"):
        context.flyte.faults.plan(route, Reset(after_effect=True), times=context.rng.randint(0, 3))


async def flyte_hangs(context: FaultContext) -> None:
    """Flyte never responds to one request, which it may or may not process."""
    fault = context.rng.choice([Hang(), Hang(after_effect=True)])
    context.flyte.faults.plan(context.rng.choice(["event", "take", "result"]), fault)


async def flyte_fails(context: FaultContext) -> None:
    """Flyte responds with server errors."""
    for route in ("event", "take", "result", "register"):
        fault = flyte_faults.status(context.rng.choice([500, 502, 503]))
        context.flyte.faults.plan(route, fault, times=context.rng.randint(1, 3))


async def flyte_forgets_pack(context: FaultContext) -> None:
    """Flyte loses the registration of the pack."""
    await context.wait(0.5, 2)
    context.flyte.unregister_packs()


async def reset_after_post(context: FaultContext) -> None:
    """Slack performs posts and breaks the connection instead of responding."""
    context.slack.faults.plan(POST, Reset(after_effect=True), times=None, when=context.with_probability(0.3))


async def reset_before_post(context: FaultContext) -> None:
    """Slack breaks the connection without performing the post."""
    context.slack.faults.plan(POST, Reset(), times=None, when=context.with_probability(0.3))


async def internal_errors(context: FaultContext) -> None:
    """Slack responds with internal_error, whether or not it has performed the post."""
    fault = slack_faults.error("internal_error", after_effect=context.rng.random() < 0.5)
    context.slack.faults.plan(POST, fault, times=context.rng.randint(1, 3))


async def post_hangs(context: FaultContext) -> None:
    """Slack never responds to a post, which it may or may not perform."""
    context.slack.faults.plan(POST, Hang(after_effect=context.rng.random() < 0.5), times=1)


async def posts_late(context: FaultContext) -> None:
    """Slack performs posts long after the connection broke or the pack stopped waiting, and its history lags."""
    late = context.doubt_seconds / 3
    context.slack.faults.plan(POST, Late(late), times=None, when=context.with_probability(0.2))
    context.slack.faults.plan(POST, Slow(late), times=None, when=context.with_probability(0.1))
    context.slack.workspace.history_lag_seconds = context.rng.uniform(0, late)


async def slack_throttles(context: FaultContext) -> None:
    """Slack responds to any call with status 429."""
    context.slack.faults.plan("*", slack_faults.rate_limited(1), times=context.rng.randint(1, 5))


async def slack_fails(context: FaultContext) -> None:
    """Slack responds with status 500 or 503, or with service_unavailable."""
    faults = [slack_faults.http_status(503), slack_faults.error("service_unavailable"), slack_faults.http_status(500)]
    context.slack.faults.plan("*", context.rng.choice(faults), times=context.rng.randint(1, 5))


async def history_lags(context: FaultContext) -> None:
    """Slack's history shows messages with a delay."""
    context.slack.workspace.history_lag_seconds = context.rng.uniform(0.5, 3)


async def history_limited(context: FaultContext) -> None:
    """Slack lets the history be read a few messages at a time, and often answers with status 429 or 500."""
    context.slack.workspace.history_page_size = context.rng.choice([1, 3, 15])
    for method in ("conversations.history", "conversations.replies"):
        limited = slack_faults.rate_limited(context.rng.randint(1, 3))
        context.slack.faults.plan(method, limited, times=None, when=context.with_probability(0.2))
        context.slack.faults.plan(method, slack_faults.http_status(500), times=None, when=context.with_probability(0.1))


async def redelivery_storm(context: FaultContext) -> None:
    """Slack redelivers acknowledged events and loses acknowledgements."""
    for _ in range(3):
        context.slack.deliveries.redeliver()
        context.slack.socket_mode.accepts_acknowledgements = context.rng.random() < 0.5
        await context.wait(0.1, 0.6)
    context.slack.socket_mode.accepts_acknowledgements = True


async def sockets_close(context: FaultContext) -> None:
    """Slack's sockets break, or Slack asks for new ones."""
    await context.wait(0.3, 2)
    if context.rng.random() < 0.5:
        context.slack.drop_sockets()
    else:
        context.slack.disconnect(close_after_seconds=context.rng.uniform(0, 1))


async def sockets_go_silent(context: FaultContext) -> None:
    """Slack's sockets stay open but carry nothing."""
    await context.wait(0.3, 2)
    context.slack.silence_sockets()


async def process_paused(context: FaultContext) -> None:
    """The pack's process gets no CPU time for a while."""
    await context.wait(0.3, 1.5)
    if _signal(context.pack, signal.SIGSTOP):
        await context.wait(0.2, 4)
        _signal(context.pack, signal.SIGCONT)


async def disk_full(context: FaultContext) -> None:
    """No file of the pack can grow for a while."""
    await context.wait(0.3, 1.5)
    if _limit_files(context.pack, _FULL_BYTES):
        await context.wait(0.5, 2)
        _limit_files(context.pack, resource.RLIM_INFINITY)


async def clock_set(context: FaultContext) -> None:
    """The clock of the pack's machine is set, and stays wrong across restarts."""
    for _ in range(context.rng.randint(1, 3)):
        await context.wait(0, 1)
        context.clock.write_text(str(context.rng.choice([-3600, 0, 120, 86400])))


async def shutdown_requested(context: FaultContext) -> None:
    """The pack is asked to shut down, and killed before it may have finished."""
    await context.wait(0.5, 2)
    _signal(context.pack, signal.SIGTERM)


async def changes_in_doubt(context: FaultContext) -> None:
    """Slack performs requests other than posts and breaks the connection instead of responding, or just breaks it."""
    for method in ("chat.update", "chat.scheduleMessage", "files.completeUploadExternal", "reactions.add"):
        is_performed = context.rng.random() < 0.5
        context.slack.faults.plan(
            method, Reset(after_effect=is_performed), times=None, when=context.with_probability(0.2)
        )


async def frozen(context: FaultContext) -> None:
    """The pack's process gets no CPU time for so long that others take over what it has in hand, in every third run."""
    await context.wait_for("hearing")
    await context.wait(0, 3)
    if context.rng.random() < 0.3 and _signal(context.pack, signal.SIGSTOP):
        await _thaw(context, time.monotonic(), context.rng.uniform(LEASE_SECONDS, 2 * LEASE_SECONDS))


async def frozen_before_post(context: FaultContext) -> None:
    """The pack's process freezes just before a post, until others have taken over and posted."""
    others_post = LEASE_SECONDS + context.doubt_seconds
    if line := await context.wait_for(FROZEN):
        await _thaw(context, float(line["at"]), context.rng.uniform(others_post, others_post + 2 * LEASE_SECONDS))


async def _thaw(context: FaultContext, frozen_at: float, seconds: float) -> None:
    await asyncio.sleep(seconds)
    context.freezes.append(Freeze(context.number, frozen_at, time.monotonic()))
    _signal(context.pack, signal.SIGCONT)


async def database_restarts(context: FaultContext) -> None:
    """The database is shut down, killed or frozen, and comes back, in every second run."""
    assert context.database
    server = context.database.server
    await context.wait(0, 3)
    if context.rng.random() < 0.5:
        return
    async with context.database.at_work:
        end, begin = context.rng.choice(
            [(server.stop, server.start), (server.kill, server.start), (server.freeze, server.thaw)]
        )
        await asyncio.shield(_interrupt(end, begin, context.rng.uniform(0, 2)))


async def _interrupt(end: Callable[[], None], begin: Callable[[], None], seconds: float) -> None:
    await asyncio.to_thread(end)
    await asyncio.sleep(seconds)
    await asyncio.to_thread(begin)


async def connections_cut(context: FaultContext) -> None:
    """Connections to the database break at any point, also between a commit and its answer, or fall silent."""
    assert context.database
    faults, rng = context.database.proxy.faults, context.rng
    faults.plan(COMMIT, Reset(after_effect=rng.random() < 0.7), times=None, when=context.with_probability(0.02))
    faults.plan(ANY, Reset(after_effect=rng.random() < 0.5), times=None, when=context.with_probability(0.005))
    await context.wait(0, 3)
    context.database.proxy.cut()


ALL: Final[tuple[Fault, ...]] = (
    flyte_down, flyte_drops_responses, flyte_hangs, flyte_fails, flyte_forgets_pack, reset_after_post,
    reset_before_post, internal_errors, post_hangs, slack_throttles, slack_fails, history_lags,
    history_limited, redelivery_storm, sockets_close, sockets_go_silent, process_paused, disk_full,
    clock_set, shutdown_requested,
)  # fmt: skip

VARIANTS: Final[Mapping[str, tuple[Fault, ...]]] = {
    "kills": (),
    "flyte-down": (flyte_down, flyte_drops_responses),
    "reset-after-post": (reset_after_post, reset_before_post),
    "slow-slack": (posts_late,),
    "redelivery": (redelivery_storm,),
    "rtm": (sockets_close,),
    "clock": (clock_set,),
    "history-limited": (history_limited,),
    "interactions": (changes_in_doubt, reset_after_post),
    "database-restart": (database_restarts,),
    "connection-cut": (connections_cut,),
    "frozen": (frozen_before_post,),
    "everything": ALL,
}
"""The faults to draw from, by variant."""
DATABASE_VARIANTS: Final = ("database-restart", "connection-cut")
"""Those with faults of PostgreSQL."""


def draw_faults(variant: str, rng: Random, *, is_shared: bool = False) -> list[Fault]:
    """Returns the faults of one run: every fault of the variant, or one to four of `everything`.

    One of several packs may also be frozen for longer than a lease.
    """
    faults = VARIANTS[variant]
    drawn = list(faults) if len(faults) < len(ALL) else rng.sample(faults, rng.randint(1, 4))
    return [*drawn, frozen] if is_shared else drawn


async def clear_faults(slack: SlackServer, flyte: FlyteServer, database: Database | None = None) -> None:
    """Ends all faults of the servers."""
    if database:
        database.proxy.faults.clear()
    slack.faults.clear()
    slack.workspace.history_lag_seconds = 0
    slack.workspace.history_page_size = MAX_MESSAGES_PER_PAGE
    slack.socket_mode.accepts_acknowledgements = True
    flyte.faults.clear()
    await flyte.come_up()


def _signal(pack: DaemonProcess, number: signal.Signals) -> bool:
    """Sends a signal. Returns False if the process has exited."""
    if pack.process.returncode is not None:
        return False
    pack.process.send_signal(number)
    return True


def _limit_files(pack: DaemonProcess, size: int) -> bool:
    """Limits the size of the process's files, as a full disk does. Returns False if the process has exited."""
    if pack.process.returncode is not None:
        return False
    try:
        resource.prlimit(pack.process.pid, resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))
    except ProcessLookupError:
        return False
    return True


def kill(pack: DaemonProcess) -> None:
    """Kills the process, unless it has exited.

    Calls the system directly, since asyncio raises ProcessLookupError once it has noticed the exit.
    """
    if pack.process.returncode is None:
        os.kill(pack.process.pid, signal.SIGKILL)
