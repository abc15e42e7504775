"""The clock that measures durations: setting the time of day does not change it."""

import asyncio


def loop_time() -> float:
    """Returns the running event loop's time, in seconds."""
    return asyncio.get_running_loop().time()
