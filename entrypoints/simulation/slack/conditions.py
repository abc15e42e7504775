"""The conditions under which the simulated Slack runs: faults, rate limits and delays."""

import asyncio
from dataclasses import dataclass, field

from entrypoints.simulation.faults import FaultPlan
from entrypoints.simulation.slack.faults import HANDSHAKE, HELLO
from entrypoints.simulation.slack.rate_limits import RateLimits


@dataclass(slots=True)
class Conditions:
    """The conditions, which may change while the server runs; `closing` is set when it stops."""

    latency_seconds: float = 0.0
    """The delay before each call of the Web API is processed."""
    ping_seconds: float = 5.0
    """The interval of pings on sockets."""
    faults: FaultPlan = field(default_factory=lambda: FaultPlan(only_by_name=(HANDSHAKE, HELLO)))
    limits: RateLimits = field(default_factory=RateLimits)
    closing: asyncio.Event = field(default_factory=asyncio.Event)
