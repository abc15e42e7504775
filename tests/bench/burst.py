"""Many messages posted at once, each of which has an echo."""

import time
from collections import Counter
from dataclasses import dataclass
from typing import Final

from tests.bench.environment import TIMEOUT_SECONDS, BenchEnvironment

BURST_SIZE: Final = 500


@dataclass(frozen=True, slots=True)
class BurstResult:
    """Seconds until Flyte had all events and until Slack had all echoes; lost and duplicated echoes."""

    events_seconds: float
    echoes_seconds: float
    problems: list[str]


async def measure_burst(env: BenchEnvironment) -> BurstResult:
    """Posts `BURST_SIZE` messages at once, spread over all channels, and waits for their echoes."""
    posts, events, results = env.slack.counters["posts"], len(env.flyte.events), len(env.flyte.results)
    began = time.monotonic()
    expected = Counter(_post(env, number) for number in range(BURST_SIZE))
    await env.flyte.wait_for(lambda: len(env.flyte.events) >= events + BURST_SIZE, TIMEOUT_SECONDS)
    events_seconds = time.monotonic() - began
    await env.slack.wait_for(lambda: env.slack.counters["posts"] >= posts + BURST_SIZE, TIMEOUT_SECONDS)
    echoes_seconds = env.slack.posts[posts + BURST_SIZE - 1].at - began
    await env.flyte.wait_for(lambda: len(env.flyte.results) >= results + BURST_SIZE, TIMEOUT_SECONDS)
    posted = Counter((post.channel, post.text) for post in list(env.slack.posts)[posts:])
    return BurstResult(events_seconds, echoes_seconds, _compare(expected, posted))


def _post(env: BenchEnvironment, number: int) -> tuple[str, str]:
    """Posts a message. Returns the channel and the text of the echo it should have."""
    place = number % len(env.channels)
    person, channel = env.people[place], env.channels[place]
    env.slack.say(person, channel, f"echo at once {number}")
    return channel, f"<@{person}>, you said:\n>>> at once {number}"


def _compare(expected: Counter[tuple[str, str]], posted: Counter[tuple[str, str]]) -> list[str]:
    lost, unexpected = expected - posted, posted - expected
    problems = [f"lost: {lost.total()}"] if lost else []
    return problems + ([f"duplicated: {unexpected.total()}"] if unexpected else [])
