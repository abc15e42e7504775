"""The chat service: modals and Home tabs."""

from typing import Protocol

from domain.json_values import JsonObject
from domain.views import View


class Views(Protocol):
    """Part of Chat, whose docstring applies. `view` is the service's own description of a view."""

    async def open_view(self, trigger_id: str, view: JsonObject) -> View:
        """Opens a modal for the person who caused the trigger. Raises InDoubt.

        The trigger serves once (`exchanged_trigger_id`) and for a few seconds (`expired_trigger_id`).
        """

    async def update_view(self, view: JsonObject, *, view_id: str, external_id: str, view_hash: str) -> View:
        """Replaces the content of a view, given by one of its ids.

        With `view_hash` only if it has not changed since (`hash_conflict`); then a lost answer raises InDoubt.
        """

    async def publish_home(self, user_id: str, view: JsonObject) -> View:
        """Replaces the content of a person's Home tab."""
