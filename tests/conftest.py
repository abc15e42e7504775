import asyncio
from collections.abc import Callable, Mapping

import pytest
from hypothesis import settings

from adapters.memory.clock import VirtualTimeLoop

# So that a failure there says what was compared, as in modules that pytest collects itself.
pytest.register_assert_rewrite("tests.contracts")

# A busy machine makes no property false.
settings.register_profile("unhurried", deadline=None)
settings.load_profile("unhurried")


def pytest_asyncio_loop_factories(item: pytest.Item) -> Mapping[str, Callable[[], asyncio.AbstractEventLoop]]:
    """Tests marked `virtual_time` run on an event loop whose clock jumps whenever every task waits."""
    if item.get_closest_marker("virtual_time"):
        return {"virtual time": VirtualTimeLoop}
    return {"real time": asyncio.new_event_loop}
