"""`GET /metrics` of the whole pack between two simulated servers over real sockets."""

import subprocess
import sys
from pathlib import Path

import aiohttp

from tests.support.scraped_pack import running_pack


async def test_the_metrics_count_what_both_servers_have_seen(tmp_path: Path) -> None:
    async with running_pack(tmp_path) as pack:
        await pack.echo(20)
        metrics = await pack.scrape()

    assert metrics.sum("arrivals_total", kind="message", result="stored") == 20
    assert metrics.value("event_delivery_seconds_count", event="ReceivedMessage") == len(pack.flyte.events)
    assert metrics.value("actions_total", command="SendMessage", outcome="succeeded") == len(pack.flyte.results)
    assert metrics.value("slack_requests_total", method="chat.postMessage", code="ok") == len(pack.slack.posts)
    assert metrics.value("flyte_requests_total", call="publish", status="202") == 20
    assert metrics.value("flyte_requests_total", call="complete", status="202") == 20
    assert metrics.value("receiver_connected") == 1
    assert metrics.above_zero("windows_total") == {}
    assert metrics.value("storage_commit_seconds_count") > 20
    assert metrics.value("storage_errors_total") == 0


async def test_no_label_holds_a_channel_a_user_or_a_text(tmp_path: Path) -> None:
    async with running_pack(tmp_path) as pack:
        await pack.echo(1)
        metrics = await pack.scrape()

    private = [pack.channel, pack.slack.bot_user_id, pack.slack.bot_token, "alice", "ops", "echo"]
    assert [text for text in private if text in metrics.text] == []


async def test_without_metrics_their_path_is_unknown(tmp_path: Path) -> None:
    async with (
        running_pack(tmp_path, FLYTE_SLACK_METRICS="false") as pack,
        aiohttp.ClientSession() as session,
        session.get(f"{pack.url}/metrics") as response,
    ):
        assert response.status == 404


def test_the_library_is_not_loaded_until_metrics_are_wanted() -> None:
    loaded = "import sys, entrypoints.container.daemon, entrypoints.daemon; print('prometheus_client' in sys.modules)"
    process = subprocess.run([sys.executable, "-c", loaded], capture_output=True, text=True, check=True)  # noqa: S603 - our own code
    assert process.stdout == "False\n"
