"""How the simulated Slack behaves for now: its faults, limits and delays, and the carrying out of a fault."""

import asyncio
from dataclasses import dataclass, field

from aiohttp import web

from entrypoints.simulation.slack.delivery.websocket import reset_connection
from entrypoints.simulation.slack.faults import Fault, Faults, NoAnswer, Slow, WrongAnswer
from entrypoints.simulation.slack.rate_limits import RateLimits


@dataclass(slots=True)
class Conditions:
    """What is planned to go wrong, what is limited, and how long things take."""

    faults: Faults = field(default_factory=Faults)
    limits: RateLimits = field(default_factory=RateLimits)
    latency_seconds: float = 0.0
    ping_seconds: float = 5.0
    closing: asyncio.Event = field(default_factory=asyncio.Event)

    async def pause(self, seconds: float | None) -> None:
        """Take this long, for ever with None; the closing of the server ends it."""
        try:
            async with asyncio.timeout(seconds):
                await self.closing.wait()
        except TimeoutError:
            return

    async def carry_out(self, fault: Fault, request: web.Request, answer: web.Response | None) -> web.Response:
        """Do what a fault says; `answer` is that of the work done, None when nothing was done."""
        if isinstance(fault, Slow) and answer is not None:
            return answer
        if isinstance(fault, WrongAnswer):
            headers, body = fault.headers, fault.body
            return web.Response(status=fault.status, body=body, content_type=fault.content_type, headers=headers)
        if isinstance(fault, NoAnswer):
            await self.pause(None)
        reset_connection(request.transport)
        return web.Response(status=503)
