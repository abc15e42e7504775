"""Latency of single echoes."""

import asyncio
import random
import time

from tests.bench.environment import TIMEOUT_SECONDS, BenchEnvironment


async def echo_latencies(env: BenchEnvironment, count: int, seed: int) -> list[float]:
    """Posts messages one at a time. Returns for each the seconds until Slack had its echo.

    One person posts them all, so that the pack looks the user up only once.
    """
    rng, samples = random.Random(seed), []
    for number in range(count):
        channel = env.channels[number % len(env.channels)]
        began = time.monotonic()
        env.slack.say(env.regular, channel, f"echo number {number}")
        await _wait_for_echo(env)
        samples.append(env.slack.posts[-1].at - began)
        await asyncio.sleep(rng.uniform(0.05, 0.15))  # avoids a fixed phase against the pack's polling
    return samples


async def _wait_for_echo(env: BenchEnvironment) -> None:
    """Waits until Slack has one more post and Flyte its result."""
    posts, results = env.slack.counters["posts"] + 1, len(env.flyte.results) + 1
    await env.slack.wait_for(lambda: env.slack.counters["posts"] >= posts, TIMEOUT_SECONDS)
    await env.flyte.wait_for(lambda: len(env.flyte.results) >= results, TIMEOUT_SECONDS)
