"""Finds the interactive elements of blocks, and describes what a person chose in them as Slack does."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from entrypoints.simulation.slack.models import JsonObject
from entrypoints.simulation.slack.workspace import NotFoundError

Choice = str | int | Sequence[str] | None
"""What a person enters: a text, an option's value, an id, a date, a time, or several of these."""

_ONE_OPTION: Final = ("static_select", "external_select", "overflow", "radio_buttons")
_OPTIONS: Final = ("multi_static_select", "multi_external_select", "checkboxes")
_FIELDS: Final = {
    "users_select": "selected_user",
    "multi_users_select": "selected_users",
    "conversations_select": "selected_conversation",
    "multi_conversations_select": "selected_conversations",
    "channels_select": "selected_channel",
    "multi_channels_select": "selected_channels",
    "datepicker": "selected_date",
    "timepicker": "selected_time",
    "datetimepicker": "selected_date_time",
    "rich_text_input": "rich_text_value",
}
"""The field for the choice, by the type of element; all others have `value`."""
_STATELESS: Final = ("button", "overflow", "workflow_button", "icon_button", "feedback_buttons")


@dataclass(frozen=True, slots=True)
class Element:
    """An interactive element, and the block that it is in."""

    block_id: str
    fields: JsonObject

    @property
    def action_id(self) -> str:
        """The name that the app gave it."""
        return str(self.fields["action_id"])

    @property
    def is_stateful(self) -> bool:
        """Whether it keeps what was chosen in it."""
        return self.fields.get("type") not in _STATELESS

    def chosen(self, choice: Choice) -> JsonObject:
        """Returns the element's type and what was chosen, as in `actions` and in `state.values`."""
        kind = str(self.fields.get("type", ""))
        if kind in _ONE_OPTION:
            return {"type": kind, "selected_option": None if choice is None else self._option(str(choice))}
        if kind in _OPTIONS:
            return {"type": kind, "selected_options": [self._option(value) for value in _several(choice)]}
        if kind in _FIELDS:
            return {"type": kind, _FIELDS[kind]: _several(choice) if kind.startswith("multi_") else choice}
        return {"type": kind, "value": choice}

    def _option(self, value: str) -> JsonObject:
        groups = [self.fields.get("options") or []]
        groups += [group.get("options") or [] for group in self.fields.get("option_groups") or []]
        known = (option for options in groups for option in options if option.get("value") == value)
        return next(known, {"text": {"type": "plain_text", "text": value}, "value": value})


def elements(blocks: object) -> Iterator[Element]:
    """Yields the interactive elements of blocks, in their order. Blocks without an id get one by their position."""
    for number, block in enumerate(blocks if isinstance(blocks, list) else ()):
        if isinstance(block, dict):
            block_id = str(block.get("block_id") or f"block{number}")
            parts = (block.get("accessory"), block.get("element"), *(block.get("elements") or ()))
            for part in parts:
                if isinstance(part, dict) and "action_id" in part:
                    yield Element(block_id, part)


def find_element(blocks: object, action_id: str) -> Element:
    """Returns the element with this `action_id`. Raises NotFoundError."""
    found = next((element for element in elements(blocks) if element.action_id == action_id), None)
    if found is None:
        raise NotFoundError(f"there is no element with the action_id {action_id!r}")
    return found


def with_choices(state: Mapping[str, Any], blocks: object, choices: Mapping[str, Choice]) -> JsonObject:
    """Returns `state.values` with what was chosen in the elements with these `action_id`s. Raises NotFoundError."""
    values = {block_id: dict(actions) for block_id, actions in state.items()}
    for action_id, choice in choices.items():
        element = find_element(blocks, action_id)
        values.setdefault(element.block_id, {})[action_id] = element.chosen(choice)
    return values


def _several(choice: Choice) -> list[str]:
    if choice is None:
        return []
    return [choice] if isinstance(choice, str) else [str(value) for value in choice]  # type: ignore[union-attr]
