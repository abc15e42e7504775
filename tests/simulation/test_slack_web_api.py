"""Arguments, tokens, scopes, rate limits and pagination of the simulated Web API."""

import json

import aiohttp
import pytest
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from entrypoints.simulation.slack.server import SlackServer
from tests.simulation.slack_app import error_of, web_client


async def test_auth_test_returns_the_tokens_owner_and_scopes(slack: SlackServer, web: AsyncWebClient) -> None:
    answer = await web.auth_test()
    assert (answer["user_id"], answer["bot_id"], answer["team_id"]) == (slack.bot_user_id, slack.bot_id, slack.team_id)
    assert "channels:join" in answer.headers["x-oauth-scopes"].split(",")


@pytest.mark.parametrize("style", ["query", "form", "json", "multipart"])
async def test_arguments_are_read_from(style: str, slack: SlackServer, session: aiohttp.ClientSession) -> None:
    headers = {"Authorization": f"Bearer {slack.bot_token}"}
    values = {"email": "alice@example.com"}
    url = f"{slack.api_url}users.lookupByEmail"
    if style == "query":
        request = session.get(url, params=values, headers=headers)
    elif style == "json":
        request = session.post(url, json=values, headers=headers)
    elif style == "form":
        request = session.post(url, data=values, headers=headers)
    else:
        with aiohttp.MultipartWriter("form-data") as parts:
            parts.append(values["email"]).set_content_disposition("form-data", name="email")
        request = session.post(url, data=parts, headers=headers)
    async with request as answer:
        assert (await answer.json())["user"]["name"] == "alice"


async def test_the_token_may_be_a_form_field(slack: SlackServer, session: aiohttp.ClientSession) -> None:
    async with session.post(f"{slack.api_url}auth.test", data={"token": slack.bot_token}) as answer:
        assert (await answer.json())["ok"]
    assert "token" not in slack.calls[-1].arguments


async def test_a_token_in_json_is_not_accepted(slack: SlackServer, session: aiohttp.ClientSession) -> None:
    async with session.post(f"{slack.api_url}auth.test", json={"token": slack.bot_token}) as answer:
        assert (await answer.json())["error"] == "not_authed"


@pytest.mark.parametrize(("body", "code"), [(b"{", "invalid_json"), (b"[]", "json_not_object")])
async def test_malformed_json_is_rejected(
    body: bytes, code: str, slack: SlackServer, session: aiohttp.ClientSession
) -> None:
    headers = {"Content-Type": "application/json; charset=utf-8"}
    async with session.post(f"{slack.api_url}auth.test", data=body, headers=headers) as answer:
        assert (await answer.json())["error"] == code


async def test_a_method_that_is_not_simulated_is_named_as_such(web: AsyncWebClient) -> None:
    with pytest.raises(SlackApiError) as error:
        await web.api_call("reminders.add")
    message = "[ERROR] the simulated Slack has no method reminders.add; docs/simulation.md lists those that it has"
    expected = {"ok": False, "error": "unknown_method", "req_method": "reminders.add"}
    assert error.value.response.data == {**expected, "response_metadata": {"messages": [message]}}


async def test_a_call_without_a_token_is_not_authed(slack: SlackServer, session: aiohttp.ClientSession) -> None:
    assert await error_of(web_client(slack, session, "").auth_test()) == "not_authed"


async def test_a_wrong_token_is_invalid(slack: SlackServer, session: aiohttp.ClientSession) -> None:
    assert await error_of(web_client(slack, session, "xoxb-other").auth_test()) == "invalid_auth"


async def test_any_token_can_be_accepted(session: aiohttp.ClientSession) -> None:
    async with SlackServer(accept_any_token=True) as slack:
        assert (await web_client(slack, session, "token_abc").auth_test())["ok"]


async def test_an_app_token_is_rejected_where_a_bot_token_is_required(
    slack: SlackServer, session: aiohttp.ClientSession
) -> None:
    web = web_client(slack, session, slack.app_token)
    assert await error_of(web.auth_test()) == "not_allowed_token_type"


async def test_a_bot_token_cannot_open_a_socket(slack: SlackServer, web: AsyncWebClient) -> None:
    assert await error_of(web.apps_connections_open(app_token=slack.bot_token)) == "not_allowed_token_type"


async def test_all_calls_fail_while_an_error_is_forced(slack: SlackServer, web: AsyncWebClient) -> None:
    slack.access.forced_error = "token_revoked"
    assert await error_of(web.auth_test()) == "token_revoked"
    slack.access.forced_error = ""
    assert (await web.auth_test())["ok"]


async def test_the_error_names_the_missing_and_the_provided_scopes(session: aiohttp.ClientSession) -> None:
    async with SlackServer(scopes=["users:read", "chat:write"]) as slack:
        with pytest.raises(SlackApiError) as error:
            await web_client(slack, session).conversations_join(channel=slack.add_channel("ops"))
    answer = error.value.response
    assert (answer["error"], answer["needed"], answer["provided"]) == (
        "missing_scope",
        "channels:join",
        "chat:write,users:read",
    )


async def test_history_of_a_private_channel_requires_its_own_scope(session: aiohttp.ClientSession) -> None:
    async with SlackServer(scopes=["channels:history"]) as slack:
        secret = slack.add_channel("secret", private=True, members=[slack.bot_user_id])
        with pytest.raises(SlackApiError) as error:
            await web_client(slack, session).conversations_history(channel=secret)
    assert error.value.response["needed"] == "groups:history"


async def test_a_classic_tokens_bot_scope_includes_all_others(session: aiohttp.ClientSession) -> None:
    async with SlackServer(classic=True, scopes=[]) as slack:
        web = web_client(slack, session)
        assert (await web.auth_test()).headers["x-oauth-scopes"] == "identify,bot"
        assert (await web.conversations_join(channel=slack.add_channel("ops")))["ok"]


async def test_rate_limits_are_off_by_default(slack: SlackServer, web: AsyncWebClient) -> None:
    for _ in range(30):
        await web.conversations_list()
    assert slack.counters["ratelimited"] == 0


async def test_a_tier_is_enforced_with_retry_after(slack: SlackServer, web: AsyncWebClient) -> None:
    slack.limits.tiers = True
    for _ in range(20):
        await web.conversations_list()
    with pytest.raises(SlackApiError) as error:
        await web.conversations_list()
    assert error.value.response.status_code == 429
    assert error.value.response["error"] == "ratelimited"
    assert 1 <= int(error.value.response.headers["Retry-After"]) <= 3
    assert (await web.users_list())["ok"], "a limit blocks only its own method"


async def test_one_method_can_be_limited_alone(slack: SlackServer, web: AsyncWebClient) -> None:
    slack.limits.per_minute["users.list"] = 1
    await web.users_list()
    assert await error_of(web.users_list()) == "ratelimited"


async def test_posts_are_limited_per_channel(slack: SlackServer, web: AsyncWebClient) -> None:
    slack.limits.posts, slack.limits.post_burst = True, 2
    first, second = (slack.add_channel(name, members=[slack.bot_user_id]) for name in ("one", "two"))
    await web.chat_postMessage(channel=first, text="1")
    await web.chat_postMessage(channel=first, text="2")
    assert await error_of(web.chat_postMessage(channel=first, text="3")) == "ratelimited"
    assert await error_of(web.chat_postMessage(channel="#one", text="3")) == "ratelimited"
    assert (await web.chat_postMessage(channel=second, text="1"))["ok"]


async def test_api_test_returns_its_arguments(web: AsyncWebClient) -> None:
    assert (await web.api_test(foo="bar"))["args"] == {"foo": "bar"}
    assert await error_of(web.api_test(error="my_error")) == "my_error"


async def test_pages_can_be_read_to_the_last(slack: SlackServer, web: AsyncWebClient) -> None:
    expected = [slack.add_channel(f"c{number}") for number in range(5)]
    found: list[str] = []
    async for page in await web.conversations_list(limit=2):
        found += [channel["id"] for channel in page["channels"]]
    assert found[-5:] == expected
    assert len(found) == len(set(found)) == 6


async def test_an_invalid_cursor_is_rejected(web: AsyncWebClient) -> None:
    assert await error_of(web.conversations_list(cursor="@@@")) == "invalid_cursor"


async def test_every_call_is_logged_with_its_error(slack: SlackServer, web: AsyncWebClient) -> None:
    await error_of(web.users_info(user="U404"))
    call = slack.calls[-1]
    assert (call.method, call.arguments, call.error) == ("users.info", {"user": "U404"}, "user_not_found")
    assert slack.counters["users.info"] == 1


async def test_the_log_has_no_tokens(slack: SlackServer, web: AsyncWebClient) -> None:
    await web.api_call("auth.test", params={"token": slack.bot_token})
    logged = json.dumps([call.arguments for call in slack.calls])
    assert slack.bot_token not in logged
