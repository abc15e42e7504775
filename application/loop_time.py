"""The time by which the application measures durations, whatever the time of day is set to."""

import asyncio


def loop_time() -> float:
    """Returns the running event loop's time, in seconds."""
    return asyncio.get_running_loop().time()
