"""Shares the compilation of the tests among the processes of a parallel run, each of which imports all of them."""

from collections.abc import Iterator
from contextlib import suppress
from fnmatch import fnmatch
from importlib import import_module
from pathlib import Path
from typing import Final

import pytest

_ROOT: Final = Path(__file__).parents[2]


def compile_own_share(config: pytest.Config) -> None:
    """Imports every n-th module in each of n processes, which find the others compiled when they collect them."""
    if worker := getattr(config, "workerinput", None):
        share = slice(int(worker["workerid"].removeprefix("gw")), None, worker["workercount"])
        for module in list(_tests(config))[share]:
            with suppress(Exception):  # collecting it reports that
                import_module(".".join(module.relative_to(_ROOT).with_suffix("").parts))


def _tests(config: pytest.Config) -> Iterator[Path]:
    for argument in config.args:
        path = Path(argument.partition("::")[0]).resolve()
        yield from _tests_below(path, config.getini("norecursedirs")) if path.is_dir() else [path]


def _tests_below(directory: Path, excluded: list[str]) -> Iterator[Path]:
    for path in sorted(directory.iterdir()):
        if path.is_dir() and not any(fnmatch(path.name, pattern) for pattern in excluded):
            yield from _tests_below(path, excluded)
        elif fnmatch(path.name, "test_*.py"):
            yield path
