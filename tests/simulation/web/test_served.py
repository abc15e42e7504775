"""`simulate --serve`: both simulated servers and the page, for a pack in another process."""

import re
from collections.abc import Iterator

import aiohttp
import pytest

from tests.simulation.web.conftest import PageClient
from tests.support.daemon_process import daemon
from tests.support.forked_process import ForkedProgram
from tests.support.simulated import started


@pytest.fixture
def served() -> Iterator[tuple[dict[str, str], str]]:
    """The environment variables that the simulation prints, and the page's URL."""
    with started("--serve") as simulation:
        yield read_output(simulation)


def read_output(simulation: ForkedProgram) -> tuple[dict[str, str], str]:
    variables: dict[str, str] = {}
    for line in simulation.stdout:
        if found := re.fullmatch(r"export (\w+)=(.*)\n", line):
            variables[found[1]] = found[2]
        if found := re.search(r"http://127\.0\.0\.1:\d+/$", line.strip()):
            return variables, found[0]
    raise AssertionError(f"the simulation printed no page; only {variables}")


async def test_the_daemon_works_with_nothing_but_the_printed_variables(
    served: tuple[dict[str, str], str], session: aiohttp.ClientSession, tmp_path_factory: pytest.TempPathFactory
) -> None:
    variables, url = served
    page = await PageClient.open(session, url)
    own = {"TMPDIR": str(tmp_path_factory.mktemp("daemon")), "FLYTE_SLACK_HTTP_PORT": "0"}
    async with daemon(variables | own) as process:
        await process.wait_for_event("default_channel_joined")
        key = await page.say("echo hi")
        trace = await page.wait_for_trace(key, lambda trace: trace["completed_actions"] == 1)

    kinds = [step["kind"] for step in trace["steps"]]
    assert kinds[:2] == ["posted", "delivered"]
    assert {"acknowledged", "published", "flow_step", "action_created", "action_taken"} <= set(kinds)
    assert {"reply_posted", "action_completed"} <= set(kinds)
    assert "persisted" not in kinds  # there are no probes in another process
