"""What several packs must keep together: the order within each channel, and its rate of posts."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final

from entrypoints.simulation.flyte.server import FlyteServer
from entrypoints.simulation.slack.event_log import Post
from entrypoints.simulation.slack.server import SlackServer
from tests.chaos.load import Load

POSTS_PER_SECOND: Final = 4
POST_BURST: Final = 5
_TOLERANCE: Final = 1
"""A post may reach Slack a little later than the one after it has been allowed."""


@dataclass(slots=True)
class Together:
    """Violations, and how much was compared."""

    problems: list[str] = field(default_factory=list)
    events: int = 0
    posts: int = 0
    fullest_bucket: float = 0.0
    """The largest number of posts that ran ahead of the rate in one channel."""


def check_together(
    load: Load,
    slack: SlackServer,
    flyte: FlyteServer,
    places: Mapping[str, int],
    frozen: Collection[tuple[str, str]],
) -> Together:
    """Compares the order of delivery with that of storing, and the posts in each channel with their rate.

    Leaves out the posts that were `frozen` on their way to Slack: they come after later ones, and ahead of the rate.
    """
    together = Together()
    punctual = punctual_posts(slack.posts, frozen)
    events, posts = _event_places(flyte, places), _post_places(load, punctual, flyte, places)
    together.events, together.posts = sum(map(len, events.values())), sum(map(len, posts.values()))
    together.problems += disorder("event", events) + disorder("post", posts)
    for channel, times in _post_times(punctual).items():
        level = fullest_bucket(times)
        together.fullest_bucket = max(together.fullest_bucket, level)
        if level > POST_BURST + _TOLERANCE:
            together.problems.append(f"PACE: {channel}: {level:.1f} posts ahead of the rate")
    return together


def punctual_posts(posts: Iterable[Post], frozen: Collection[tuple[str, str]]) -> list[Post]:
    """Leaves out the posts that were frozen on their way to Slack, given by marker and channel."""
    return [post for post in posts if (post.text.split()[-1], post.channel) not in frozen]


def _event_places(flyte: FlyteServer, places: Mapping[str, int]) -> dict[str, list[tuple[str, int]]]:
    """Returns the events of each channel in the order in which Flyte first received them."""
    seen: defaultdict[str, dict[str, int]] = defaultdict(dict)
    for event in flyte.events:
        if event.name == "ReceivedMessage" and isinstance(event.payload, dict):
            channel = str(event.payload["channelId"])
            key = f"{channel}:{event.payload['timestamp']}"
            seen[channel].setdefault(key, places[key])
    return {channel: list(events.items()) for channel, events in seen.items()}


def _post_places(
    load: Load, slack_posts: Iterable[Post], flyte: FlyteServer, places: Mapping[str, int]
) -> dict[str, list[tuple[str, int]]]:
    """Returns the posts of each channel that are actions of their own, in the order in which Slack first had them.

    A broadcast is in no channel's order.
    """
    by_marker = {one.marker: one.action_id for one in load.actions if one.command != "Broadcast"}
    for action_id, action in flyte.actions.items():
        payload = action.trigger.payload
        if action.trigger.name == "ReceivedMessage" and isinstance(payload, dict):
            by_marker[str(payload["message"]).split()[-1]] = action_id
    posts: defaultdict[str, dict[str, int]] = defaultdict(dict)
    for post in slack_posts:
        marker = post.text.split()[-1]
        if place := places.get(by_marker.get(marker, "")):
            posts[post.channel].setdefault(marker, place)
    return {channel: list(first.items()) for channel, first in posts.items()}


def disorder(kind: str, channels: Mapping[str, Iterable[tuple[str, int]]]) -> list[str]:
    """Returns what came out of order: each channel has items, in the order in which they came, and their places."""
    problems = []
    for channel, items in channels.items():
        last, last_place = "", 0
        for item, place in items:
            if place < last_place:
                problems.append(f"ORDER: {channel}: {kind} {item} was stored before {last} and came after it")
            last, last_place = item, max(place, last_place)
    return problems


def _post_times(posts: Iterable[Post]) -> dict[str, list[float]]:
    """Returns when messages were posted in each channel. Slack limits no uploads by their channel."""
    times: defaultdict[str, list[float]] = defaultdict(list)
    for post in posts:
        if "files" not in post.arguments:
            times[post.channel].append(post.at)
    return times


def fullest_bucket(times: list[float]) -> float:
    """Returns the highest level of a bucket to which each post adds one, and which leaks at the rate."""
    level = fullest = 0.0
    last = times[0]
    for at in times:
        level = max(0.0, level - (at - last) * POSTS_PER_SECOND) + 1
        fullest, last = max(fullest, level), at
    return fullest
