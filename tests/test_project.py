"""What the project's own files say of one another."""

import re
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

HOUSE = Path(__file__).parent.parent
LOCKS = ("requirements.lock", "requirements-dev.lock", "requirements-page.lock")


def text_of(name: str) -> str:
    return (HOUSE / name).read_text(encoding="utf-8")


def locked(name: str) -> dict[str, str]:
    pins = re.findall(r"^([\w.-]+)==(\S+)", text_of(name), re.MULTILINE)
    return {canonicalize_name(package): version for package, version in pins}


def wanted(*groups: str) -> list[Requirement]:
    project = tomllib.loads(text_of("pyproject.toml"))
    lines = list(project["project"]["dependencies"])
    for group in groups:
        lines += project["dependency-groups"][group]
    return [Requirement(line) for line in lines]


@pytest.mark.parametrize(("lock", "groups"), [("requirements.lock", []), ("requirements-dev.lock", ["dev"])])
def test_every_dependency_is_locked_to_a_release_that_the_project_admits(lock: str, groups: list[str]) -> None:
    pins = locked(lock)

    for requirement in wanted(*groups):
        assert requirement.specifier.contains(pins[canonicalize_name(requirement.name)]), requirement


def test_the_browser_is_driven_by_a_release_that_the_project_admits_and_fits_beside_the_rest() -> None:
    pins = locked("requirements-page.lock")
    (playwright,) = tomllib.loads(text_of("pyproject.toml"))["dependency-groups"]["page"]
    both = pins.keys() & locked("requirements-dev.lock").keys()

    assert Requirement(playwright).specifier.contains(pins["playwright"])
    assert {name: pins[name] for name in both} == {name: locked("requirements-dev.lock")[name] for name in both}


def test_the_tools_are_tried_with_the_releases_that_the_program_runs_with() -> None:
    assert locked("requirements.lock").items() <= locked("requirements-dev.lock").items()


@pytest.mark.parametrize("lock", LOCKS)
def test_a_lock_has_a_hash_for_every_release_and_names_no_address(lock: str) -> None:
    text = text_of(lock)

    assert "://" not in text
    assert "--index-url" not in text
    assert all("--hash=sha256:" in release for release in re.split(r"^(?=[\w.-]+==)", text, flags=re.MULTILINE)[1:])


def test_every_dependency_has_its_reason_among_the_decisions() -> None:
    table = text_of("docs/decisions.md").partition("## Dependencies")[2]
    explained = {
        canonicalize_name(name.strip())
        for row in table.splitlines()
        if row.startswith("| ")
        for name in row.split("|")[1].split(",")
    }

    assert {canonicalize_name(requirement.name) for requirement in wanted("dev", "page")} <= explained


@pytest.mark.parametrize("page", ["README.md", "CONTRIBUTING.md"])
def test_what_a_page_tells_to_make_can_be_made(page: str) -> None:
    targets = set(re.findall(r"^([a-z-]+):", text_of("Makefile"), re.MULTILINE))
    told = set(re.findall(r"\bmake (?:PYTHON=\S+ )?([a-z-]+)(?=`|\s*$|\s+#)", text_of(page), re.MULTILINE))

    assert told
    assert told <= targets
