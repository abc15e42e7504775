"""Time from a click to the modal that a flow opens in answer, idle and while posts wait."""

import asyncio
import random
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median, quantiles

from entrypoints.simulation.flyte.flow_loader import flow_from_file
from entrypoints.simulation.slack import event_log
from tests.bench.environment import TIMEOUT_SECONDS, BenchEnvironment, bench_environment
from tests.bench.report import Report, milliseconds

CLICKS = 300
WAITING_POSTS = 500
"""In one channel, at Slack's pace of one a second."""
MODAL_FLOW = Path(__file__).with_name("open_modal.yaml")
_BUTTON = {
    "type": "actions",
    "elements": [{"type": "button", "action_id": "go", "text": {"type": "plain_text", "text": "Go"}}],
}


@dataclass(frozen=True, slots=True)
class ClickLatency:
    """Seconds from each click to its modal."""

    idle: list[float]
    busy: list[float]
    """While posts wait for their pace."""
    problems: list[str]


async def measure_clicks(directory: Path, latency_seconds: float) -> ClickLatency:
    """Clicks one button after another, each of which opens a modal; takes a minute and a half."""
    async with bench_environment(directory, channels=10, latency_seconds=latency_seconds) as env:
        env.flyte.add_flow(flow_from_file(MODAL_FLOW))
        async with env.pack() as (pack, _):
            await env.slack.wait_for(lambda: env.slack.counters["auth.test"] > 0)
            await asyncio.sleep(1.0)  # lets the work done at start finish
            idle = await click_latencies(env, CLICKS)
            posts = env.slack.counters["posts"]
            for number in range(WAITING_POSTS):
                post = {"channelId": env.channels[0], "message": f"waits {number}"}
                env.flyte.queue_action("Slack", "SendMessage", post)
            await env.slack.wait_for(lambda: env.slack.counters["posts"] > posts, TIMEOUT_SECONDS)
            busy = await click_latencies(env, CLICKS)
            await pack.stop()
        opened = sum(call.method == "views.open" for call in env.slack.calls)
    problems = [] if opened == 2 * CLICKS else [f"{2 * CLICKS} clicks opened {opened} modals"]
    return ClickLatency(idle, busy, problems)


def print_clicks(report: Report, columns: Sequence[ClickLatency]) -> None:
    """Prints medians and 99th percentiles side by side."""
    for label, samples in (
        ("from click to modal, idle", [one.idle for one in columns]),
        (f"from click to modal, {WAITING_POSTS} posts waiting", [one.busy for one in columns]),
    ):
        report.row(f"{label}: median", *(milliseconds(median(seconds)) for seconds in samples))
        report.row(f"{label}: p99", *(milliseconds(quantiles(seconds, n=100)[-1]) for seconds in samples))
    report.row("modals", *(report.check("clicks", one.problems) for one in columns))


async def click_latencies(env: BenchEnvironment, count: int) -> list[float]:
    """Clicks one button after another. Returns for each the seconds until its modal was open.

    The environment has the flow of `MODAL_FLOW`.
    """
    channel = env.channels[1]
    ts = env.slack.say_as_bot("board", channel, "press", blocks=[_BUTTON])
    rng, samples = random.Random(1), []
    for _ in range(count):
        opened: list[float] = []

        def on_event(seen: event_log.SlackEvent, opened: list[float] = opened) -> None:
            if isinstance(seen, event_log.Call) and seen.method == "views.open" and not seen.error:
                opened.append(seen.at)

        env.slack.log.listeners.append(on_event)
        began = time.monotonic()
        env.slack.click(env.regular, channel, ts, "go")
        await env.slack.wait_for(lambda opened=opened: opened, TIMEOUT_SECONDS)  # type: ignore[misc]
        env.slack.log.listeners.remove(on_event)
        samples.append(opened[0] - began)
        await asyncio.sleep(rng.uniform(0.03, 0.1))  # avoids a fixed phase against the pack's polling
    return samples
