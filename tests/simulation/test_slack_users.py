"""The `users.*` methods of the simulated Web API."""

import aiohttp
from slack_sdk.web.async_client import AsyncWebClient

from entrypoints.simulation.slack.server import SlackServer
from tests.simulation.slack_app import error_of, web_client


async def test_users_info_has_the_profile(slack: SlackServer, web: AsyncWebClient) -> None:
    bob = slack.add_user("bob", real_name="Bob B", display_name="bobby", email="bob@example.com", title="Operator")
    user = (await web.users_info(user=bob))["user"]
    assert (user["id"], user["name"], user["real_name"], user["is_bot"]) == (bob, "bob", "Bob B", False)
    assert (user["profile"]["display_name"], user["profile"]["title"]) == ("bobby", "Operator")
    assert user["profile"]["email"] == "bob@example.com"


async def test_a_user_has_what_apps_commonly_read(slack: SlackServer, web: AsyncWebClient) -> None:
    user = (await web.users_info(user=slack.add_user("bob")))["user"]

    assert (user["tz"], user["tz_label"], user["tz_offset"]) == ("Etc/UTC", "Coordinated Universal Time", 0)
    assert not any(user[name] for name in ("is_admin", "is_owner", "is_restricted"))
    assert (user["profile"]["status_text"], user["profile"]["phone"]) == ("", "")
    assert user["profile"]["image_72"].endswith("-72.png")


async def test_email_addresses_require_their_scope(session: aiohttp.ClientSession) -> None:
    async with SlackServer(scopes=["users:read"]) as slack:
        bob = slack.add_user("bob", email="bob@example.com")
        assert "email" not in (await web_client(slack, session).users_info(user=bob))["user"]["profile"]


async def test_an_unknown_user_id_is_not_found(web: AsyncWebClient) -> None:
    assert await error_of(web.users_info(user="U404")) == "user_not_found"


async def test_a_user_keeps_a_chosen_id(slack: SlackServer) -> None:
    assert slack.add_user("carol", user_id="U023BECGF") == "U023BECGF"


async def test_a_user_is_found_by_email(web: AsyncWebClient) -> None:
    assert (await web.users_lookupByEmail(email="alice@example.com"))["user"]["name"] == "alice"
    assert await error_of(web.users_lookupByEmail(email="unknown@example.com")) == "users_not_found"


async def test_users_list_has_all_users_and_the_bot(slack: SlackServer, web: AsyncWebClient) -> None:
    members = (await web.users_list())["members"]
    assert {member["name"] for member in members} == {"bot", "owner", "alice"}
    assert [member["id"] for member in members if member["is_bot"]] == [slack.bot_user_id]
