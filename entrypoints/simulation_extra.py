"""The libraries of the extra `simulation`, which the pack itself runs without."""

from importlib.util import find_spec
from typing import Final

SIMULATION_LIBRARIES: Final = ("junitparser", "prompt_toolkit", "re2", "rich", "yaml")
"""The import packages that only the simulation, flow tests and the linter use."""


def missing_libraries_remark(command: str) -> str:
    """Returns what to install for a command of the simulation; an empty text if nothing is missing."""
    missing = [name for name in SIMULATION_LIBRARIES if find_spec(name) is None]
    if not missing:
        return ""
    return f"{command} needs {', '.join(missing)}; run pip install 'flyte-slack[simulation]'"
