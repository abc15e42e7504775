"""The project's own files agree with one another."""

import json
import re
import tomllib
from collections.abc import Sequence
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parent.parent
LOCKS = (
    "requirements.lock",
    "requirements-build.lock",
    "requirements-chart.lock",
    "requirements-dev.lock",
    "requirements-page.lock",
    "requirements-sbom.lock",
)
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", ROOT / "CHANGELOG.md", *sorted((ROOT / "docs").rglob("*.md"))]


def read(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


def locked_versions(name: str) -> dict[str, str]:
    pins = re.findall(r"^([\w.-]+)==(\S+)", read(name), re.MULTILINE)
    return {canonicalize_name(package): version for package, version in pins}


PACK = ("dependencies", "postgresql", "tracing")
EVERYTHING = (*PACK, "simulation", "dev")


def requirements(*names: str) -> list[Requirement]:
    """The requirements of these extras and groups; `dependencies` are those of the program itself."""
    project = tomllib.loads(read("pyproject.toml"))
    lists = {
        "dependencies": project["project"]["dependencies"],
        **project["project"]["optional-dependencies"],
        **project["dependency-groups"],
    }
    lines = [line for name in names for line in lists[name]]
    included = requirements(*(line["include-group"] for line in lines if isinstance(line, dict))) if lines else []
    return [Requirement(line) for line in lines if isinstance(line, str)] + included


@pytest.mark.parametrize(
    ("lock", "names"),
    [
        ("requirements.lock", PACK),
        ("requirements-build.lock", ["build"]),
        ("requirements-sbom.lock", ["sbom"]),
        ("requirements-chart.lock", ["chart"]),
        ("requirements-dev.lock", EVERYTHING),
    ],
)
def test_every_dependency_is_locked_to_a_release_that_the_project_allows(lock: str, names: Sequence[str]) -> None:
    pins = locked_versions(lock)

    for requirement in requirements(*names):
        assert requirement.specifier.contains(pins[canonicalize_name(requirement.name)]), requirement


def test_the_build_backend_is_locked_as_the_project_requires_it() -> None:
    build_system = tomllib.loads(read("pyproject.toml"))["build-system"]

    assert [Requirement(line) for line in build_system["requires"]] == requirements("build")


def test_the_browser_driver_is_a_release_that_the_project_allows_and_agrees_with_the_other_lock() -> None:
    pins = locked_versions("requirements-page.lock")
    group = tomllib.loads(read("pyproject.toml"))["dependency-groups"]["page"]
    (playwright,) = [line for line in group if Requirement(line).name == "playwright"]
    in_both = pins.keys() & locked_versions("requirements-dev.lock").keys()

    assert Requirement(playwright).specifier.contains(pins["playwright"])
    dev_pins = locked_versions("requirements-dev.lock")
    assert {name: pins[name] for name in in_both} == {name: dev_pins[name] for name in in_both}


@pytest.mark.parametrize("lock", ["requirements.lock", "requirements-build.lock"])
def test_the_tests_run_with_the_releases_that_the_program_is_built_and_runs_with(lock: str) -> None:
    assert locked_versions(lock).items() <= locked_versions("requirements-dev.lock").items()


@pytest.mark.parametrize("lock", [*LOCKS, "tests/bolt/python/requirements.lock"])
def test_a_lock_has_a_hash_for_every_release_and_names_no_index(lock: str) -> None:
    text = read(lock)

    assert "://" not in text
    assert "--index-url" not in text
    assert all("--hash=sha256:" in release for release in re.split(r"^(?=[\w.-]+==)", text, flags=re.MULTILINE)[1:])


def test_the_lock_of_the_app_in_javascript_has_a_hash_for_every_release_and_names_no_index() -> None:
    packages = json.loads(read("tests/bolt/javascript/package-lock.json"))["packages"]
    releases = {name: package for name, package in packages.items() if name}

    assert "node_modules/@slack/bolt" in releases
    assert [name for name, package in releases.items() if not package["integrity"].startswith("sha512-")] == []
    assert [name for name, package in releases.items() if "resolved" in package] == []


def test_every_dependency_is_explained_among_the_decisions() -> None:
    tables = read("docs/decisions.md").partition("## Dependencies")[2]
    explained = {
        canonicalize_name(name.strip())
        for row in tables.splitlines()
        if row.startswith("| ")
        for name in row.split("|")[1].split(",")
    }

    assert {
        canonicalize_name(requirement.name) for requirement in requirements(*EVERYTHING, "page", "chart", "sbom")
    } <= explained


@pytest.mark.parametrize("page", ["README.md", "CONTRIBUTING.md"])
def test_every_make_target_that_a_page_names_exists(page: str) -> None:
    targets = set(re.findall(r"^([a-z-]+):", read("Makefile"), re.MULTILINE))
    named = set(re.findall(r"\bmake (?:PYTHON=\S+ )?([a-z-]+)(?=`|\s*$|\s+#)", read(page), re.MULTILINE))

    assert named
    assert named <= targets


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_lines_of_prose_have_at_most_100_characters(page: Path) -> None:
    prose = re.sub(r"^```.*?^```$", "", page.read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL)

    assert [line for line in prose.splitlines() if len(line) > 100 and not line.startswith(("|", "![", "#"))] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_file_that_a_page_names_exists(page: Path) -> None:
    names = re.findall(
        r"`((?:domain|application|adapters|entrypoints|tests|examples|deploy)/[\w./-]*)`", page.read_text()
    )

    assert [name for name in names if not (ROOT / name).exists()] == []
