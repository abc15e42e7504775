"""Distinguishes the kinds of files that authors write: flows, scripted packs and tests."""

from typing import Final

_KINDS: Final = {
    "steps": ("flow", "use it with --flow, or under 'flows' in a file of tests"),
    "commands": ("pack", "use it with --pack, or under 'packs' in a file of tests"),
    "tests": ("file of tests", "run it with flyte-slack test"),
    "step": ("test of a single step", "run it with flyte-slack test"),
}
"""The kinds of files and how to use them, by a key that only this kind has."""


def other_kind(data: object, key: str) -> str:
    """Returns what a file is that lacks the key of the kind that is wanted; empty if it is not of another kind."""
    if not isinstance(data, dict) or key in data:
        return ""
    wanted, _ = _KINDS[key]
    is_misspelt = isinstance(data.get("step"), list)
    found = next((kind for other, kind in _KINDS.items() if other in data and not is_misspelt), None)
    return f"this is a {found[0]}, not a {wanted}; {found[1]}" if found else ""
