"""The recipes of the flow authors' guide and the example flows work, between both servers."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from entrypoints.simulation.flyte.flow_loader import Flow, flow_from_file, flow_from_text
from entrypoints.simulation.flyte.local_pack import LocalPack
from entrypoints.simulation.flyte.models import Action, Pack
from entrypoints.simulation.flyte.server import FlyteServer
from entrypoints.simulation.slack.server import SlackServer
from tests.support.daemon_process import daemon, daemon_environ
from tests.support.pages import ROOT, page, section, titled_blocks

RECIPES = titled_blocks(section(page("flow-authors.md"), "## Recipes"))
SECONDS = 10.0
OPS = "C024BE91L"
ANSWERS = {
    "CreateIssue": ("CreateIssueSuccess", {"id": "OPS-17"}),
    "WhoIsOnCall": ("RotaRetrieved", {"name": "Grace"}),
    "Deploy": ("Deployed", {}),
}


def recipe(title: str) -> Flow:
    """Returns a flow of the page."""
    return flow_from_text(RECIPES[title], title, is_json=False)


def example(name: str) -> Flow:
    """Returns an example flow."""
    return flow_from_file(ROOT / "examples" / "flows" / f"{name}.yaml")


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
    """Slack and Flyte, which has one of the flows."""

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
async def running(flow: Flow, directory: Path) -> AsyncIterator[World]:
    """Runs the pack with a flow."""
    async with SlackServer() as slack, FlyteServer(flows=[flow]) as flyte:
        world = World(slack, flyte)
        variables = {"FLYTE_SLACK_APP_TOKEN": slack.app_token, "FLYTE_SLACK_LISTEN": "member"}
        async with daemon(daemon_environ(slack, flyte, directory, **variables)) as pack:
            await pack.wait_for_event("hearing")
            yield world
            assert await pack.stop() == 0


@pytest.mark.parametrize(
    ("decision", "deployed"), [("approved", [{"app": "shop", "version": "1.2"}]), ("rejected", [])]
)
async def test_a_button_decides_once_and_then_disappears(decision: str, deployed: list[object], tmp_path: Path) -> None:
    async with running(example("approval_buttons"), tmp_path) as world:
        deployer = OtherPack(world.flyte, "Deployer")
        world.slack.say(world.alice, world.channel, "deploy shop 1.2")
        await world.wait_for_texts("deploy shop 1.2", "Deploy shop 1.2?")
        request = world.slack.posts[0].ts
        world.slack.click(world.alice, world.channel, request, decision)
        await world.slack.wait_for(lambda: world.texts()[1] == f"shop 1.2 {decision} by <@{world.alice}>", SECONDS)
        await world.flyte.wait_for(lambda: len(world.flyte.results) >= 3 and not world.flyte.is_busy, SECONDS)

    assert deployer.inputs == deployed
    [decided] = [message for message in world.slack.history(world.channel) if message["ts"] == request]
    assert not decided.get("blocks")


async def test_an_emoji_makes_a_ticket_of_the_message_and_marks_it(tmp_path: Path) -> None:
    async with running(example("emoji_to_ticket"), tmp_path) as world:
        jira = OtherPack(world.flyte, "Jira")
        ts = world.slack.say(world.alice, world.channel, "the printer is on fire")
        world.slack.react(world.alice, world.channel, ts, "ticket")
        await world.slack.wait_for(lambda: world.slack.counters["reactions.add"] == 1, SECONDS)

    [created] = jira.inputs
    assert created == {"project": "OPS", "summary": "the printer is on fire", "reporter": "alice@example.com"}
    assert [(post.text, post.thread_ts) for post in world.slack.posts] == [("OPS-17 is the ticket", ts)]


async def test_a_slash_command_is_answered_where_the_bot_is_no_member(tmp_path: Path) -> None:
    async with running(example("on_call_command"), tmp_path) as world:
        rota = OtherPack(world.flyte, "Rota")
        elsewhere = world.slack.add_channel("random", members=[world.alice])
        world.slack.run_command(world.alice, elsewhere, "/oncall", "shop")
        await world.slack.wait_for(lambda: len(world.slack.history(elsewhere)) == 1, SECONDS)

    assert rota.inputs == [{"team": "shop"}]
    assert world.slack.history(elsewhere)[0]["text"] == "Grace is on call for shop"


async def test_a_form_that_a_shortcut_opens_makes_a_ticket(tmp_path: Path) -> None:
    async with running(recipe("form"), tmp_path) as world:
        jira = OtherPack(world.flyte, "Jira")
        ts = world.slack.say(world.alice, world.channel, "the printer is on fire")
        world.slack.use_message_shortcut(world.alice, "make_ticket", world.channel, ts)
        await world.slack.wait_for(lambda: bool(world.slack.views.by_id), SECONDS)
        [view_id] = world.slack.views.by_id
        world.slack.submit(world.alice, view_id, {"title": "Printer"})
        await world.wait_for_texts("the printer is on fire", "OPS-17")

    assert jira.inputs == [{"project": "OPS", "summary": "Printer", "reporter": "alice@example.com"}]


async def test_an_alert_is_one_message_that_turns_green(tmp_path: Path) -> None:
    disk_full, no_route = (
        {"id": "1", "title": "disk full", "channel": OPS},
        {"id": "2", "title": "no route", "channel": OPS},
    )
    async with running(example("alert"), tmp_path) as world:
        monitor = OtherPack(world.flyte, "Monitor")
        monitor.raise_event("AlertFired", disk_full)
        await world.wait_for_texts(":red_circle: disk full")
        monitor.raise_event("AlertFired", no_route)
        await world.wait_for_texts(":red_circle: disk full", ":red_circle: no route")
        monitor.raise_event("AlertResolved", disk_full)
        await world.slack.wait_for(lambda: len(world.slack.posts) == 3, SECONDS)

    fired, _, told = world.slack.posts
    assert world.texts()[:2] == [":large_green_circle: disk full", ":red_circle: no route"]
    assert (told.text, told.thread_ts) == ("resolved", fired.ts)


async def test_a_deployment_has_a_thread_of_its_own(tmp_path: Path) -> None:
    async with running(recipe("thread per deployment"), tmp_path) as world:
        deployer = OtherPack(world.flyte, "Deployer")
        for number, deployment in enumerate(("a", "b", "a"), 1):
            deployer.raise_event("Progress", {"id": deployment, "text": f"{deployment} {number}"})
            await world.slack.wait_for(lambda number=number: len(world.slack.posts) == number, SECONDS)  # type: ignore[misc]

    first, second, third = world.slack.posts
    assert [post.thread_ts for post in (first, second)] == [None, None]
    assert (third.text, third.thread_ts) == ("a 3", first.ts)
