"""`simulate --serve`: both ends and the page, for a pack that is another process."""

import re
from collections.abc import Iterator
from subprocess import Popen

import aiohttp
import pytest

from tests.simulation.web.conftest import Visitor
from tests.support.daemon_process import daemon
from tests.support.simulated import started


@pytest.fixture
def served() -> Iterator[tuple[dict[str, str], str]]:
    """The variables that it prints, and the page's address."""
    simulation = started("--serve")
    try:
        yield read_all(simulation)
    finally:
        simulation.terminate()
        simulation.communicate(timeout=10)


def read_all(simulation: Popen[str]) -> tuple[dict[str, str], str]:
    assert simulation.stdout
    variables: dict[str, str] = {}
    for line in simulation.stdout:
        if found := re.fullmatch(r"export (\w+)=(.*)\n", line):
            variables[found[1]] = found[2]
        if found := re.search(r"http://127\.0\.0\.1:\d+/$", line.strip()):
            return variables, found[0]
    raise AssertionError(f"no page; only {variables}")


async def test_the_daemon_with_only_what_is_printed_works_against_both_ends(
    served: tuple[dict[str, str], str], session: aiohttp.ClientSession, tmp_path_factory: pytest.TempPathFactory
) -> None:
    variables, url = served
    page = await Visitor.at(session, url)
    own = {"TMPDIR": str(tmp_path_factory.mktemp("daemon")), "FLYTE_SLACK_HTTP_PORT": "0"}
    async with daemon(variables | own) as process:
        await process.wait_for_event("hearing")
        key = await page.say("echo hi")
        way = await page.way_when(key, lambda way: way["answers"] == 1)

    kinds = [station["kind"] for station in way["stations"]]
    assert kinds[:2] == ["said", "delivered"]
    assert {"acknowledged", "handed", "step", "command", "taken", "sent", "answered"} <= set(kinds)
    assert "safe" not in kinds  # nobody looks into another process
