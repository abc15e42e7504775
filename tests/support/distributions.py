"""Distributions that are installed for the duration of a test."""

import sys
from pathlib import Path
from textwrap import dedent

import pytest

EXAMPLE_DISTRIBUTION = Path(__file__).with_name("example_distribution")
"""A directory with a distribution that registers the scheme `example`, as pip would install it."""


def install_distribution(
    directory: Path, monkeypatch: pytest.MonkeyPatch, name: str, entry_points: str, **modules: str
) -> None:
    """Makes a distribution with these entry points and modules available to the process, as pip would."""
    information = directory / f"{name.replace('-', '_')}-1.0.dist-info"
    information.mkdir(parents=True)
    (information / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
    (information / "entry_points.txt").write_text(dedent(entry_points))
    for module, source in modules.items():
        (directory / f"{module}.py").write_text(dedent(source))
        monkeypatch.delitem(sys.modules, module, raising=False)
    monkeypatch.syspath_prepend(directory)
