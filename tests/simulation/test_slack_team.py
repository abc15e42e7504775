"""What bots can learn about the simulated workspace, its people and its apps."""

import pytest
from slack_sdk.web.async_client import AsyncWebClient

from entrypoints.simulation.slack.server import SlackServer
from tests.simulation.slack_app import error_of


async def test_the_workspace_is_described(slack: SlackServer, web: AsyncWebClient) -> None:
    team = (await web.team_info())["team"]
    assert (team["id"], team["name"], team["domain"]) == (slack.team_id, "Simulation", "simulation")
    assert await error_of(web.team_info(team="T404")) == "team_not_found"


async def test_the_bot_is_described(slack: SlackServer, web: AsyncWebClient) -> None:
    bot = (await web.bots_info(bot=slack.bot_id))["bot"]
    assert (bot["id"], bot["user_id"], bot["app_id"]) == (slack.bot_id, slack.bot_user_id, slack.workspace.app_id)
    assert await error_of(web.bots_info(bot="B404")) == "bot_not_found"


async def test_a_profile_can_be_read(slack: SlackServer, web: AsyncWebClient) -> None:
    alice = slack.workspace.user("alice").user_id
    profile = (await web.users_profile_get(user=alice))["profile"]
    assert (profile["display_name"], profile["email"]) == ("Alice", "alice@example.com")
    assert (await web.users_profile_get())["profile"]["display_name"] == slack.workspace.bot.display_name
    assert await error_of(web.users_profile_get(user="U404")) == "user_not_found"


async def test_everybody_is_present(slack: SlackServer, web: AsyncWebClient) -> None:
    alice = slack.workspace.user("alice").user_id
    assert (await web.users_getPresence(user=alice))["presence"] == "active"
    assert (await web.users_getPresence(user=slack.bot_user_id))["online"] is True
    assert await error_of(web.users_getPresence(user="U404")) == "user_not_found"


async def test_custom_emoji_and_user_groups_are_listed(slack: SlackServer, web: AsyncWebClient) -> None:
    slack.workspace.emoji["shipit"] = "https://example.com/shipit.png"
    assert (await web.emoji_list())["emoji"] == {"shipit": "https://example.com/shipit.png"}
    assert (await web.usergroups_list())["usergroups"] == []


@pytest.mark.parametrize(
    ("method", "scope"),
    [
        ("team.info", "team:read"),
        ("bots.info", "users:read"),
        ("emoji.list", "emoji:read"),
        ("usergroups.list", "usergroups:read"),
        ("pins.add", "pins:write"),
        ("reactions.get", "reactions:read"),
        ("files.getUploadURLExternal", "files:write"),
        ("chat.meMessage", "chat:write"),
        ("chat.scheduleMessage", "chat:write"),
    ],
)
async def test_a_method_requires_its_scope(method: str, scope: str, slack: SlackServer, web: AsyncWebClient) -> None:
    slack.access.scopes.discard(scope)
    assert await error_of(web.api_call(method)) == "missing_scope"
