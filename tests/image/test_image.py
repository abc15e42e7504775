"""What the Dockerfile's build stage makes, by running its commands in a directory instead of an image."""

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from packaging.utils import canonicalize_name

from tests.support.pages import ROOT

pytestmark = pytest.mark.timeout(600)


def instructions() -> Iterator[tuple[str, str]]:
    """The instructions of the build stage, with their arguments."""
    text = re.sub(r"^#.*\n", "", (ROOT / "Dockerfile").read_text(), flags=re.MULTILINE).replace("\\\n", "")
    [stage] = re.findall(r"^FROM .* AS build\n(.*?)^FROM", text, re.MULTILINE | re.DOTALL)
    for line in filter(None, stage.splitlines()):
        name, _, arguments = line.partition(" ")
        yield name, arguments


def files_for_the_build() -> list[str]:
    """What .dockerignore lets into the build."""
    return re.findall(r"^!(.+)$", (ROOT / ".dockerignore").read_text(), re.MULTILINE)


def copy(names: Sequence[str], target: Path) -> None:
    for name in names:
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, target / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(source, target)


@pytest.fixture(scope="module")
def image(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The directory with what the build stage makes."""
    root = tmp_path_factory.mktemp("image")
    environment = {**os.environ, "PATH": f"{Path(sys.base_prefix) / 'bin'}:{os.environ['PATH']}"}
    (root / "src").mkdir()
    for name, arguments in instructions():
        if name == "ENV":
            environment.update(re.findall(r"(\w+)=(\S+)", arguments))
        elif name == "COPY":
            names = arguments.split()[:-1]
            copy(files_for_the_build() if names == ["."] else names, root / "src")
        elif name == "RUN":
            command = re.sub(r"(?<![\w.])/(app|build)\b", rf"{root}/\1", arguments)
            subprocess.run(["/bin/sh", "-c", command], cwd=root / "src", env=environment, check=True)  # noqa: S603 - ours
        else:
            assert (name, arguments) == ("WORKDIR", "/src")
    return root / "app"


def run(image: Path, *command: str) -> subprocess.CompletedProcess[str]:
    program, *arguments = command
    path = os.fspath(image / "bin" / program)
    return subprocess.run([path, *arguments], capture_output=True, text=True, check=False, env={})  # noqa: S603 - our own


def test_the_program_runs(image: Path) -> None:
    assert run(image, "flyte-slack", "--version").stdout.startswith("flyte-slack, version ")


def test_what_the_image_lacks_is_said_in_one_line(image: Path) -> None:
    done = run(image, "flyte-slack", "simulate")

    assert done.returncode == 1
    assert done.stderr.endswith("run pip install 'flyte-slack[simulation]'\n")


def test_the_storage_in_postgresql_is_there(image: Path) -> None:
    assert run(image, "python", "-c", "import adapters.postgresql.scheme").stderr == ""


def test_no_tool_that_installs_or_builds_is_left(image: Path) -> None:
    assert not {path.name for path in (image / "bin").iterdir()} & {"pip", "pip3", "hatchling", "cyclonedx-py"}


def test_the_bill_of_materials_lists_the_locked_releases_and_the_pack(image: Path) -> None:
    bill = json.loads((image / "sbom.cdx.json").read_text())
    locked = dict(re.findall(r"^([\w.-]+)==(\S+)", (ROOT / "requirements.lock").read_text(), re.MULTILINE))
    listed = {canonicalize_name(part["name"]): part["version"] for part in bill["components"]}

    assert bill["bomFormat"] == "CycloneDX"
    assert bill["metadata"]["component"]["name"] == "flyte-slack"
    assert listed.items() <= locked.items()
    assert {"aiohttp", "psycopg", "structlog"} <= set(listed)
