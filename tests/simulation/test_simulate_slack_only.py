"""`flyte-slack simulate --slack-only`: the simulated Slack for an app of any kind."""

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from itertools import takewhile

import aiohttp
import pytest
from click.testing import CliRunner
from slack_sdk.web.async_client import AsyncWebClient

from entrypoints.cli import commands as cli
from entrypoints.simulation.console.formatter import Detail
from entrypoints.simulation.console.session import InvalidInput
from entrypoints.simulation.sandbox import SandboxConfig, slack_only_sandbox
from tests.simulation.slack_app import SlackApp
from tests.support.console import ConsoleDriver
from tests.support.pages import page, titled_blocks
from tests.support.simulated import started


class Desk:
    """A conversation in the simulated Slack, and what an app needs to take part."""

    def __init__(self, console: ConsoleDriver, variables: dict[str, str], reports: list[str]) -> None:
        self.console = console
        self.variables = variables
        self.reports = reports


@asynccontextmanager
async def desk(config: SandboxConfig | None = None) -> AsyncIterator[Desk]:
    reports: list[str] = []
    async with slack_only_sandbox(config or SandboxConfig(), report=reports.append) as (sandbox, variables):
        yield Desk(ConsoleDriver(sandbox, Detail.ON), variables, reports)


@asynccontextmanager
async def connected(at: Desk) -> AsyncIterator[tuple[SlackApp, aiohttp.ClientWebSocketResponse]]:
    async with aiohttp.ClientSession() as session:
        app = SlackApp(at.console.session.slack, session)
        yield app, await app.open_socket()


def without_ports(text: str) -> str:
    return re.sub(r"(?<=127.0.0.1:)\d+", "PORT", text)


def test_it_prints_what_the_page_shows() -> None:
    with started("--slack-only") as simulation:
        printed = "".join(takewhile(lambda line: not line.startswith("# Web page"), simulation.stdout))
        simulation.terminate()

    shown = titled_blocks(page("simulation.md"))["flyte-slack simulate --slack-only"]
    assert without_ports(shown).startswith(without_ports(printed))


async def test_the_variables_open_the_api() -> None:
    async with desk() as at:
        client = AsyncWebClient(at.variables["SLACK_BOT_TOKEN"], base_url=at.variables["SLACK_API_URL"])

        assert (await client.auth_test())["user"] == "flyte"
        assert (await client.apps_connections_open(app_token=at.variables["SLACK_APP_TOKEN"]))["ok"]


async def test_a_classic_app_gets_no_app_token() -> None:
    async with desk(SandboxConfig(classic=True)) as at:
        assert sorted(at.variables) == ["SLACK_API_URL", "SLACK_BOT_TOKEN", "SLACK_SIGNING_SECRET"]


async def test_it_says_when_the_app_connects_and_disconnects() -> None:
    async with desk() as at:
        async with connected(at):
            assert at.reports == ["The app has connected"]
        await at.console.session.slack.wait_for(lambda: len(at.reports) == 2)

    assert at.reports[1] == "The app has disconnected"


async def test_the_first_event_that_an_app_receives_is_the_first_message() -> None:
    async with desk() as at, connected(at) as (app, socket):
        said, event = await asyncio.gather(at.console.run("hello"), app.event(socket))

    assert event["text"] == "hello"
    assert said == "[1] #general alice: hello\n"


async def test_an_answer_that_follows_the_acknowledgement_is_printed_before_the_next_line() -> None:
    async with desk() as at, connected(at) as (app, socket):

        async def answer() -> None:
            event = await app.event(socket)
            client = AsyncWebClient(at.variables["SLACK_BOT_TOKEN"], base_url=at.variables["SLACK_API_URL"])
            await client.chat_postMessage(channel=event["channel"], text="hi")

        said, _ = await asyncio.gather(at.console.run("hello", "/who"), answer())

    assert said.index("flyte: hi") < said.index("people: alice, bob")


async def test_a_message_to_no_app_waits_for_one() -> None:
    async with desk() as at:
        said = await at.console.run("hello")
        async with connected(at) as (app, socket):
            event = await app.event(socket)

    assert "no app is connected: it gets the message when it connects" in said
    assert event["text"] == "hello"


async def test_a_channel_without_the_app_is_told() -> None:
    async with desk() as at:
        said = await at.console.run("/in #board", "hello")

    assert "flyte is not a member of #board, so the app gets no messages: /invite flyte" in said


@pytest.mark.parametrize("command", ["/flows", "/event"])
async def test_there_are_no_commands_for_flyte(command: str) -> None:
    async with desk() as at:
        said = await at.console.run("/help", "/who")
        with pytest.raises(InvalidInput, match=f"there is no command {command}; /help lists them"):
            await at.console.run(command)

    assert command not in said
    assert "packs:" not in said


@pytest.mark.parametrize(
    "options",
    [
        ["--serve"],
        ["--flow", "x.yaml"],
        ["--pack", "x.yaml"],
        ["--datastore", "x.yaml"],
        ["--labels", "a=b"],
        ["--in-memory"],
        ["--flyte-port", "1"],
        ["--record", "x.jsonl"],
        ["--replay", "x.jsonl"],
    ],
    ids=" ".join,
)
def test_options_of_packs_and_flyte_are_refused(options: list[str]) -> None:
    done = CliRunner().invoke(cli.main, ["simulate", "--slack-only", *options])

    assert done.exit_code == 2
    assert f"--slack-only runs neither a pack nor Flyte: omit {options[0]}" in done.output
