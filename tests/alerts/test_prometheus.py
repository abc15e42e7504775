import asyncio
import json
import re
import shutil
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import yaml

from tests.support.pages import ROOT
from tests.support.scraped_pack import running_pack

PROMETHEUS = ROOT / "deploy" / "prometheus"
DASHBOARD = json.loads((ROOT / "deploy" / "grafana" / "dashboard.json").read_text())
QUERIES = {
    target["expr"].replace("$job", ".*").replace("$__rate_interval", "1m")
    for panel in DASHBOARD["panels"]
    for target in panel.get("targets", ())
}
_PORT = 19090


def promtool(*arguments: str | Path) -> None:
    program = shutil.which("promtool")
    assert program, "install Debian's prometheus"
    process = subprocess.run([program, *arguments], capture_output=True, text=True, check=False)  # noqa: S603 - Debian's
    assert process.returncode == 0, process.stdout + process.stderr


def test_the_rules_are_valid() -> None:
    promtool("check", "rules", PROMETHEUS / "rules.yaml")


def test_each_alert_fires_when_it_should_and_not_before() -> None:
    promtool("test", "rules", PROMETHEUS / "rules_test.yaml")


def test_each_alert_has_a_test() -> None:
    alerts = re.findall(r"alert: (\w+)", (PROMETHEUS / "rules.yaml").read_text())
    tests = (PROMETHEUS / "rules_test.yaml").read_text()
    assert alerts
    assert [alert for alert in alerts if alert not in tests] == []


def test_the_queries_of_the_dashboard_are_valid(tmp_path: Path) -> None:
    rules = [{"record": f"query:{number}", "expr": query} for number, query in enumerate(sorted(QUERIES))]
    (tmp_path / "queries.yaml").write_text(yaml.safe_dump({"groups": [{"name": "dashboard", "rules": rules}]}))
    promtool("check", "rules", tmp_path / "queries.yaml")


@asynccontextmanager
async def prometheus(directory: Path, target: str) -> AsyncIterator[str]:
    """Runs a Prometheus that scrapes the target every second and evaluates the rules; yields the URL of its API."""
    config = {
        "global": {"scrape_interval": "1s", "evaluation_interval": "1s"},
        "rule_files": [str(PROMETHEUS / "rules.yaml")],
        "scrape_configs": [{"job_name": "flyte-slack", "static_configs": [{"targets": [target]}]}],
    }
    (directory / "prometheus.yml").write_text(json.dumps(config))
    process = await asyncio.create_subprocess_exec(
        "prometheus",
        f"--config.file={directory}/prometheus.yml",
        f"--storage.tsdb.path={directory}/data",
        f"--web.listen-address=127.0.0.1:{_PORT}",
        stderr=asyncio.subprocess.DEVNULL,
    )
    try:
        yield f"http://127.0.0.1:{_PORT}/api/v1"
    finally:
        process.terminate()
        await process.wait()


async def ask(session: aiohttp.ClientSession, url: str, **parameters: str) -> Any:
    """Returns the data of a response; None if there is none (yet)."""
    try:
        async with session.get(url, params=parameters) as response:
            return (await response.json(content_type=None)).get("data")
    except (aiohttp.ClientError, ValueError):
        return None


async def found(session: aiohttp.ClientSession, api: str, query: str) -> list[Any]:
    """Returns the series that a query finds."""
    data = await ask(session, f"{api}/query", query=query)
    return data["result"] if data else []


async def wait_until_found(session: aiohttp.ClientSession, api: str, query: str) -> None:
    async with asyncio.timeout(20):
        while not await found(session, api, query):  # noqa: ASYNC110 - another process
            await asyncio.sleep(0.2)


@pytest.mark.timeout(60)
async def test_prometheus_reads_a_pack_and_every_query_of_the_dashboard_finds_something(tmp_path: Path) -> None:
    (tmp_path / "pack").mkdir()
    async with (
        running_pack(tmp_path / "pack") as pack,
        prometheus(tmp_path, pack.url.removeprefix("http://")) as api,
        aiohttp.ClientSession() as session,
    ):
        await wait_until_found(session, api, "flyte_slack_receiver_connected == 1")
        await pack.echo(3)
        await wait_until_found(session, api, "rate(flyte_slack_actions_total[1m]) > 0")

        empty = {query for query in QUERIES if not await found(session, api, query)}
        alerts = await ask(session, f"{api}/alerts")

    assert {query for query in empty if not query.endswith("> 0")} == set()
    assert alerts == {"alerts": []}
