import json
import re
from base64 import urlsafe_b64encode
from datetime import UTC, datetime, timedelta

from entrypoints.check.findings import Status
from entrypoints.check.jwt import jwt_expiry
from entrypoints.simulation.flyte.faults import malformed
from entrypoints.simulation.flyte.schemas import read_pack
from entrypoints.simulation.flyte.server import FlyteServer
from entrypoints.simulation.pongo2.rendering import TemplateEnvironment
from tests.cli.check.environment import CheckEnvironment, running_pack

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def jwt(**claims: object) -> str:
    return f"e30.{urlsafe_b64encode(json.dumps(claims).encode()).decode().rstrip('=')}.c2ln"


def flyte_at(time: datetime) -> FlyteServer:
    """A Flyte that sees packs at this time only."""
    return FlyteServer(environment=TemplateEnvironment(now=lambda: time))


async def test_flyte_gets_no_request_but_get_and_nothing_is_registered(env: CheckEnvironment) -> None:
    await env.findings()

    assert {request.method for request in env.flyte.requests} == {"GET"}
    assert not env.flyte.packs


async def test_the_id_of_the_pack_contains_its_labels(env: CheckEnvironment) -> None:
    env.variables["FLYTE_LABELS"] = "region=eu,env=dev"

    assert (await env.finding("flyte pack")).message.startswith("Slack.env.dev.region.eu is not registered yet")


async def test_a_pack_with_the_same_id_that_was_not_seen_recently_is_an_older_one(env: CheckEnvironment) -> None:
    async with flyte_at(datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)) as flyte:
        flyte.register(read_pack({"name": "Slack"}))
        env.variables["FLYTE_API"] = flyte.api_url
        pack = await env.finding("flyte pack")

    assert pack.status is Status.OK
    assert pack.message.endswith("by an earlier run or an older pack, last seen 2026-01-02 03:04:05 UTC")


async def test_a_pack_with_the_same_id_that_runs_on_this_machine_is_this_one(env: CheckEnvironment) -> None:
    env.flyte.register(read_pack({"name": "Slack"}))
    async with running_pack() as port:
        env.variables["FLYTE_SLACK_HTTP_PORT"] = port
        pack = await env.finding("flyte pack")

    assert pack.status is Status.OK
    assert "registered and running on this machine" in pack.message


async def test_packs_of_the_same_name_with_other_labels_are_listed(env: CheckEnvironment) -> None:
    async with flyte_at(datetime.now(UTC) - timedelta(seconds=30)) as flyte:
        flyte.register(read_pack({"name": "Slack", "labels": {"env": "prod"}}))
        flyte.register(read_pack({"name": "Jira"}))
        env.variables["FLYTE_API"] = flyte.api_url
        pack = await env.finding("flyte pack")

    assert pack.status is Status.OK
    assert re.search(r"; the same name with other labels: Slack\.env\.prod \(seen 3\d s ago\)$", pack.message)


async def test_checks_to_which_flyte_denies_access_are_skipped(env: CheckEnvironment) -> None:
    async with FlyteServer(jwt="right", forbidden_routes=["packs", "health"]) as flyte:
        env.variables |= {"FLYTE_API": flyte.api_url, "FLYTE_JWT": "right"}
        found = {found.check: found.status for found in await env.findings()}

    assert found["flyte access"] is Status.OK
    assert found["flyte health"] is Status.SKIPPED
    assert found["flyte pack"] is Status.SKIPPED


async def test_a_malformed_list_of_packs_is_a_failure(env: CheckEnvironment) -> None:
    env.flyte.faults.plan("packs", malformed(), times=None)

    [trouble] = await env.problems()

    assert (trouble.check, trouble.status) == ("flyte pack", Status.FAILED)


async def test_a_jwt_that_expires_soon_is_a_warning(env: CheckEnvironment) -> None:
    token = jwt(exp=(datetime.now(UTC) + timedelta(days=2)).timestamp())
    async with FlyteServer(jwt=token) as flyte:
        env.variables |= {"FLYTE_API": flyte.api_url, "FLYTE_JWT": token}
        [trouble] = await env.problems()

    assert (trouble.check, trouble.status) == ("flyte access", Status.WARNING)
    assert token not in repr(trouble)


async def test_a_jwt_that_expires_later_is_no_problem(env: CheckEnvironment) -> None:
    token = jwt(exp=(datetime.now(UTC) + timedelta(days=8)).timestamp())
    async with FlyteServer(jwt=token) as flyte:
        env.variables |= {"FLYTE_API": flyte.api_url, "FLYTE_JWT": token}
        access = await env.finding("flyte access")

    assert access.status is Status.OK


def test_the_expiry_of_a_jwt_is_read_from_its_claims() -> None:
    assert jwt_expiry(jwt(exp=NOW.timestamp())) == NOW


def test_any_other_text_has_no_expiry() -> None:
    for text in ("", "plain", "a.b.c", jwt(), jwt(exp="soon"), jwt(exp=1e300), "e30.W10.x", "e30.\u00e9.x"):
        assert jwt_expiry(text) is None
