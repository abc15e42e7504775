"""Storages that other distributions register, each for a scheme of URLs."""

import re
import sys
from pathlib import Path

import pytest

from adapters.memory.storage import MemoryStorage
from adapters.storage_urls import attach_storage, create_storage, directory_of
from entrypoints.testing.storage_values import CLOCK
from tests.support.distributions import install_distribution

ENTRY_POINTS = """
    [flyte_slack.storages]
    vault = vault_storage:scheme
"""
SOURCE = """
    from adapters.memory.storage import MemoryStorage

    class Scheme:
        def create(self, url, clock, *, lease_seconds):
            if url != f"vault://here/{lease_seconds:g}":
                raise ValueError("vault: needs a place")
            return MemoryStorage(clock)

        def attach(self, url, clock):
            return MemoryStorage(clock)

    scheme = Scheme()
"""


@pytest.fixture
def vault(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    install_distribution(tmp_path, monkeypatch, "flyte-slack-vault", ENTRY_POINTS, vault_storage=SOURCE)


@pytest.mark.usefixtures("vault")
def test_a_registered_scheme_creates_its_storages() -> None:
    assert isinstance(create_storage("vault://here/7", CLOCK, lease_seconds=7), MemoryStorage)
    assert isinstance(attach_storage("vault://here", CLOCK), MemoryStorage)


@pytest.mark.usefixtures("vault")
def test_a_registered_storage_has_no_directory() -> None:
    assert directory_of("vault://here") is None


@pytest.mark.usefixtures("vault")
def test_a_registered_scheme_may_refuse_a_url() -> None:
    with pytest.raises(ValueError, match=r"^vault: needs a place$"):
        create_storage("vault://elsewhere", CLOCK)


def test_a_registered_scheme_is_not_loaded_before_it_is_asked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    install_distribution(tmp_path, monkeypatch, "vault", ENTRY_POINTS, vault_storage="raise SystemExit")
    create_storage("memory:", CLOCK)


def test_a_scheme_whose_module_is_broken_is_reported_with_its_distribution(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    install_distribution(tmp_path, monkeypatch, "flyte-slack-vault", ENTRY_POINTS, vault_storage="import nowhere_to_be")
    with pytest.raises(ValueError, match=r"^vault: flyte-slack-vault, which registers .*nowhere_to_be"):
        create_storage("vault://here", CLOCK)


@pytest.mark.parametrize("source", ["scheme = object()", SOURCE.replace("here/", "{nothing.of.that.kind}")])
def test_a_scheme_that_fails_is_reported_without_its_url(
    source: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    install_distribution(tmp_path, monkeypatch, "vault", ENTRY_POINTS, vault_storage=source)
    with pytest.raises(ValueError, match=r"^vault: its storage can't be created \(\w+Error\)$"):
        create_storage("vault://:secret@here", CLOCK)


def test_a_scheme_that_two_distributions_register_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    install_distribution(tmp_path / "1", monkeypatch, "our-vault", ENTRY_POINTS, vault_storage=SOURCE)
    install_distribution(tmp_path / "2", monkeypatch, "their-vault", ENTRY_POINTS)
    with pytest.raises(ValueError, match=r"^vault: is registered by our-vault and their-vault"):
        create_storage("vault://here", CLOCK)


def test_a_scheme_of_this_program_stays_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    entry_points = ENTRY_POINTS.replace("vault =", "memory =")
    install_distribution(tmp_path, monkeypatch, "vault", entry_points, vault_storage="raise SystemExit")
    assert isinstance(create_storage("memory:", CLOCK), MemoryStorage)


def test_without_psycopg_a_database_needs_an_installation_which_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in [name for name in sys.modules if name.startswith("adapters.postgresql.")]:
        monkeypatch.delitem(sys.modules, module)
    monkeypatch.setitem(sys.modules, "psycopg", None)
    with pytest.raises(ValueError, match=re.escape("pip install 'flyte-slack[postgresql]'")):
        create_storage("postgresql://me:secret@host/pack", CLOCK)
