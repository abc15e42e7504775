"""What goes wrong besides the kill: a few troubles for each run, by chance."""

import asyncio
import os
import resource
import signal
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import dataclass
from random import Random
from typing import Any, Final

from entrypoints.simulation.faults import Hang, Reset
from entrypoints.simulation.flyte import faults as flyte_faults
from entrypoints.simulation.flyte.server import FlyteServer
from entrypoints.simulation.slack import faults as slack_faults
from entrypoints.simulation.slack.server import SlackServer
from tests.chaos.load import Load
from tests.support.daemon_process import DaemonProcess

POST: Final = "chat.postMessage"
_FULL_BYTES: Final = 4096


@dataclass(frozen=True, slots=True)
class Scene:
    """Everything that trouble can be made with."""

    slack: SlackServer
    flyte: FlyteServer
    load: Load
    pack: DaemonProcess
    chance: Random

    async def later(self, least: float, most: float) -> None:
        """Let some time pass."""
        await asyncio.sleep(self.chance.uniform(least, most))

    def sometimes(self, share: float) -> Callable[[object], bool]:
        """True by chance, for so many of all calls."""
        return lambda _: self.chance.random() < share


Trouble = Callable[[Scene], Coroutine[Any, Any, None]]


async def flyte_down(scene: Scene) -> None:
    """Flyte is away for a while, refusing or resetting connections."""
    await scene.later(0, 1)
    await scene.flyte.go_down(scene.chance.choice(["refuse", "reset"]))
    await scene.later(0.3, 2.5)
    await scene.flyte.come_up()


async def flyte_loses_answers(scene: Scene) -> None:
    """Flyte processes requests and breaks the connection."""
    for route in ("event", "take", "result"):
        scene.flyte.faults.plan(route, Reset(after_effect=True), times=scene.chance.randint(0, 3))


async def flyte_never_answers(scene: Scene) -> None:
    """Flyte lets one request wait without end, processed or not."""
    fault = scene.chance.choice([Hang(), Hang(after_effect=True)])
    scene.flyte.faults.plan(scene.chance.choice(["event", "take", "result"]), fault)


async def flyte_fails(scene: Scene) -> None:
    """Flyte answers with failures of its own."""
    for route in ("event", "take", "result", "register"):
        fault = flyte_faults.status(scene.chance.choice([500, 502, 503]))
        scene.flyte.faults.plan(route, fault, times=scene.chance.randint(1, 3))


async def flyte_forgets(scene: Scene) -> None:
    """Flyte has forgotten the pack."""
    await scene.later(0.5, 2)
    scene.flyte.unregister_packs()


async def reset_after_post(scene: Scene) -> None:
    """Slack performs posts, and breaks the connection in the answer's place."""
    scene.slack.faults.plan(POST, Reset(after_effect=True), times=None, when=scene.sometimes(0.3))


async def reset_before_post(scene: Scene) -> None:
    """Slack breaks the connection and performs nothing."""
    scene.slack.faults.plan(POST, Reset(), times=None, when=scene.sometimes(0.3))


async def internal_errors(scene: Scene) -> None:
    """Slack says internal_error, and has performed the post or has not."""
    fault = slack_faults.error("internal_error", after_effect=scene.chance.random() < 0.5)
    scene.slack.faults.plan(POST, fault, times=scene.chance.randint(1, 3))


async def post_never_answered(scene: Scene) -> None:
    """Slack performs a post, or does not, and never answers."""
    scene.slack.faults.plan(POST, Hang(after_effect=scene.chance.random() < 0.5), times=1)


async def slack_throttles(scene: Scene) -> None:
    """Slack answers 429 to any call."""
    scene.slack.faults.plan("*", slack_faults.rate_limited(1), times=scene.chance.randint(1, 5))


async def slack_fails(scene: Scene) -> None:
    """Slack answers 500, 503 and service_unavailable."""
    faults = [slack_faults.http_status(503), slack_faults.error("service_unavailable"), slack_faults.http_status(500)]
    scene.slack.faults.plan("*", scene.chance.choice(faults), times=scene.chance.randint(1, 5))


async def history_lags(scene: Scene) -> None:
    """Slack's history shows a message a while after it was posted."""
    scene.slack.history_lag_seconds = scene.chance.uniform(0.5, 3)


async def redelivery_storm(scene: Scene) -> None:
    """Slack delivers again and again what was acknowledged, and loses acknowledgements."""
    for _ in range(3):
        scene.slack.redeliver()
        scene.slack.socket_mode.accepts_acknowledgements = scene.chance.random() < 0.5
        await scene.later(0.1, 0.6)
    scene.slack.socket_mode.accepts_acknowledgements = True


async def sockets_die(scene: Scene) -> None:
    """Slack's sockets break, or are asked to end."""
    await scene.later(0.3, 2)
    if scene.chance.random() < 0.5:
        scene.slack.drop_sockets()
    else:
        scene.slack.disconnect(close_after_seconds=scene.chance.uniform(0, 1))


async def sockets_fall_silent(scene: Scene) -> None:
    """Slack's sockets stay open and dead."""
    await scene.later(0.3, 2)
    scene.slack.silence_sockets()


async def stopped_for_a_while(scene: Scene) -> None:
    """The machine has no time for the pack."""
    await scene.later(0.3, 1.5)
    if _signal(scene.pack, signal.SIGSTOP):
        await scene.later(0.2, 4)
        _signal(scene.pack, signal.SIGCONT)


async def disk_full(scene: Scene) -> None:
    """No file can grow for a while."""
    await scene.later(0.3, 1.5)
    if _limit_files(scene.pack, _FULL_BYTES):
        await scene.later(0.5, 2)
        _limit_files(scene.pack, resource.RLIM_INFINITY)


async def asked_to_stop(scene: Scene) -> None:
    """Somebody asks the pack to end, and has no patience."""
    await scene.later(0.5, 2)
    _signal(scene.pack, signal.SIGTERM)


ALL: Final[tuple[Trouble, ...]] = (
    flyte_down, flyte_loses_answers, flyte_never_answers, flyte_fails, flyte_forgets, reset_after_post,
    reset_before_post, internal_errors, post_never_answered, slack_throttles, slack_fails, history_lags,
    redelivery_storm, sockets_die, sockets_fall_silent, stopped_for_a_while, disk_full, asked_to_stop,
)  # fmt: skip

VARIANTS: Final[Mapping[str, tuple[Trouble, ...]]] = {
    "kills": (),
    "flyte-down": (flyte_down, flyte_loses_answers),
    "reset-after-post": (reset_after_post, reset_before_post),
    "redelivery": (redelivery_storm,),
    "rtm": (sockets_die,),
    "everything": ALL,
}
"""What is chosen from, by the name of the variant."""


def chosen(variant: str, chance: Random) -> list[Trouble]:
    """The troubles of one run: of a few all, of many some."""
    troubles = VARIANTS[variant]
    return list(troubles) if len(troubles) < len(ALL) else chance.sample(troubles, chance.randint(1, 4))


async def end_all(slack: SlackServer, flyte: FlyteServer) -> None:
    """Everything goes well from now on."""
    slack.faults.clear()
    slack.history_lag_seconds = 0
    slack.socket_mode.accepts_acknowledgements = True
    flyte.faults.clear()
    await flyte.come_up()


def _signal(pack: DaemonProcess, number: signal.Signals) -> bool:
    """Send it, if the process still is."""
    if pack.process.returncode is not None:
        return False
    pack.process.send_signal(number)
    return True


def _limit_files(pack: DaemonProcess, size: int) -> bool:
    """Let no file of the process grow beyond this, if it still is; what fails then is as on a full disk."""
    if pack.process.returncode is not None:
        return False
    try:
        resource.prlimit(pack.process.pid, resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))
    except ProcessLookupError:
        return False
    return True


def kill(pack: DaemonProcess) -> None:
    """End the process as the kernel does; nothing of it runs any more. Directly: asyncio may know it as ended."""
    if pack.process.returncode is None:
        os.kill(pack.process.pid, signal.SIGKILL)
