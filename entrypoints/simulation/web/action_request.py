"""The arguments of the page's actions."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Final, TypeAlias

from entrypoints.simulation.slack.app_use.choices import Choice

MAX_NAME_LENGTH: Final = 80
MAX_MESSAGE_LENGTH: Final = 100_000
_MAX_CHOICES: Final = 100

ActionResult: TypeAlias = dict[str, object]
ActionMethod: TypeAlias = Callable[["ActionRequest"], Awaitable[ActionResult | None]]


class ActionRejected(Exception):
    """An action is invalid or impossible; the message tells people why."""


@dataclass(frozen=True, slots=True)
class ActionRequest:
    """The arguments of an action."""

    arguments: Mapping[str, object]

    def text(self, name: str, max_length: int = MAX_NAME_LENGTH) -> str:
        """Returns a required string. Raises ActionRejected."""
        value = self.arguments.get(name)
        if not isinstance(value, str) or not value:
            raise ActionRejected(f"{name} is missing")
        if len(value) > max_length:
            raise ActionRejected(f"{name} is longer than {max_length:,} characters")
        if any("\ud800" <= character <= "\udfff" for character in value):
            raise ActionRejected(f"{name} contains invalid characters")
        return value

    def optional_text(self, name: str, max_length: int = MAX_NAME_LENGTH) -> str:
        """Returns a string, empty if it is missing. Raises ActionRejected."""
        return self.text(name, max_length) if self.arguments.get(name) else ""

    def flag(self, name: str) -> bool:
        """Returns a required boolean. Raises ActionRejected."""
        value = self.arguments.get(name)
        if not isinstance(value, bool):
            raise ActionRejected(f"{name} must be true or false")
        return value

    def choice(self, name: str) -> Choice:
        """Returns what was chosen in an element: a text, a number, several texts or nothing. Raises ActionRejected."""
        value = self.arguments.get(name)
        if value is None or (isinstance(value, int) and not isinstance(value, bool)):
            return value
        if isinstance(value, str):
            return self.optional_text(name, MAX_MESSAGE_LENGTH) or None
        if isinstance(value, list) and len(value) <= _MAX_CHOICES:
            return [ActionRequest({name: one}).text(name, MAX_MESSAGE_LENGTH) for one in value]
        raise ActionRejected(f"{name} must be a text, a number or a list of texts")

    def requests(self, name: str) -> list["ActionRequest"]:
        """Returns the objects in a required list. Raises ActionRejected."""
        value = self.arguments.get(name)
        if not isinstance(value, list) or not all(isinstance(one, dict) for one in value):
            raise ActionRejected(f"{name} must be a list of objects")
        return [ActionRequest(one) for one in value]
