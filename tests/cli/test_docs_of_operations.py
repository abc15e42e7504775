"""The steps of the operators' guide back up, upgrade, roll back and restore a pack, wherever it runs."""

import re
import shutil
import sqlite3
import stat
from collections.abc import AsyncIterator
from contextlib import closing
from pathlib import Path

import pytest
import yaml

from adapters.filesystem.schema import VERSION
from adapters.filesystem.storage import FileStorage
from entrypoints.cli.storage_backup import PG_DUMP, PG_RESTORE
from entrypoints.testing.storage_values import CLOCK, A, new_entry
from tests.adapters.file_storage.test_migration import DATA
from tests.cli.check.environment import open_environment
from tests.support.deployments import Place, commands, create_place
from tests.support.pages import ROOT, page, section

OPERATORS = page("operators.md")
SYSTEMD = "under systemd"
PLACES = (SYSTEMD, "in Docker", "with Compose", "in Kubernetes")
STATE = "var/lib/flyte-slack"
OLD_VERSION = 2


def steps(what: str) -> list[str]:
    """Returns the commands of a section."""
    return commands(section(OPERATORS, f"### {what}"))


def use_old_version(directory: Path) -> None:
    """Leaves what a pack of an earlier version has left."""
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    with closing(sqlite3.connect(directory / "flyte-slack.db")) as database:
        database.executescript((DATA / f"version_{OLD_VERSION}.sql").read_text())
    (directory / "channels.json").write_text('["CA", "CB"]')


def format_of(directory: Path) -> int:
    with closing(sqlite3.connect(directory / "flyte-slack.db")) as database:
        return int(database.execute("PRAGMA user_version").fetchone()[0])


async def start(directory: Path) -> list[object]:
    """Starts a pack of this version, as far as its storage is concerned. Returns what is in it."""
    async with (storage := FileStorage(directory, CLOCK)).open():
        entries = [
            [entry async for entry in queue.entries(dead_lettered=are_set_aside)]
            for queue in (storage.outbox, storage.journal)
            for are_set_aside in (False, True)
        ]
        return [entries, await storage.channels.joined()]


@pytest.fixture
async def place(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Place]:
    """Where the pack runs, between a Slack and a Flyte, with the data of an earlier version."""
    async with open_environment(tmp_path, monkeypatch) as env:
        yield _place(request.param, env.environ, tmp_path)


def _place(name: str, environment: dict[str, str], tmp_path: Path) -> Place:
    (tmp_path / "place").mkdir()
    if name == SYSTEMD:
        secrets = tmp_path / "place" / "run/credentials/flyte-slack-command.service"
        secrets.mkdir(parents=True)
        for file, variable in (("token", "FLYTE_SLACK_TOKEN"), ("app-token", "FLYTE_SLACK_APP_TOKEN")):
            (secrets / file).write_text(environment.pop(variable))
    state = STATE if name in ("in Docker", "with Compose") else f"{STATE}/pack"
    environment.pop("FLYTE_SLACK_BACKUP_DIR")
    place = create_place(tmp_path / "place", state, environment, is_systemd=name == SYSTEMD)
    use_old_version(place.state)
    return place


@pytest.mark.parametrize(("place", "name"), [(name, name) for name in PLACES], indirect=["place"])
async def test_a_pack_is_upgraded_rolled_back_and_restored(place: Place, name: str, tmp_path: Path) -> None:
    shutil.copytree(place.state, tmp_path / "before")

    said = await place.type([line for line in steps(f"Upgrade {name}") if " rm " not in line and "rm -r" not in line])
    assert name != SYSTEMD or f"a start brings it to format {VERSION}" in said
    [backup] = place.root.rglob("flyte-slack-backup.db")
    assert stat.S_IMODE(backup.stat().st_mode) == 0o600
    await start(place.state)
    assert format_of(place.state) == VERSION
    async with (storage := FileStorage(place.state, CLOCK)).open():
        await storage.outbox.append([new_entry(A, 99)])

    await place.type(steps(f"Roll back {name}"))
    said = await place.type([line for line in steps(f"Restore {name}") if " list" not in line])
    assert name != SYSTEMD or "2 joined channels" in said
    assert format_of(place.state) == OLD_VERSION
    assert await start(place.state) == await start(tmp_path / "before")


def test_the_guide_backs_up_and_restores_a_database_as_the_program_says() -> None:
    found = commands(section(page("replicas.md"), "## Backup and restore"))
    printed = f"{PG_DUMP}\n{PG_RESTORE}".format(file="flyte-slack.dump", url="flyte_slack").splitlines()
    assert [line for line in found if line.startswith(("pg_", "psql"))] == printed


@pytest.mark.parametrize("name", PLACES)
def test_an_upgrade_begins_with_the_backup(name: str) -> None:
    backup = steps(f"Back up {name}")
    assert backup[0] == "umask 077"
    assert steps(f"Upgrade {name}")[: len(backup)] == backup


@pytest.mark.parametrize("name", PLACES)
def test_nothing_is_restored_before_the_pack_was_stopped(name: str) -> None:
    lines = steps(f"Restore {name}")
    [restores] = [number for number, line in enumerate(lines) if "storage restore" in line]
    [stops] = [number for number, line in enumerate(lines) if " stop " in f"{line} " or "--replicas=0" in line]
    starts = [number for number, line in enumerate(lines) if any(word in line for word in (" start ", " up ", "=1"))]
    assert stops < restores < starts[-1] == len(lines) - 1


def test_the_sections_for_a_running_pack_come_first_and_in_order() -> None:
    headings = [line for line in OPERATORS.splitlines() if line.startswith("## ")]
    assert headings[:5] == [
        "## Is it well?",
        "## Why is something late?",
        "## What is set aside, and what to do",
        "## How to upgrade",
        "## How to restore",
    ]


def test_the_script_of_systemd_has_what_the_unit_has() -> None:
    unit, script = ((ROOT / "deploy" / name).read_text() for name in ("flyte-slack.service", "flyte-slack.sh"))
    shared = ("EnvironmentFile", "LoadCredential", "StateDirectory", "StateDirectoryMode", "DynamicUser", "UMask")
    settings = [line for line in unit.splitlines() if line.partition("=")[0] in shared]
    assert len(settings) >= len(shared)
    assert [setting for setting in settings if f"--property={setting}" not in script] == []


def test_the_pod_for_a_restore_has_the_claim_of_the_chart_s_release() -> None:
    pod = yaml.safe_load((ROOT / "deploy" / "kubernetes-restore.yaml").read_text())
    [volume], [container] = pod["spec"]["volumes"], pod["spec"]["containers"]
    assert volume["persistentVolumeClaim"]["claimName"] == "slack-flyte-slack"
    assert container["env"] == [{"name": "FLYTE_SLACK_BACKUP_DIR", "value": f"/{STATE}/pack"}]
    assert pod["spec"]["securityContext"]["runAsUser"] == 10001


def test_the_changelog_has_every_release_and_its_date() -> None:
    headings = re.findall(r"^## (.*)$", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE)
    versions = [heading for heading in headings if heading != "[Unreleased]"]
    assert all(re.fullmatch(r"\[\d+\.\d+\.\d+\] - \d{4}-\d\d-\d\d", version) for version in versions)
    kept = {path.parent.name for path in (ROOT / "tests" / "releases").glob("*/directory.json")}
    assert kept <= {version.partition("]")[0][1:] for version in versions}
