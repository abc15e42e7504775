"""The daemon between the simulated Slack and Flyte."""

from pathlib import Path

import aiohttp

from entrypoints.container.ports import HEALTH_CHECKS
from entrypoints.simulation.faults import Slow
from entrypoints.simulation.flyte.faults import status
from entrypoints.simulation.flyte.server import FlyteServer
from entrypoints.simulation.slack.faults import rate_limited
from entrypoints.simulation.slack.server import SlackServer
from tests.support.daemon_process import daemon
from tests.support.transports import socket_mode_environ


async def test_a_post_in_progress_is_finished_and_reported_at_shutdown(
    slack: SlackServer, flyte: FlyteServer, tmp_path: Path
) -> None:
    channel = slack.add_channel("ops", members=[slack.bot_user_id])
    slack.faults.plan("chat.postMessage", Slow(1.0))
    async with daemon(socket_mode_environ(slack, flyte, tmp_path)) as pack:
        await pack.wait_for_event("hearing")
        flyte.queue_action("Slack", "SendMessage", {"channelId": channel, "message": "slow"})
        await slack.wait_for(lambda: slack.counters["chat.postMessage"] == 1, 5)
        assert await pack.stop() == 0

    assert [post.text for post in slack.posts] == ["slow"]
    assert [result.name for result in flyte.results.values()] == ["MessageSent"]


async def test_work_interrupted_by_a_shutdown_is_resumed_by_the_next_start(
    slack: SlackServer, flyte: FlyteServer, tmp_path: Path
) -> None:
    channel = slack.add_channel("ops", members=[slack.bot_user_id])
    slack.faults.plan("chat.postMessage", rate_limited(5))
    async with daemon(socket_mode_environ(slack, flyte, tmp_path)) as pack:
        await pack.wait_for_event("hearing")
        flyte.queue_action("Slack", "SendMessage", {"channelId": channel, "message": "later"})
        await pack.wait_for_event("throttled")
        assert await pack.stop() == 0
    assert not slack.posts
    async with daemon(socket_mode_environ(slack, flyte, tmp_path)) as pack:
        await flyte.wait_for(lambda: len(flyte.results) == 1, 15)
        assert await pack.stop() == 0
    assert [post.text for post in slack.posts] == ["later"]


async def test_health_follows_the_availability_of_flyte(slack: SlackServer, flyte: FlyteServer, tmp_path: Path) -> None:
    async with (
        daemon(socket_mode_environ(slack, flyte, tmp_path)) as pack,
        aiohttp.ClientSession(await pack.url()) as http,
    ):
        await pack.wait_for_line(
            lambda _: {line["check"] for line in pack.log if line["event"] == "healthy"} == set(HEALTH_CHECKS)
        )
        async with http.get("/") as answer:
            assert answer.status == 200
            assert {name: check["healthy"] for name, check in (await answer.json()).items()} == dict.fromkeys(
                HEALTH_CHECKS, True
            )
        await flyte.go_down()
        await pack.wait_for_line(lambda line: line["event"] == "unhealthy" and line["status"] == "out of reach")
        async with http.get("/") as answer:
            assert answer.status == 500
        async with http.get("/live") as answer:
            assert answer.status == 200
        assert await pack.stop() == 0


async def test_an_outage_of_slack_does_not_flood_the_log(
    slack: SlackServer, flyte: FlyteServer, tmp_path: Path
) -> None:
    channels = [slack.add_channel(f"c{number}", members=[slack.bot_user_id]) for number in range(50)]
    async with daemon(socket_mode_environ(slack, flyte, tmp_path)) as pack:
        await pack.wait_for_event("hearing")
        await slack.go_down()
        for number in range(300):
            flyte.queue_action("Slack", "SendMessage", {"channelId": channels[number % 50], "message": str(number)})
        await pack.wait_for_event("chat_out_of_reach")
        await flyte.wait_for(lambda: not flyte.waiting(), 15)
        assert await pack.stop() == 0
    assert len(pack.log) < 100
    assert "chat_out_of_reach" in {line["of"] for line in pack.log if line["event"] == "lines_left_out"}


async def test_a_retried_entry_is_delivered_by_the_running_daemon(
    slack: SlackServer, flyte: FlyteServer, tmp_path: Path
) -> None:
    alice, channel = slack.add_user("alice"), slack.add_channel("ops", members=[slack.bot_user_id])
    rejection = flyte.faults.plan("event", status(400))
    variables = socket_mode_environ(slack, flyte, tmp_path, FLYTE_SLACK_LISTEN="member")
    async with daemon(variables) as pack:
        await pack.wait_for_event("hearing")
        slack.say(alice, channel, "echo poison")
        await pack.wait_for_event("message_set_aside")
        flyte.faults.remove(rejection)
        async with daemon(variables, "outbox", "retry", "--all") as retrying:
            assert await retrying.wait() == 0
        await slack.wait_for(lambda: len(slack.posts) == 1, 10)
        assert await pack.stop() == 0
    assert slack.posts[0].text.endswith("poison")
