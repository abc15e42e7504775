"""The page on setting up the pack shows what `flyte-slack check` prints."""

import io
import re

from entrypoints.check.report import Report
from entrypoints.check.runner import run_checks
from entrypoints.config.settings import load_settings
from entrypoints.observability.redaction import Redactor
from tests.cli.check.environment import CheckEnvironment, running_pack
from tests.support.pages import code_spans, page, rows, section, titled_blocks

SECTION = section(page("set-up.md"), "## Before the first start: `flyte-slack check`")
LISTED = [code for cells in rows(SECTION, "`[a-z. ]+`.*") for code in code_spans(cells[0])]


def comparable(output: str) -> list[str]:
    """The lines without parts that differ between machines."""
    places = re.sub(r"127\.0\.0\.1:\d+", "127.0.0.1", output)
    places = re.sub(r"(\S+:\d+ is free|the pack picks a free one)", "it is free", places)
    return re.sub(r"[\d,]+ MiB|within \d+ s", "so much", places).splitlines()


async def test_the_example_is_the_output_of_a_check(env: CheckEnvironment) -> None:
    env.slack.access.scopes -= {"channels:history", "users:read.email"}
    env.slack.workspace.bot.name = "flyte"
    env.variables["FLYTE_SLACK_DEFAULT_JOIN_CHANNEL"] = env.slack.add_channel("ops2", channel_id="C024BE91L")
    stream = io.StringIO()
    report = Report(stream, Redactor(), as_json=False)
    await run_checks(load_settings(env.environ), env.clock, report.add)
    report.finish()

    found = stream.getvalue().replace(str(env.directory), "/var/lib/flyte-slack").replace("#ops2", "#ops")
    assert comparable(found) == comparable(titled_blocks(page("set-up.md"))["What a check finds"])


async def test_the_table_lists_every_check(env: CheckEnvironment) -> None:
    found = await env.findings()
    env.receive_by_http()
    async with running_pack(signing_secret=env.slack.signing_secret) as port:
        env.variables |= {"FLYTE_SLACK_HTTP_PORT": port, "FLYTE_SLACK_STORAGE": "memory:"}
        found += await env.findings()
    env.variables |= {"FLYTE_SLACK_SIGNING_SECRET": ""}
    found += await env.findings()

    names = {re.sub(r"^(scope|feature|slack channel) .*", r"\1 ...", finding.check) for finding in found}
    assert names - set(LISTED) == set()
