"""Whether the pack's metrics agree with what both servers have seen, and with its storage."""

import json
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any, Final

import aiohttp

from application.catalog.commands import COMMANDS_BY_NAME
from domain.outbox import Backlog
from entrypoints.simulation.flyte.server import FlyteServer
from tests.support.daemon_process import DaemonProcess
from tests.support.metrics import Shown

_NOTHING: Final = Shown("")


async def scrape(pack: DaemonProcess) -> Shown:
    """Returns what a pack shows; nothing if it has exited."""
    try:
        async with aiohttp.ClientSession() as session, session.get(f"{await pack.url()}/metrics") as response:
            return Shown(await response.text())
    except aiohttp.ClientError:
        return _NOTHING


def gauge_problems(shown: Shown, backlogs: Mapping[str, Backlog]) -> Iterator[str]:
    """Yields the queues of which the metrics show something else than their storage holds."""
    for queue, backlog in backlogs.items():
        counts = {state: shown.value(f"{queue}_entries", state=state) for state in ("waiting", "set_aside")}
        if counts != {"waiting": backlog.waiting, "set_aside": backlog.dead_lettered}:
            yield f"metrics: {queue}_entries is {counts}, but the storage holds {backlog}"


def counter_problems(shown: Shown, flyte: FlyteServer) -> Iterator[str]:
    """Yields where the counters of a pack that has run all the time differ from what Flyte has seen.

    An event that reached Flyte twice, because its audit can't show it, was delivered once as far as the pack can know.
    """
    events = {(event.name, json.dumps(event.payload, sort_keys=True)) for event in flyte.events}
    delivered = Counter(name for name, _ in events if name.startswith(("Received", "Reaction")))
    answered = Counter(
        (flyte.actions[action_id].name, _outcome(flyte.actions[action_id].name, result.name))
        for action_id, result in flyte.results.items()
    )
    expected: Mapping[str, Mapping[Any, int]] = {
        "event_delivery_seconds_count": Counter((name,) for name in delivered.elements()),
        "actions_total": answered,
        "action_seconds_count": {
            (name,): count for name, count in Counter(name for name, _ in answered.elements()).items()
        },
    }
    for metric, counts in expected.items():
        if (found := shown.above_zero(metric)) != counts:
            yield f"metrics: {metric} is {found}, but Flyte has {counts}"
    arrived = shown.sum("arrivals_total", result="stored") + shown.sum("arrivals_total", result="caught_up")
    if arrived != delivered.total():
        yield f"metrics: {arrived:.0f} arrivals were stored, but Flyte has {delivered.total()} events"


def _outcome(command: str, event: str) -> str:
    if event == "FATAL":
        return "fatal"
    return "succeeded" if event == COMMANDS_BY_NAME[command].success else "failed"
