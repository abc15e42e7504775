"""Modals and Home tabs."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class View:
    """A view in the chat service."""

    id: str
    hash: str
    """Changes with each change of the view."""
