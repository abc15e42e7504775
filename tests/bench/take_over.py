"""From the end of a replica to the delivery of what it had in hand, by another one."""

import time
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median

from entrypoints.simulation.faults import Hang
from entrypoints.simulation.flyte.models import ActionState
from entrypoints.simulation.flyte.trace import ActionFinished, TraceEvent
from tests.bench.environment import TIMEOUT_SECONDS, BenchEnvironment, bench_environment
from tests.bench.report import Report
from tests.bench.storages import BenchStorage
from tests.support.postgres_server import ServerProcess, fresh_database

ROUNDS = 3
CHANNELS = 20


@dataclass(slots=True)
class TakeOver:
    """Seconds from each kill."""

    messages: list[float] = field(default_factory=list)
    """Until Flyte received a message that the killed replica was delivering."""
    repeatable: list[float] = field(default_factory=list)
    """Until Flyte received the result of an action whose request can be repeated."""
    doubts: list[float] = field(default_factory=list)
    """Until Flyte received the result of an action during whose post it was killed."""
    problems: list[str] = field(default_factory=list)


async def measure_take_over(report: Report, directory: Path) -> TakeOver:
    """Kills replicas with work in hand while another one is running; takes five minutes with the default lease."""
    result = TakeOver()
    directory.mkdir()
    with ServerProcess(durable=True) as server, fresh_database(server.url) as url:
        storage = BenchStorage("PostgreSQL", url)
        async with bench_environment(directory / "run", channels=2 * CHANNELS) as env:
            await storage.join(env)
            for number in range(ROUNDS):
                await _kill_one(env, storage, number, result)
                report.progress(
                    f"{number + 1} of {ROUNDS} replicas killed; the latest post in doubt: {result.doubts[-1]:.1f} s"
                )
            posts = [(post.channel, post.text) for post in env.slack.posts]
    if len(set(posts)) != len(posts):
        result.problems.append(f"{len(posts) - len(set(posts))} posts are there twice")
    return result


def print_take_over(report: Report, result: TakeOver) -> None:
    """Prints the median and the longest time for each kind of work."""
    report.heading("Killed replica: taken over by another one", "median", "worst")
    for label, seconds in (
        ("messages, until Flyte has them", result.messages),
        ("actions that can be repeated, until Flyte has their results", result.repeatable),
        ("posts in doubt, which are looked for, until Flyte has their results", result.doubts),
    ):
        report.row(label, f"{median(seconds):.1f} s", f"{max(seconds):.1f} s")
    report.row("found in Slack", report.check("take-over", result.problems))


async def _kill_one(env: BenchEnvironment, storage: BenchStorage, number: int, result: TakeOver) -> None:
    finished_at: dict[str, float] = {}

    def note(event: TraceEvent) -> None:
        if isinstance(event, ActionFinished):
            finished_at[event.action_id] = event.at

    env.flyte.listeners.append(note)
    async with env.pack(**storage.variables) as (lost, _):
        delivered = len(env.flyte.events)
        in_doubt, repeatable = await _give_work(env, number)
        async with env.pack(**storage.variables) as (other, _):
            lost.process.kill()
            killed_at = time.monotonic()
            env.flyte.faults.clear()
            env.slack.faults.clear()
            await env.flyte.wait_for(lambda: len(env.flyte.events) >= delivered + CHANNELS, TIMEOUT_SECONDS)
            await env.flyte.wait_for(lambda: finished_at.keys() >= {*in_doubt, *repeatable}, TIMEOUT_SECONDS)
            await other.stop()
    env.flyte.listeners.remove(note)
    result.messages += [event.at - killed_at for event in list(env.flyte.events)[delivered:]]
    result.doubts += [finished_at[action_id] - killed_at for action_id in in_doubt]
    result.repeatable += [finished_at[action_id] - killed_at for action_id in repeatable]


async def _give_work(env: BenchEnvironment, number: int) -> tuple[list[str], list[str]]:
    """Gives the only pack messages to deliver and actions to execute, none of which it can finish.

    Returns the actions whose posts are in progress, and those whose requests can be repeated.
    """
    acknowledged = env.slack.counters["acknowledged"] + CHANNELS
    env.flyte.faults.plan("event", Hang(), times=None)
    posts = env.slack.faults.plan("chat.postMessage", Hang(), times=None)
    reads = env.slack.faults.plan("chat.getPermalink", Hang(), times=None)
    messages = [
        (channel, env.slack.say(person, channel, f"message {number}"))
        for person, channel in list(zip(env.people, env.channels, strict=True))[:CHANNELS]
    ]
    in_doubt = [
        env.flyte.queue_action("Slack", "SendMessage", {"channelId": channel, "message": f"in doubt {number}"})
        for channel in env.channels[CHANNELS:]
    ]
    repeatable = [
        env.flyte.queue_action("Slack", "GetPermalink", {"channelId": channel, "timestamp": timestamp})
        for channel, timestamp in messages
    ]
    await env.slack.wait_for(
        lambda: env.slack.counters["acknowledged"] >= acknowledged and posts.hits >= CHANNELS and reads.hits > 0,
        TIMEOUT_SECONDS,
    )
    taken = [env.flyte.actions[action_id] for action_id in (*in_doubt, *repeatable)]
    await env.flyte.wait_for(lambda: all(action.state is ActionState.PENDING for action in taken), TIMEOUT_SECONDS)
    return in_doubt, repeatable
