"""The pack runs without the libraries of the extra `simulation`, whose commands say what to install."""

import json
import re
import subprocess
import sys
import tomllib
from collections.abc import Callable
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest
from click.testing import CliRunner
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from entrypoints.cli.commands import main
from entrypoints.simulation.flyte.server import FlyteServer
from entrypoints.simulation.slack.server import SlackServer
from entrypoints.simulation_extra import SIMULATION_LIBRARIES
from tests.support.daemon_process import daemon_environ, fresh_daemon
from tests.support.pages import ROOT

FROM_SIMULATION = ("simulate", "lint flow.yaml", "test flow_test.yaml", "record-to-test record.jsonl")
OF_SIMULATION = (
    *("entrypoints.simulation.", "entrypoints.lint.", "entrypoints.flow_tests.", "entrypoints.cli.simulate"),
    "entrypoints.testing.",  # tests
)
MODULES = [
    ".".join(path.relative_to(ROOT).with_suffix("").parts)
    for layer in ("domain", "application", "adapters", "entrypoints")
    for path in sorted((ROOT / layer).rglob("*.py"))
]
WITHOUT_LIBRARIES = """
import sys

class Missing:
    def find_spec(name, path=None, target=None):
        if name in {names!r}:
            raise ModuleNotFoundError("No module named " + name, name=name)

sys.meta_path.insert(0, Missing)
"""


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    """The environment of a program whose interpreter finds none of the libraries."""
    (tmp_path / "sitecustomize.py").write_text(WITHOUT_LIBRARIES.format(names=SIMULATION_LIBRARIES))
    return {"PYTHONPATH": str(tmp_path)}


@pytest.mark.parametrize("command", FROM_SIMULATION)
def test_a_command_of_the_simulation_says_in_one_line_what_to_install(
    command: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for library in ("re2", "rich"):
        monkeypatch.setitem(sys.modules, library, None)

    done = CliRunner().invoke(main, command.split(), prog_name="flyte-slack")

    name = command.partition(" ")[0]
    expected = f"flyte-slack {name} needs re2, rich; run pip install 'flyte-slack[simulation]'\n"
    assert (done.exit_code, done.stdout, done.stderr) == (1, "", expected)


@pytest.mark.parametrize("command", FROM_SIMULATION)
def test_help_needs_no_library(command: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "re2", None)

    assert CliRunner().invoke(main, [*command.split(), "--help"]).exit_code == 0


def test_the_fixture_of_flow_tests_says_what_to_install(
    flow_test: Callable[[], object], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "yaml", None)

    with pytest.raises(
        pytest.fail.Exception, match=r"flow_test needs yaml; run pip install 'flyte-slack\[simulation\]'"
    ):
        flow_test()


async def test_a_pack_runs_without_the_libraries(environment: dict[str, str], tmp_path: Path) -> None:
    async with SlackServer() as slack, FlyteServer() as flyte:
        alice, channel = slack.add_user("alice"), slack.add_channel("ops")
        variables = daemon_environ(slack, flyte, tmp_path, FLYTE_SLACK_DEFAULT_JOIN_CHANNEL=channel)
        async with fresh_daemon({**variables, "FLYTE_SLACK_APP_TOKEN": slack.app_token, **environment}) as pack:
            await pack.wait_for_event("default_channel_joined")
            slack.say(alice, channel, "hello")
            await flyte.wait_for(lambda: len(flyte.events) == 1, 5)
            assert await pack.stop() == 0


def test_nothing_but_the_simulation_flow_tests_and_the_linter_imports_the_libraries(
    environment: dict[str, str],
) -> None:
    code = "import sys, importlib; [importlib.import_module(name) for name in sys.argv[1:]]"
    command = [sys.executable, "-c", code, *(name for name in MODULES if not name.startswith(OF_SIMULATION))]

    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)  # noqa: S603 - our own

    assert done.stderr == ""


async def test_a_running_pack_loads_none_of_the_libraries_even_if_they_are_installed(tmp_path: Path) -> None:
    (tmp_path / "sitecustomize.py").write_text(
        "import atexit, json, os, sys\n"
        "atexit.register(lambda: open(os.environ['LOADED'], 'w').write(json.dumps(list(sys.modules))))\n"
    )
    loaded = tmp_path / "loaded.json"
    variables = {"PYTHONPATH": str(tmp_path), "LOADED": str(loaded), "FLYTE_API": "http://127.0.0.1:1"}
    more = {"FLYTE_SLACK_TOKEN": "xoxb-1", "FLYTE_SLACK_SIGNING_SECRET": "s3cret", "FLYTE_SLACK_STORAGE": "memory:"}
    address = {"FLYTE_SLACK_HTTP_HOST": "127.0.0.1", "FLYTE_SLACK_HTTP_PORT": "0"}
    slack = {"FLYTE_SLACK_API_URL": "http://127.0.0.1:1/api/"}
    async with fresh_daemon({**variables, **more, **address, **slack}) as pack:
        await pack.wait_for_event("listening")
        assert await pack.stop() == 0

    assert set(json.loads(loaded.read_text())).isdisjoint(SIMULATION_LIBRARIES)


def test_the_extra_has_the_libraries_that_only_the_simulation_flow_tests_and_the_linter_import() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    extra = {canonicalize_name(Requirement(line).name) for line in project["optional-dependencies"]["simulation"]}
    distributions = packages_distributions()

    assert {canonicalize_name(distributions[name][0]) for name in SIMULATION_LIBRARIES} == extra
    assert extra.isdisjoint(canonicalize_name(Requirement(line).name) for line in project["dependencies"])


def test_the_lock_that_the_image_installs_lacks_the_libraries() -> None:
    locked = re.findall(r"^([\w.-]+)==", (ROOT / "requirements.lock").read_text(), re.MULTILINE)
    distributions = packages_distributions()

    assert {canonicalize_name(distributions[name][0]) for name in SIMULATION_LIBRARIES}.isdisjoint(locked)
