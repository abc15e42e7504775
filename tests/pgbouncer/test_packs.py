"""Two packs on one database behind PgBouncer."""

from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from entrypoints.simulation.flyte.flow_loader import BUILT_IN, flow_from_file
from entrypoints.simulation.flyte.server import FlyteServer
from entrypoints.simulation.slack.server import SlackServer
from tests.pgbouncer.bouncer import bouncer
from tests.support.daemon_process import daemon_environ, fresh_daemon

MESSAGES = 60
TAKE_OVER_SECONDS = 90.0


@pytest.mark.timeout(2 * TAKE_OVER_SECONDS)
async def test_when_one_pack_is_killed_each_message_is_still_echoed_once(
    postgres_server: str, database_url: str, tmp_path: Path
) -> None:
    async with SlackServer() as slack, FlyteServer(flows=[flow_from_file(BUILT_IN / "echo.yaml")]) as flyte:
        alice, channel = slack.add_user("alice"), slack.add_channel("ops")
        with bouncer(postgres_server) as pooler:
            variables = daemon_environ(
                slack,
                flyte,
                tmp_path,
                FLYTE_SLACK_STORAGE=pooler.url_of(database_url),
                FLYTE_SLACK_APP_TOKEN=slack.app_token,
                FLYTE_SLACK_DEFAULT_JOIN_CHANNEL=channel,
                FLYTE_SLACK_LEASE="3",
                FLYTE_SLACK_MESSAGE_BURST="1000",
            )
            async with AsyncExitStack() as packs:
                one = await packs.enter_async_context(fresh_daemon(variables))
                await one.wait_for_event("default_channel_joined")
                other = await packs.enter_async_context(fresh_daemon(variables))
                await other.wait_for_event("hearing")
                for number in range(MESSAGES):
                    slack.say(alice, channel, f"echo m{number:03}")
                await slack.wait_for(lambda: len(slack.posts) >= MESSAGES // 3, 30)
                one.process.kill()
                await slack.wait_for(lambda: len(slack.posts) >= MESSAGES, TAKE_OVER_SECONDS)
                await flyte.wait_for(lambda: len(flyte.results) == MESSAGES, TAKE_OVER_SECONDS)
                assert await other.stop() == 0
    assert sorted(post.text[-4:] for post in slack.posts) == [f"m{number:03}" for number in range(MESSAGES)]
