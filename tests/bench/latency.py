"""Echoes: one at a time, and many at once; the two together are how the pack feels."""

import asyncio
import random
import time
from collections import Counter

from tests.bench.environment import PATIENCE_SECONDS, Stage

AT_ONCE = 500


async def one_at_a_time(stage: Stage, count: int, seed: int) -> list[float]:
    """Seconds from saying something until Slack has the echo, so many times, each after the last one's end.

    By one person, whom the pack knows after the first time.
    """
    chance, samples = random.Random(seed), []
    for number in range(count):
        place = number % len(stage.channels)
        began = time.monotonic()
        stage.slack.say(stage.talker, stage.channels[place], f"echo number {number}")
        await _until_more_echoes(stage, 1)
        samples.append(stage.slack.posts[-1].received_at - began)
        await asyncio.sleep(chance.uniform(0.05, 0.15))  # so that nothing falls into step
    return samples


async def many_at_once(stage: Stage) -> tuple[float, float, list[str]]:
    """Say 500 things at once over all channels.

    Seconds until Flyte has all events and until Slack has all echoes; and which of them are lost or doubled.
    """
    posts, events, results = stage.slack.counters["posts"], len(stage.flyte.events), len(stage.flyte.results)
    began = time.monotonic()
    said = Counter(_say(stage, number) for number in range(AT_ONCE))
    await stage.flyte.wait_for(lambda: len(stage.flyte.events) >= events + AT_ONCE, PATIENCE_SECONDS)
    heard = time.monotonic()
    await stage.slack.wait_for(lambda: stage.slack.counters["posts"] >= posts + AT_ONCE, PATIENCE_SECONDS)
    answered = stage.slack.posts[posts + AT_ONCE - 1].received_at
    await stage.flyte.wait_for(lambda: len(stage.flyte.results) >= results + AT_ONCE, PATIENCE_SECONDS)
    echoed = Counter((post.channel, post.text) for post in stage.slack.posts[posts:])
    return heard - began, answered - began, _differences(said, echoed)


async def _until_more_echoes(stage: Stage, count: int) -> None:
    """Return when so many more stand in Slack, and Flyte knows of it."""
    posts, results = stage.slack.counters["posts"] + count, len(stage.flyte.results) + count
    await stage.slack.wait_for(lambda: stage.slack.counters["posts"] >= posts, PATIENCE_SECONDS)
    await stage.flyte.wait_for(lambda: len(stage.flyte.results) >= results, PATIENCE_SECONDS)


def _say(stage: Stage, number: int) -> tuple[str, str]:
    """Say it; the channel and the text in which its echo is due."""
    place = number % len(stage.channels)
    person, channel = stage.people[place], stage.channels[place]
    stage.slack.say(person, channel, f"echo at once {number}")
    return channel, f"<@{person}>, you said:\n>>> at once {number}"


def _differences(expected: Counter[tuple[str, str]], found: Counter[tuple[str, str]]) -> list[str]:
    lost, too_many = expected - found, found - expected
    problems = [f"lost: {lost.total()}"] if lost else []
    return problems + ([f"too many: {too_many.total()}"] if too_many else [])
