"""The recipes of the flow authors' guide work, between both servers."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
import yaml

from entrypoints.simulation.flyte.flow_loader import flow_from_values
from entrypoints.simulation.flyte.local_pack import LocalPack
from entrypoints.simulation.flyte.models import Action, Pack
from entrypoints.simulation.flyte.server import FlyteServer
from entrypoints.simulation.slack.server import SlackServer
from tests.support.daemon_process import daemon, daemon_environ
from tests.support.pages import page, section, titled_blocks

RECIPES = titled_blocks(section(page("flow-authors.md"), "## Recipes"))
SECONDS = 10.0
OPS = "C024BE91L"
ANSWERS = {
    "CreateIssue": ("CreateIssueSuccess", {"id": "OPS-17"}),
    "WhoIsOnCall": ("RotaRetrieved", {"name": "Grace"}),
    "Deploy": ("Deployed", {}),
}


class OtherPack:
    """A pack that answers every command at once."""

    def __init__(self, flyte: FlyteServer, name: str) -> None:
        self.inputs: list[object] = []
        self._pack = LocalPack(flyte, Pack.create(name, {}), self._answer)

    def raise_event(self, event: str, payload: Mapping[str, str]) -> None:
        self._pack.raise_event(event, dict(payload))

    def _answer(self, action: Action) -> None:
        self.inputs.append(action.input)
        self._pack.complete(action, *ANSWERS[action.name])


class World:
    """Slack and Flyte, which has one of the recipes."""

    def __init__(self, slack: SlackServer, flyte: FlyteServer) -> None:
        self.slack = slack
        self.flyte = flyte
        self.alice = slack.add_user("alice", email="alice@example.com")
        self.channel = slack.add_channel("ops", channel_id=OPS, members=[slack.bot_user_id, self.alice])

    def texts(self) -> list[str]:
        """What is in the channel, threads included."""
        return [message["text"] for message in self.slack.history(self.channel)]

    async def wait_for_texts(self, *expected: str) -> None:
        await self.slack.wait_for(lambda: self.texts() == list(expected), SECONDS)


@asynccontextmanager
async def running(title: str, directory: Path) -> AsyncIterator[World]:
    """Runs the pack with one of the recipes."""
    flow = flow_from_values(yaml.safe_load(RECIPES[title]), title)
    async with SlackServer() as slack, FlyteServer(flows=[flow]) as flyte:
        world = World(slack, flyte)
        variables = {"FLYTE_SLACK_APP_TOKEN": slack.app_token, "FLYTE_SLACK_LISTEN": "member"}
        async with daemon(daemon_environ(slack, flyte, directory, **variables)) as pack:
            await pack.wait_for_event("hearing")
            yield world
            assert await pack.stop() == 0


@pytest.mark.parametrize(("decision", "deployed"), [("approve", [{"what": "shop 1.2"}]), ("reject", [])])
async def test_a_button_decides_once_and_then_disappears(decision: str, deployed: list[object], tmp_path: Path) -> None:
    async with running("approval by buttons", tmp_path) as world:
        deployer = OtherPack(world.flyte, "Deployer")
        world.slack.say(world.alice, world.channel, "deploy shop 1.2")
        await world.wait_for_texts("deploy shop 1.2", "Deploy shop 1.2?")
        world.slack.click(world.alice, world.channel, world.slack.posts[0].ts, decision)
        await world.wait_for_texts("deploy shop 1.2", f"shop 1.2: {decision} by <@{world.alice}>")
        await world.flyte.wait_for(lambda: len(world.flyte.results) >= 2 and not world.flyte.is_busy, SECONDS)

    assert deployer.inputs == deployed
    assert not world.slack.history(world.channel)[-1].get("blocks")


async def test_an_emoji_makes_a_ticket_of_the_message_and_marks_it(tmp_path: Path) -> None:
    async with running("emoji to ticket", tmp_path) as world:
        jira = OtherPack(world.flyte, "Jira")
        ts = world.slack.say(world.alice, world.channel, "the printer is on fire")
        world.slack.react(world.alice, world.channel, ts, "create-a-ticket")
        await world.slack.wait_for(lambda: world.slack.counters["reactions.add"] == 1, SECONDS)

    [created] = jira.inputs
    assert created == {"project": "OPS", "summary": "the printer is on fire", "reporter": "alice@example.com"}
    assert [(post.text, post.thread_ts) for post in world.slack.posts] == [("OPS-17", ts)]


async def test_a_slash_command_is_answered_where_the_bot_is_no_member(tmp_path: Path) -> None:
    async with running("slash command", tmp_path) as world:
        rota = OtherPack(world.flyte, "Rota")
        elsewhere = world.slack.add_channel("random", members=[world.alice])
        world.slack.run_command(world.alice, elsewhere, "/flyte", "on-call platform")
        await world.slack.wait_for(lambda: len(world.slack.history(elsewhere)) == 1, SECONDS)

    assert rota.inputs == [{"team": "platform"}]
    assert world.slack.history(elsewhere)[0]["text"] == "Grace is on call"


async def test_a_form_that_a_shortcut_opens_makes_a_ticket(tmp_path: Path) -> None:
    async with running("form", tmp_path) as world:
        jira = OtherPack(world.flyte, "Jira")
        ts = world.slack.say(world.alice, world.channel, "the printer is on fire")
        world.slack.use_message_shortcut(world.alice, "make_ticket", world.channel, ts)
        await world.slack.wait_for(lambda: bool(world.slack.views.by_id), SECONDS)
        [view_id] = world.slack.views.by_id
        world.slack.submit(world.alice, view_id, {"title": "Printer"})
        await world.wait_for_texts("the printer is on fire", "OPS-17")

    assert jira.inputs == [{"project": "OPS", "summary": "Printer", "reporter": "alice@example.com"}]


async def test_an_alert_is_one_message_that_turns_green(tmp_path: Path) -> None:
    async with running("alert that resolves", tmp_path) as world:
        alerts = OtherPack(world.flyte, "Alerts")
        alerts.raise_event("AlertFired", {"id": "1", "title": "disk full"})
        await world.wait_for_texts(":red_circle: disk full")
        alerts.raise_event("AlertFired", {"id": "2", "title": "no route"})
        await world.wait_for_texts(":red_circle: disk full", ":red_circle: no route")
        alerts.raise_event("AlertResolved", {"id": "1", "title": "disk full"})
        await world.wait_for_texts(":large_green_circle: disk full", ":red_circle: no route")


async def test_a_deployment_has_a_thread_of_its_own(tmp_path: Path) -> None:
    async with running("thread per deployment", tmp_path) as world:
        deployer = OtherPack(world.flyte, "Deployer")
        for number, deployment in enumerate(("a", "b", "a"), 1):
            deployer.raise_event("Progress", {"id": deployment, "text": f"{deployment} {number}"})
            await world.slack.wait_for(lambda number=number: len(world.slack.posts) == number, SECONDS)  # type: ignore[misc]

    first, second, third = world.slack.posts
    assert [post.thread_ts for post in (first, second)] == [None, None]
    assert (third.text, third.thread_ts) == ("a 3", first.ts)
