"""`flyte-slack check` says which features the token serves."""

import pytest

from application.catalog.commands import COMMANDS
from application.catalog.events import EVENTS
from entrypoints.check.features import ALL_FEATURES, EDITS, OTHER_EVENTS, OTHER_METHODS
from entrypoints.check.findings import Finding, Status
from tests.cli.check.environment import CheckEnvironment


async def features(env: CheckEnvironment) -> dict[str, Finding]:
    return {found.check: found for found in await env.findings() if found.check.startswith("feature ")}


def test_every_command_and_event_belongs_to_one_feature() -> None:
    named = [name for feature in (*ALL_FEATURES, EDITS, OTHER_EVENTS, OTHER_METHODS) for name in feature.names]

    assert sorted(named) == sorted(spec.name for spec in (*COMMANDS, *EVENTS))


async def test_a_token_with_all_scopes_serves_every_feature_that_is_switched_on(env: CheckEnvironment) -> None:
    env.variables |= {
        "FLYTE_SLACK_RECEIVE_EDITS": "true",
        "FLYTE_SLACK_EVENTS": "team_join",
        "FLYTE_SLACK_ALLOWED_METHODS": "pins.add",
    }

    found = await features(env)

    assert {feature.status for feature in found.values()} == {Status.OK}
    assert found["feature reactions"].message == (
        "works: ReactionAdded, ReactionRemoved, AddReaction, RemoveReaction; "
        "the app must have the events reaction_added and reaction_removed"
    )
    assert found["feature other events"].message == "works: ReceivedSlackEvent; the app must have the events team_join"


async def test_a_missing_scope_is_named_with_what_needs_it_and_what_remains(env: CheckEnvironment) -> None:
    env.slack.access.scopes.remove("reactions:write")

    reactions = (await features(env))["feature reactions"]

    assert reactions.status is Status.SKIPPED
    assert reactions.message.startswith(
        "lacks reactions:write for AddReaction, RemoveReaction; works: ReactionAdded, ReactionRemoved; "
    )


async def test_one_of_several_scopes_is_enough(env: CheckEnvironment) -> None:
    env.slack.access.scopes.remove("groups:write")

    assert (await features(env))["feature channels"].status is Status.OK


async def test_a_token_without_any_optional_scope_fails_no_check(env: CheckEnvironment) -> None:
    env.slack.access.scopes -= {"commands", "reactions:read", "reactions:write", "files:write", "users:read.email"}

    found = await env.findings()

    assert [finding for finding in found if finding.status is Status.FAILED] == []
    assert {finding.check for finding in found if finding.status is Status.SKIPPED} >= {
        "feature reactions",
        "feature slash commands",
        "feature files",
    }


@pytest.mark.parametrize(
    ("feature", "variable"),
    [
        ("edits", "FLYTE_SLACK_RECEIVE_EDITS"),
        ("other events", "FLYTE_SLACK_EVENTS"),
        ("other methods", "FLYTE_SLACK_ALLOWED_METHODS"),
    ],
)
async def test_a_feature_that_is_switched_off_names_its_variable(
    feature: str, variable: str, env: CheckEnvironment
) -> None:
    found = (await features(env))[f"feature {feature}"]

    assert found.status is Status.SKIPPED
    assert variable in found.message


async def test_a_classic_app_has_reactions_but_no_interactions(classic_env: CheckEnvironment) -> None:
    found = await features(classic_env)

    assert found["feature reactions"].status is Status.OK
    assert found["feature buttons and modals"].status is Status.SKIPPED
    assert "RTM brings no interactions" in found["feature slash commands"].message


async def test_the_features_cost_no_request(env: CheckEnvironment) -> None:
    await env.findings()

    assert len([call for call in env.slack.calls if call.method == "auth.test"]) == 1
