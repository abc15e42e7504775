"""Waiting for something, but no longer than a given time of the clock."""

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

from application.ports.clock import Clock

T = TypeVar("T")


async def with_timeout(seconds: float, clock: Clock, awaitable: Coroutine[Any, Any, T]) -> T:
    """What the deed returns or raises. TimeoutError when it takes longer: it is cancelled then."""
    work = asyncio.create_task(awaitable, name="work within a deadline")
    alarm = asyncio.create_task(clock.sleep(seconds), name="deadline")
    try:
        await asyncio.wait((work, alarm), return_when=asyncio.FIRST_COMPLETED)
        if not work.done():
            raise TimeoutError
        return work.result()
    finally:
        work.cancel()
        alarm.cancel()
        await asyncio.gather(work, alarm, return_exceptions=True)
