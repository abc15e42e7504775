import json

import pytest

from adapters.storage_urls import create_storage
from entrypoints.check.findings import Status
from entrypoints.check.scopes import ALL_SCOPES
from entrypoints.simulation.faults import CannedResponse
from entrypoints.simulation.slack.faults import error, http_status, rate_limited
from tests.cli.check.environment import CheckEnvironment
from tests.support.pages import code_spans, page, rows, section

SCOPES = [scope.name for scope in ALL_SCOPES]
OPTIONAL = [scope.name for scope in ALL_SCOPES if not scope.is_required]


def response(**body: object) -> CannedResponse:
    return CannedResponse("answer", 200, json.dumps({"ok": True, "user_id": "U1", **body}).encode())


async def test_every_scope_is_listed_with_its_use(env: CheckEnvironment) -> None:
    listed = {found.check: found for found in await env.findings() if found.check.startswith("scope ")}

    assert list(listed) == [f"scope {scope}" for scope in SCOPES]
    assert listed["scope channels:join"].message == "for JoinChannel and FLYTE_SLACK_DEFAULT_JOIN_CHANNEL"


def test_the_operators_guide_lists_the_same_scopes() -> None:
    table = rows(section(page("set-up.md"), "### Scopes"), "`[a-z:._]+`.*")

    assert sorted(scope for cells in table for scope in code_spans(cells[0])) == sorted(SCOPES)


@pytest.mark.parametrize("scope", OPTIONAL)
async def test_a_missing_optional_scope_is_a_warning(scope: str, env: CheckEnvironment) -> None:
    env.slack.access.scopes.remove(scope)

    [trouble] = await env.problems()

    assert (trouble.check, trouble.status) == (f"scope {scope}", Status.WARNING)
    assert f"Add an OAuth Scope > {scope}; then Install App > Reinstall to Workspace" in trouble.remedy


async def test_scopes_are_skipped_when_slack_does_not_list_them(env: CheckEnvironment) -> None:
    env.slack.faults.plan("auth.test", response(bot_id="B1"))

    assert (await env.finding("slack scopes")).status is Status.SKIPPED


async def test_a_classic_app_has_one_scope_for_everything_and_an_rtm_socket(classic_env: CheckEnvironment) -> None:
    found = {found.check: found for found in await classic_env.findings()}

    assert found["slack scopes"].message.startswith("bot, ")
    assert found["slack rtm"].status is Status.OK
    assert found["slack socket"].status is Status.OK
    assert await classic_env.problems() == []


async def test_a_token_without_a_bot_is_a_warning(env: CheckEnvironment) -> None:
    env.slack.faults.plan("auth.test", response())

    [trouble] = await env.problems()

    assert (trouble.check, trouble.status) == ("slack token", Status.WARNING)
    assert "Bot User OAuth Token" in trouble.remedy


@pytest.mark.parametrize("answer", [http_status(404), error("unknown_method")], ids=lambda answer: answer.name)
@pytest.mark.parametrize(
    ("method", "check"), [("auth.test", "slack token"), ("apps.connections.open", "slack app token")]
)
async def test_at_a_wrong_address_no_other_token_helps(
    method: str, check: str, answer: CannedResponse, env: CheckEnvironment
) -> None:
    env.slack.faults.plan(method, answer)

    [trouble, *_] = await env.problems()

    assert (trouble.check, trouble.status) == (check, Status.FAILED)
    assert trouble.remedy == "correct FLYTE_SLACK_API_URL, so that it leads to Slack"


@pytest.mark.parametrize(
    ("method", "check"), [("auth.test", "slack token"), ("apps.connections.open", "slack app token")]
)
async def test_a_rate_limit_is_a_warning(method: str, check: str, env: CheckEnvironment) -> None:
    env.slack.faults.plan(method, rate_limited(30))

    [trouble] = await env.problems()

    assert (trouble.check, trouble.status) == (check, Status.WARNING)
    assert "30 s" in trouble.message


async def test_checks_that_need_a_missing_scope_are_skipped(env: CheckEnvironment) -> None:
    env.slack.access.scopes.clear()
    env.slack.access.scopes.update({"chat:write"})

    channel = await env.finding(f"slack channel {env.channel}")

    assert channel.status is Status.SKIPPED
    assert "channels:read" in channel.message


async def test_a_channel_is_shown_by_name_with_the_membership_of_the_bot(env: CheckEnvironment) -> None:
    before = await env.finding(f"slack channel {env.channel}")
    env.slack.invite(env.channel, env.slack.bot_user_id)
    after = await env.finding(f"slack channel {env.channel}")

    assert before.message == "#ops: the bot is not a member; the pack joins at startup"
    assert after.message == "#ops: the bot is a member"


async def test_the_socket_is_closed_again(env: CheckEnvironment) -> None:
    assert (await env.finding("slack socket")).message == "opened and closed again; 1 of 10 sockets in use"

    await env.slack.wait_for(lambda: not env.slack.connections)


async def test_no_method_that_changes_slack_is_called(env: CheckEnvironment) -> None:
    await env.findings()

    assert {call.method for call in env.slack.calls} == {
        "api.test",
        "auth.test",
        "apps.connections.open",
        "conversations.info",
    }


# Joined channels


def join(env: CheckEnvironment, *channels: str) -> None:
    """Writes down joined channels as the pack does."""
    env.directory.mkdir(mode=0o700, exist_ok=True)
    (env.directory / "channels.json").write_text(json.dumps(channels))


async def test_joined_channels_with_the_bot_are_no_problem(env: CheckEnvironment) -> None:
    env.slack.invite(env.channel, env.slack.bot_user_id)
    join(env, env.channel)

    assert (await env.finding("slack memberships")).message == "the bot is a member of all 1 joined channels"


async def test_joined_channels_that_are_not_heard_are_counted(env: CheckEnvironment) -> None:
    env.slack.invite(env.channel, env.slack.bot_user_id)
    removed, archived = env.slack.add_channel("removed"), env.slack.add_channel("old", members=(env.slack.bot_user_id,))
    env.slack.archive(archived)
    join(env, env.channel, removed, archived, "C0GONE")

    [trouble] = await env.problems()

    assert (trouble.check, trouble.status) == ("slack memberships", Status.WARNING)
    assert trouble.message.startswith("3 of 4 joined channels are not heard")
    assert f"{removed}, {archived}, C0GONE; the pack leaves them at startup" in trouble.message


async def test_joined_channels_that_a_running_pack_does_not_hear_are_a_failure(env: CheckEnvironment) -> None:
    async with create_storage(env.directory.as_uri(), env.clock).open():
        join(env, *(f"C{number}" for number in range(30)))
        trouble = await env.finding("slack memberships")

    assert trouble.status is Status.FAILED
    assert trouble.message.startswith("30 of 30 joined channels are not heard")
    assert trouble.message.endswith("C0, C1, C2, C3, C4, ...")


async def test_memberships_are_skipped_without_the_scope(env: CheckEnvironment) -> None:
    join(env, env.channel)
    env.slack.access.scopes.remove("channels:read")

    assert (await env.finding("slack memberships")).status is Status.SKIPPED
