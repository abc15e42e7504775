import json

import pytest

from entrypoints.check.findings import Status
from entrypoints.check.scopes import ALL_SCOPES
from entrypoints.simulation.slack.faults import WrongAnswer, rate_limited
from tests.cli.check.environment import Stage
from tests.support.pages import codes, page, rows, section

SCOPES = [scope.name for scope in ALL_SCOPES]
OPTIONAL = [scope.name for scope in ALL_SCOPES if not scope.is_needed]


def answer(**body: object) -> WrongAnswer:
    return WrongAnswer("answer", 200, json.dumps({"ok": True, "user_id": "U1", **body}).encode())


async def test_every_scope_is_told_with_what_it_is_for(stage: Stage) -> None:
    told = {found.check: found for found in await stage.findings() if found.check.startswith("scope ")}

    assert list(told) == [f"scope {scope}" for scope in SCOPES]
    assert told["scope channels:join"].message == "for JoinChannel, and FLYTE_SLACK_DEFAULT_JOIN_CHANNEL"


def test_operators_read_of_the_same_scopes() -> None:
    table = rows(section(page("operators.md"), "### Scopes"), "`[a-z:._]+`.*")

    assert sorted(scope for cells in table for scope in codes(cells[0])) == sorted(SCOPES)


@pytest.mark.parametrize("scope", OPTIONAL)
async def test_a_scope_that_the_pack_can_do_without_is_a_warning(scope: str, stage: Stage) -> None:
    stage.slack.access.scopes.remove(scope)

    [trouble] = await stage.troubles()

    assert (trouble.check, trouble.status) == (f"scope {scope}", Status.WARNING)
    assert f"Add an OAuth Scope > {scope}; then Install App > Reinstall to Workspace" in trouble.mend


async def test_scopes_that_slack_does_not_tell_are_not_guessed_at(stage: Stage) -> None:
    stage.slack.faults.plan("auth.test", answer(bot_id="B1"))

    assert (await stage.finding("slack scopes")).status is Status.SKIPPED


async def test_a_classic_app_has_one_scope_for_everything_and_a_socket_of_rtm(classic_stage: Stage) -> None:
    found = {found.check: found for found in await classic_stage.findings()}

    assert found["slack scopes"].message.startswith("bot, ")
    assert found["slack rtm"].status is Status.OK
    assert found["slack socket"].status is Status.OK
    assert await classic_stage.troubles() == []


async def test_a_token_without_a_bot_is_a_warning(stage: Stage) -> None:
    stage.slack.faults.plan("auth.test", answer())

    [trouble] = await stage.troubles()

    assert (trouble.check, trouble.status) == ("slack token", Status.WARNING)
    assert "Bot User OAuth Token" in trouble.mend


@pytest.mark.parametrize(
    ("method", "check"), [("auth.test", "slack token"), ("apps.connections.open", "slack app token")]
)
async def test_being_told_to_wait_is_no_fault_of_the_token(method: str, check: str, stage: Stage) -> None:
    stage.slack.faults.plan(method, rate_limited(30))

    [trouble] = await stage.troubles()

    assert (trouble.check, trouble.status) == (check, Status.WARNING)
    assert "30 s" in trouble.message


async def test_what_hangs_on_a_missing_scope_is_skipped(stage: Stage) -> None:
    stage.slack.access.scopes.clear()
    stage.slack.access.scopes.update({"chat:write"})

    channel = await stage.finding(f"slack channel {stage.channel}")

    assert channel.status is Status.SKIPPED
    assert "channels:read" in channel.message


async def test_a_channel_is_told_by_its_name(stage: Stage) -> None:
    before = await stage.finding(f"slack channel {stage.channel}")
    stage.slack.invite(stage.channel, stage.slack.bot_user_id)
    after = await stage.finding(f"slack channel {stage.channel}")

    assert before.message == "#ops: the bot is no member yet; the start will join it"
    assert after.message == "#ops: the bot is a member"


async def test_the_socket_is_closed_again(stage: Stage) -> None:
    assert (await stage.finding("slack socket")).message == (
        "opened, greeted, and closed again; 1 of 10 were open with it"
    )

    await stage.slack.wait_for(lambda: not stage.slack.connections)


async def test_slack_is_only_asked(stage: Stage) -> None:
    await stage.findings()

    assert {call.method for call in stage.slack.calls} == {
        "api.test",
        "auth.test",
        "apps.connections.open",
        "conversations.info",
    }
