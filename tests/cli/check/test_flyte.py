import json
import re
from base64 import urlsafe_b64encode
from datetime import UTC, datetime, timedelta

from entrypoints.check.findings import Status
from entrypoints.check.jwt import Jwt
from entrypoints.simulation.flyte.faults import malformed
from entrypoints.simulation.flyte.schemas import read_pack
from entrypoints.simulation.flyte.server import FlyteServer
from tests.cli.check.environment import CheckEnvironment, running_pack

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def jwt(**claims: object) -> str:
    return f"e30.{urlsafe_b64encode(json.dumps(claims).encode()).decode().rstrip('=')}.c2ln"


def last_seen(env: CheckEnvironment, pack: str, ago: timedelta) -> None:
    env.flyte._state.last_seen[pack] = datetime.now(UTC) - ago


async def test_flyte_is_only_asked_by_get_and_nothing_is_registered(env: CheckEnvironment) -> None:
    await env.findings()

    assert {request.method for request in env.flyte.requests} == {"GET"}
    assert not env.flyte.packs


async def test_the_id_under_which_the_pack_will_be_registered_has_its_labels(env: CheckEnvironment) -> None:
    env.variables["FLYTE_LABELS"] = "region=eu,env=dev"

    assert (await env.finding("flyte pack")).message.startswith("Slack.env.dev.region.eu is not registered yet")


async def test_a_pack_of_this_name_that_was_not_seen_lately_is_an_older_one(env: CheckEnvironment) -> None:
    env.flyte.register(read_pack({"name": "Slack"}))
    env.flyte._state.last_seen["Slack"] = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)

    pack = await env.finding("flyte pack")

    assert pack.status is Status.OK
    assert pack.message.endswith("by an earlier start or an older pack, last seen 2026-01-02 03:04:05 UTC")


async def test_a_pack_of_this_name_that_runs_on_this_machine_is_this_one(env: CheckEnvironment) -> None:
    env.flyte.register(read_pack({"name": "Slack"}))
    async with running_pack() as port:
        env.variables["FLYTE_SLACK_HTTP_PORT"] = port
        pack = await env.finding("flyte pack")

    assert pack.status is Status.OK
    assert "it runs on this machine" in pack.message


async def test_packs_of_this_name_with_other_labels_are_told(env: CheckEnvironment) -> None:
    env.flyte.register(read_pack({"name": "Slack", "labels": {"env": "prod"}}))
    env.flyte.register(read_pack({"name": "Jira"}))
    last_seen(env, "Slack.env.prod", timedelta(seconds=30))

    pack = await env.finding("flyte pack")

    assert pack.status is Status.OK
    assert re.search(r"; of this name with other labels: Slack\.env\.prod \(seen 3\d s ago\)$", pack.message)


async def test_what_flyte_forbids_to_be_asked_is_skipped(env: CheckEnvironment) -> None:
    async with FlyteServer(jwt="right", forbidden_routes=["packs", "health"]) as flyte:
        env.variables |= {"FLYTE_API": flyte.api_url, "FLYTE_JWT": "right"}
        found = {found.check: found.status for found in await env.findings()}

    assert found["flyte access"] is Status.OK
    assert found["flyte health"] is Status.SKIPPED
    assert found["flyte pack"] is Status.SKIPPED


async def test_a_list_of_packs_that_is_none_is_told(env: CheckEnvironment) -> None:
    env.flyte.faults.plan("packs", malformed(), times=None)

    [trouble] = await env.problems()

    assert (trouble.check, trouble.status) == ("flyte pack", Status.FAILED)


async def test_a_jwt_that_will_end_soon_is_a_warning(env: CheckEnvironment) -> None:
    token = jwt(exp=(datetime.now(UTC) + timedelta(days=2)).timestamp())
    async with FlyteServer(jwt=token) as flyte:
        env.variables |= {"FLYTE_API": flyte.api_url, "FLYTE_JWT": token}
        [trouble] = await env.problems()

    assert (trouble.check, trouble.status) == ("flyte access", Status.WARNING)
    assert token not in repr(trouble)


def test_a_jwt_tells_when_it_ends() -> None:
    assert Jwt(jwt(exp=NOW.timestamp())).expiry == NOW
    assert Jwt(jwt(exp=NOW.timestamp())).is_expired(NOW)
    assert not Jwt(jwt(exp=NOW.timestamp() + 1)).is_expired(NOW)
    assert not Jwt(jwt(exp=NOW.timestamp() + 8 * 86400)).expires_soon(NOW)


def test_any_other_text_tells_nothing_of_an_end() -> None:
    for text in ("", "plain", "a.b.c", jwt(), jwt(exp="soon"), jwt(exp=1e300), "e30.W10.x", "e30.\u00e9.x"):
        assert Jwt(text).expiry is None
