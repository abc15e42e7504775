"""The channels of a simulated workspace before anything happens in it."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from entrypoints.simulation.slack.models import usual_channel_id

_GIVEN: Final = re.compile(r"#?([\w.-]{1,80})(?:=([\w-]+))?")
FIXED_IDS: Final = {"#deployments": "ABCDEFG"}
"""The ids of channels that a built-in flow names. The ids of others follow from their names."""


@dataclass(frozen=True, slots=True)
class ChannelSetup:
    """A channel. Without an id, its name decides: it has the same one in every workspace."""

    label: str
    id: str = ""
    is_joined: bool = True
    is_private: bool = False


DEFAULT_CHANNELS: Final = (
    ChannelSetup("#general"),
    ChannelSetup("#ops"),
    ChannelSetup("#deployments"),
    ChannelSetup("#board", is_joined=False, is_private=True),
)


def default_labels() -> Mapping[str, str]:
    """Returns the labels of the default channels, by the ids that they have if none are given."""
    labels = [channel.label for channel in DEFAULT_CHANNELS]
    return {FIXED_IDS.get(label) or usual_channel_id(label.removeprefix("#")): label for label in labels}


def parse_channel(text: str) -> ChannelSetup:
    """Returns the channel in `#ops` or `#ops=C024BE91L`. Raises ValueError."""
    found = _GIVEN.fullmatch(text)
    if found is None:
        raise ValueError(f"'{text}' is no channel; write '#ops', or with its id '#ops=C024BE91L'")
    return ChannelSetup(f"#{found[1]}", found[2] or "")


def with_defaults(given: Iterable[ChannelSetup]) -> Sequence[ChannelSetup]:
    """Returns the default channels, those that are given with the given ids, and then the others.

    Raises ValueError for a channel with two ids.
    """
    channels = {channel.label: channel for channel in DEFAULT_CHANNELS}
    for channel in given:
        known = channels.get(channel.label, channel)
        if channel.id and known.id not in ("", channel.id):
            raise ValueError(f"{channel.label} has two ids, {known.id} and {channel.id}; keep one")
        channels[channel.label] = replace(known, id=channel.id or known.id)
    return list(channels.values())


def shared_id(channels: Iterable[ChannelSetup]) -> str:
    """Describes the first two channels with the same id; empty if there are none."""
    labels: dict[str, str] = {}
    for channel in channels:
        channel_id = channel.id or FIXED_IDS.get(channel.label, "")
        if channel_id in labels:
            return f"{labels[channel_id]} and {channel.label} have the same id {channel_id}"
        if channel_id:
            labels[channel_id] = channel.label
    return ""
