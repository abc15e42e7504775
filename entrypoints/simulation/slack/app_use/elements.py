"""Finds the interactive elements of blocks, as people refer to them: by `action_id` or by label."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import chain
from typing import Any, Final

from entrypoints.simulation.slack.app_use.choices import Choice, chosen, initially_chosen, label_of
from entrypoints.simulation.slack.block_kit.elements import INTERACTIVE
from entrypoints.simulation.slack.models import JsonObject
from entrypoints.simulation.workspaces.workspace import UnknownName

_STATELESS: Final = ("button", "overflow", "workflow_button", "icon_button", "feedback_buttons")
_LISTS: Final = ("elements", "actions")
"""The fields of blocks that hold elements, besides `accessory` and `element`."""


@dataclass(frozen=True, slots=True)
class Element:
    """An interactive element, and the block that it is in."""

    block_id: str
    action_id: str
    """The name that the app gave it, or Slack by its position."""
    block: JsonObject
    fields: JsonObject

    @property
    def kind(self) -> str:
        """Its type, such as `button`."""
        return str(self.fields.get("type", ""))

    @property
    def label(self) -> str:
        """What is written on it or beside it; its `action_id` if nothing is."""
        placeholder = label_of({"text": self.fields.get("placeholder")})
        return label_of(self.fields) or label_of(self.block) or placeholder or self.action_id

    @property
    def is_stateful(self) -> bool:
        """Whether it keeps what was chosen in it."""
        return self.kind not in _STATELESS

    @property
    def is_input(self) -> bool:
        """Whether it is a field of a form only, so that the app does not learn of each use."""
        return self.block.get("type") == "input" and not self.block.get("dispatch_action")

    def is_called(self, name: str) -> bool:
        """Returns whether a person may mean it by this name: its label, that of its block, or its placeholder."""
        labels = label_of(self.fields), label_of(self.block), label_of({"text": self.fields.get("placeholder")})
        return name.casefold() in (label.casefold() for label in labels if label)

    def chosen(self, choice: Choice) -> JsonObject:
        """Returns its type and what was chosen, as in `actions` and in `state.values`. Raises as `choices.chosen`."""
        return chosen(self.fields, choice)


def elements(blocks: object) -> Iterator[Element]:
    """Yields the interactive elements of blocks, in their order. Those without an id get one by their position."""
    for block in with_ids(blocks):
        for part in _parts(block):
            yield Element(block["block_id"], part["action_id"], block, part)
        yield from elements(block.get("child_blocks"))
        yield from elements(block["elements"] if block["type"] == "carousel" else None)


def message_elements(message: Mapping[str, Any]) -> list[Element]:
    """Returns the interactive elements of a message, those of its attachments too."""
    attached = [attachment.get("blocks") for attachment in message.get("attachments") or []]
    return [element for blocks in (message.get("blocks"), *attached) for element in elements(blocks)]


def with_ids(blocks: object) -> list[JsonObject]:
    """Returns blocks with an id of each, and of each interactive element: those that have none get their position."""
    found = []
    for number, block in enumerate(blocks if isinstance(blocks, list) else ()):
        if isinstance(block, dict) and isinstance(block.get("type"), str):
            copy = {**block, "block_id": str(block.get("block_id") or f"block{number}")}
            for name in ("accessory", "element"):
                if _is_interactive(block.get(name)):
                    copy[name] = _with_action_id(block[name], name)
            for name in _LISTS:
                if isinstance(block.get(name), list):
                    copy[name] = [_with_action_id(part, f"{name}{at}") for at, part in enumerate(block[name])]
            found.append(copy)
    return found


def find_element(known: list[Element], name: str, *, block_id: str = "") -> Element:
    """Returns the element with this `action_id`, or else this label. Raises UnknownName, naming what there is."""
    here = [element for element in known if not block_id or element.block_id == block_id]
    by_id = (element for element in here if element.action_id == name)
    by_label = (element for element in here if element.is_called(name))
    found = next(by_id, None) or next(by_label, None)
    if found is None:
        names = ", ".join(f"{element.label} ({element.kind} {element.action_id})" for element in known)
        raise UnknownName(
            f"there is no {name}; there is: {names}" if names else f"there is no {name}: nothing here can be used"
        )
    return found


def as_values(used: Iterable[tuple[Element, JsonObject]]) -> JsonObject:
    """Returns the `state.values` of elements in which these things were chosen."""
    values: JsonObject = {}
    for element, value in used:
        values.setdefault(element.block_id, {})[element.action_id] = value
    return values


def merged(values: JsonObject, changes: JsonObject) -> JsonObject:
    """Returns `state.values` with these changes."""
    return values | {block_id: values.get(block_id, {}) | actions for block_id, actions in changes.items()}


def current_values(known: list[Element], entered: JsonObject) -> JsonObject:
    """Returns the `state.values` of these elements: what was entered, and else what they began with."""
    stateful = [element for element in known if element.is_stateful]
    kept = ((one, entered.get(one.block_id, {}).get(one.action_id) or initially_chosen(one.fields)) for one in stateful)
    return as_values(kept)


def _parts(block: JsonObject) -> Iterator[JsonObject]:
    lists = [block[name] for name in _LISTS if isinstance(block.get(name), list)]
    for part in (block.get("accessory"), block.get("element"), *chain.from_iterable(lists)):
        if _is_interactive(part):
            yield part


def _is_interactive(part: Any) -> bool:
    return isinstance(part, dict) and part.get("type") in INTERACTIVE


def _with_action_id(part: Any, position: str) -> Any:
    return {**part, "action_id": str(part.get("action_id") or position)} if _is_interactive(part) else part
