"""What operators read of `flyte-slack check` is what it says."""

import io
import re

from entrypoints.check.report import Report
from entrypoints.check.runner import examine
from entrypoints.config.settings import load_settings
from entrypoints.observability.redaction import Redaction
from tests.cli.check.environment import Stage, running_pack
from tests.support.pages import codes, fences, page, rows, section

CHECKING = section(page("operators.md"), "## Before the first start: `flyte-slack check`")
TOLD = [code for cells in rows(CHECKING, "`[a-z. ]+`.*") for code in codes(cells[0])]


def comparable(output: str) -> list[str]:
    """Without what differs from machine to machine."""
    places = re.sub(r"127\.0\.0\.1:\d+", "127.0.0.1", output)
    places = re.sub(r"(\S+:\d+ is free|a free one will be taken)", "it is free", places)
    return re.sub(r"[\d,]+ MiB|within \d+ s", "so much", places).splitlines()


async def test_the_example_is_what_a_check_finds(stage: Stage) -> None:
    stage.slack.access.scopes -= {"channels:history", "users:read.email"}
    stage.slack.workspace.bot.name = "flyte"
    stage.variables["FLYTE_SLACK_DEFAULT_JOIN_CHANNEL"] = stage.slack.add_channel("ops2", channel_id="C024BE91L")
    stream = io.StringIO()
    report = Report(stream, Redaction(), as_json=False)
    await examine(load_settings(stage.environment), stage.clock, report.tell)
    report.end()

    found = stream.getvalue().replace(str(stage.directory), "/var/lib/flyte-slack").replace("#ops2", "#ops")
    assert comparable(found) == comparable(fences(page("operators.md"))["What a check finds"])


async def test_every_check_is_explained(stage: Stage) -> None:
    found = await stage.findings()
    stage.by_http()
    async with running_pack(signing_secret=stage.slack.signing_secret) as port:
        stage.variables |= {"FLYTE_SLACK_HTTP_PORT": port, "FLYTE_SLACK_STORAGE": "memory:"}
        found += await stage.findings()
    stage.variables |= {"FLYTE_SLACK_SIGNING_SECRET": ""}
    found += await stage.findings()

    names = {re.sub(r"^(scope|slack channel) .*", r"\1 ...", finding.check) for finding in found}
    assert names - set(TOLD) == set()
