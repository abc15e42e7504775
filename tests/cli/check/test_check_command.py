"""`flyte-slack check` as people and scripts run it."""

import asyncio
import io
import json
import os
import time
from collections import Counter

import pytest
from click.testing import CliRunner

from entrypoints.check.findings import Status, failed, ok, skipped, warning
from entrypoints.check.report import Report
from entrypoints.cli.commands import main
from entrypoints.observability.redaction import Redactor
from entrypoints.simulation.faults import Hang
from entrypoints.simulation.slack import faults as slack_faults
from tests.cli.check.environment import CheckEnvironment
from tests.support.daemon_process import PROGRAM
from tests.support.logs import restored_logging


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


async def run(environment: dict[str, str], *arguments: str) -> tuple[int, str, str]:
    """Exit status, standard output, standard error of the command within this process."""
    variables = {**dict.fromkeys(os.environ), "PATH": os.environ["PATH"], **environment}
    with restored_logging():
        done = await asyncio.to_thread(CliRunner().invoke, main, ["check", *arguments], env=variables)
    return done.exit_code, done.stdout, done.stderr


async def run_program(environment: dict[str, str]) -> tuple[int | None, str, str]:
    """The same of a process."""
    process = await asyncio.create_subprocess_exec(
        PROGRAM,
        "check",
        env={"PATH": os.environ["PATH"], **environment},
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    async with asyncio.timeout(20):
        output, errors = await process.communicate()
    return process.returncode, output.decode(), errors.decode()


async def test_a_pack_that_can_run_gives_status_0_and_a_summary(env: CheckEnvironment) -> None:
    status, output, errors = await run_program(env.environ | {"TMPDIR": str(env.directory.parent)})

    assert (status, errors) == (0, "")
    assert output.splitlines()[0].startswith("ok       configuration ")
    assert "\nok       slack token " in output
    assert output.splitlines()[-1] == "The pack can run: 48 ok, 1 warning, 4 skipped. See: directory."


async def test_a_failure_gives_status_1_with_the_fix_below_its_line(env: CheckEnvironment) -> None:
    env.slack.access.scopes.remove("chat:write")

    status, output, _ = await run(env.environ)

    assert status == 1
    lines = output.splitlines()
    [index] = [number for number, line in enumerate(lines) if line.startswith("failed ")]
    assert "scope chat:write" in lines[index]
    assert lines[index + 1].startswith("    ")
    assert "fix: api.slack.com/apps > your app > OAuth & Permissions" in lines[index + 1]
    assert lines[-1].startswith("The pack can't run like this: ")
    assert lines[-1].endswith(" See: scope chat:write.")


async def test_invalid_settings_give_status_2_and_the_messages_of_run() -> None:
    environment = {"FLYTE_API": "nowhere", "FLYTE_SLACK_GIVE_UP": "soon"}
    status, output, _ = await run(environment, "--json")

    found = json.loads(output)

    assert status == 2
    assert {finding["check"] for finding in found} == {"configuration"}
    assert [finding["message"].partition(":")[0] for finding in found] == [
        "FLYTE_API",
        "FLYTE_SLACK_TOKEN",
        "FLYTE_SLACK_GIVE_UP",
    ]


async def test_json_output_lists_all_findings(env: CheckEnvironment) -> None:
    env.variables["FLYTE_SLACK_APP_TOKEN"] = "xapp-mistyped"

    status, output, errors = await run(env.environ, "--json")

    found = json.loads(output)
    assert (status, errors) == (1, "")
    assert {tuple(finding) for finding in found} == {("check", "status", "message", "remedy")}
    assert [finding["check"] for finding in found if finding["status"] == "failed"] == ["slack app token"]
    assert len(found) == len({finding["check"] for finding in found})


async def test_no_secret_is_in_any_output(env: CheckEnvironment) -> None:
    secrets = {
        "FLYTE_SLACK_TOKEN": "xoxb-hush-1",
        "FLYTE_SLACK_APP_TOKEN": "hush-2",
        "FLYTE_SLACK_SIGNING_SECRET": "hush-3",
        "FLYTE_JWT": "e30.hush-4.c2ln",
        "LOGLEVEL": "debug",
    }
    outputs = [await run(env.environ | secrets), await run(env.environ | secrets, "--json")]
    outputs.append(await run(env.environ | {"LOGLEVEL": "debug"}))

    assert "hush" not in repr(outputs)
    assert "ticket" not in repr(outputs)
    assert env.slack.bot_token not in repr(outputs)


async def test_an_unknown_variable_is_a_warning(env: CheckEnvironment) -> None:
    env.variables["FLYTE_SLACK_APPTOKEN"] = "xapp-1"

    [trouble] = await env.problems()

    assert (trouble.check, trouble.status) == ("configuration", Status.WARNING)
    assert "did you mean FLYTE_SLACK_APP_TOKEN?" in trouble.message


async def test_an_unused_signing_secret_is_reported(env: CheckEnvironment) -> None:
    env.variables["FLYTE_SLACK_SIGNING_SECRET"] = "s3cret"

    configuration = await env.finding("configuration")

    assert configuration.status is Status.OK
    assert "FLYTE_SLACK_SIGNING_SECRET is set but not used" in configuration.message


async def test_the_check_ends_soon_when_every_request_hangs(env: CheckEnvironment) -> None:
    env.request_seconds = 0.8
    env.slack.faults.plan("*", Hang(), times=None)
    env.flyte.faults.plan("api", Hang(), times=None)
    began = time.monotonic()

    troubles = await env.problems()

    assert [trouble.check for trouble in troubles] == ["slack api", "flyte api"]
    assert time.monotonic() - began < 3 * 0.8 + 1


async def test_the_check_ends_soon_when_the_last_requests_hang(env: CheckEnvironment) -> None:
    env.request_seconds = 0.8
    for method in ("conversations.info", slack_faults.HELLO):
        env.slack.faults.plan(method, Hang())
    env.flyte.faults.plan("health", Hang(), times=None)
    env.flyte.faults.plan("packs", Hang(), times=None)
    began = time.monotonic()

    found = Counter(trouble.check for trouble in await env.problems())

    assert found == {"slack socket": 1, "flyte health": 1, "flyte pack": 1}
    assert time.monotonic() - began < 3 * 0.8 + 3


def report(stream: io.StringIO, *, as_json: bool = False) -> Report:
    return Report(stream, Redactor(["s3cret"]), as_json=as_json)


def test_a_pipe_gets_one_line_per_finding_without_colours() -> None:
    stream = io.StringIO()
    report(stream).add(warning("check", "word " * 100, "do " * 100))

    assert len(stream.getvalue().splitlines()) == 2
    assert "\x1b" not in stream.getvalue()


def test_a_terminal_gets_colours_and_wrapped_lines(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "100")
    stream = Terminal()
    report(stream).add(failed("check", "word " * 50, "do " * 50))

    assert "\x1b[31m\x1b[1mfailed\x1b[0m" in stream.getvalue()
    assert max(map(len, stream.getvalue().splitlines())) < 120


def test_foreign_text_can_neither_control_a_terminal_nor_forge_a_line() -> None:
    stream = io.StringIO()
    report(stream).add(ok("slack token", "Acme\x1b[2J\nok  all is well [red]s3cret"))

    assert stream.getvalue().count("\n") == 1
    assert "Acme\\u001b[2J\\u000aok  all is well [red]***" in stream.getvalue()


def test_the_summary_counts_the_findings_by_status() -> None:
    stream = io.StringIO()
    summary = report(stream)
    for finding in (ok("a", "well"), ok("b", "well"), skipped("c", "because")):
        summary.add(finding)
    summary.finish()

    assert stream.getvalue().splitlines()[-1] == "No problems found: 2 ok, 1 skipped."
