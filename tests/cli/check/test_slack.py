import json

import pytest

from entrypoints.check.findings import Status
from entrypoints.check.scopes import ALL_SCOPES
from entrypoints.simulation.faults import CannedResponse
from entrypoints.simulation.slack.faults import rate_limited
from tests.cli.check.environment import CheckEnvironment
from tests.support.pages import code_spans, page, rows, section

SCOPES = [scope.name for scope in ALL_SCOPES]
OPTIONAL = [scope.name for scope in ALL_SCOPES if not scope.is_needed]


def answer(**body: object) -> CannedResponse:
    return CannedResponse("answer", 200, json.dumps({"ok": True, "user_id": "U1", **body}).encode())


async def test_every_scope_is_told_with_what_it_is_for(env: CheckEnvironment) -> None:
    told = {found.check: found for found in await env.findings() if found.check.startswith("scope ")}

    assert list(told) == [f"scope {scope}" for scope in SCOPES]
    assert told["scope channels:join"].message == "for JoinChannel, and FLYTE_SLACK_DEFAULT_JOIN_CHANNEL"


def test_operators_read_of_the_same_scopes() -> None:
    table = rows(section(page("operators.md"), "### Scopes"), "`[a-z:._]+`.*")

    assert sorted(scope for cells in table for scope in code_spans(cells[0])) == sorted(SCOPES)


@pytest.mark.parametrize("scope", OPTIONAL)
async def test_a_scope_that_the_pack_can_do_without_is_a_warning(scope: str, env: CheckEnvironment) -> None:
    env.slack.access.scopes.remove(scope)

    [trouble] = await env.problems()

    assert (trouble.check, trouble.status) == (f"scope {scope}", Status.WARNING)
    assert f"Add an OAuth Scope > {scope}; then Install App > Reinstall to Workspace" in trouble.remedy


async def test_scopes_that_slack_does_not_tell_are_not_guessed_at(env: CheckEnvironment) -> None:
    env.slack.faults.plan("auth.test", answer(bot_id="B1"))

    assert (await env.finding("slack scopes")).status is Status.SKIPPED


async def test_a_classic_app_has_one_scope_for_everything_and_a_socket_of_rtm(classic_env: CheckEnvironment) -> None:
    found = {found.check: found for found in await classic_env.findings()}

    assert found["slack scopes"].message.startswith("bot, ")
    assert found["slack rtm"].status is Status.OK
    assert found["slack socket"].status is Status.OK
    assert await classic_env.problems() == []


async def test_a_token_without_a_bot_is_a_warning(env: CheckEnvironment) -> None:
    env.slack.faults.plan("auth.test", answer())

    [trouble] = await env.problems()

    assert (trouble.check, trouble.status) == ("slack token", Status.WARNING)
    assert "Bot User OAuth Token" in trouble.remedy


@pytest.mark.parametrize(
    ("method", "check"), [("auth.test", "slack token"), ("apps.connections.open", "slack app token")]
)
async def test_being_told_to_wait_is_no_fault_of_the_token(method: str, check: str, env: CheckEnvironment) -> None:
    env.slack.faults.plan(method, rate_limited(30))

    [trouble] = await env.problems()

    assert (trouble.check, trouble.status) == (check, Status.WARNING)
    assert "30 s" in trouble.message


async def test_what_hangs_on_a_missing_scope_is_skipped(env: CheckEnvironment) -> None:
    env.slack.access.scopes.clear()
    env.slack.access.scopes.update({"chat:write"})

    channel = await env.finding(f"slack channel {env.channel}")

    assert channel.status is Status.SKIPPED
    assert "channels:read" in channel.message


async def test_a_channel_is_told_by_its_name(env: CheckEnvironment) -> None:
    before = await env.finding(f"slack channel {env.channel}")
    env.slack.invite(env.channel, env.slack.bot_user_id)
    after = await env.finding(f"slack channel {env.channel}")

    assert before.message == "#ops: the bot is no member yet; the start will join it"
    assert after.message == "#ops: the bot is a member"


async def test_the_socket_is_closed_again(env: CheckEnvironment) -> None:
    assert (await env.finding("slack socket")).message == (
        "opened, greeted, and closed again; 1 of 10 were open with it"
    )

    await env.slack.wait_for(lambda: not env.slack.connections)


async def test_slack_is_only_asked(env: CheckEnvironment) -> None:
    await env.findings()

    assert {call.method for call in env.slack.calls} == {
        "api.test",
        "auth.test",
        "apps.connections.open",
        "conversations.info",
    }
