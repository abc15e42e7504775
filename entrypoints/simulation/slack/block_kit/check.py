"""Checks the blocks of messages and views as Slack does: each by the table, then all of them together."""

from collections.abc import Callable, Iterator
from typing import Any, Final

from entrypoints.simulation.slack.block_kit.blocks import HOME, MAX_MARKDOWN, MESSAGE, MODAL
from entrypoints.simulation.slack.block_kit.constraints import (
    ByType,
    Constraint,
    Fields,
    Flag,
    ListOf,
    Text,
    error,
    words_in,
)
from entrypoints.simulation.slack.block_kit.texts import plain_text

Block = dict[str, Any]

MAX_BLOCKS: Final = 50
MAX_BLOCKS_OF_VIEW: Final = 100

_MESSAGE: Final = ListOf(MESSAGE, MAX_BLOCKS, least=0)
_ID: Final = Text(255, least=0)
_VIEW: Final[dict[str, Constraint]] = {
    "private_metadata": Text(3000, least=0),
    "callback_id": _ID,
    "external_id": _ID,
    "clear_on_close": Flag(),
    "notify_on_close": Flag(),
}
_VIEWS: Final = ByType(
    {
        "modal": Fields(
            {"title": plain_text(24), "blocks": ListOf(MODAL, MAX_BLOCKS_OF_VIEW, least=0)},
            {**_VIEW, "submit": plain_text(24), "close": plain_text(24), "submit_disabled": Flag()},
        ),
        "home": Fields({"blocks": ListOf(HOME, MAX_BLOCKS_OF_VIEW, least=0)}, _VIEW),
    }
)

KNOWN_WORDS: Final = words_in(_MESSAGE) | words_in(_VIEWS)
"""The types and fields of all blocks and views."""


def message_errors(blocks: Any, place: str = "/blocks") -> list[str]:
    """Returns the errors in a message's blocks, each with its place."""
    return list(_MESSAGE.errors(blocks, place)) or list(_errors_together(blocks, place))


def view_errors(view: object) -> list[str]:
    """Returns the errors in a modal or a Home tab, each with its place."""
    errors = list(_VIEWS.errors(view, "/view"))
    if errors or not isinstance(view, dict):
        return errors
    return [*_errors_together(view["blocks"], "/view/blocks"), *_missing_submit(view)]


def table_count(blocks: list[Block]) -> int:
    """Returns the number of tables in valid blocks."""
    children = [child for block in blocks for child in block.get("child_blocks", ())]
    return sum(block["type"] in ("table", "data_table") for block in (*blocks, *children))


def _errors_together(blocks: list[Block], place: str) -> Iterator[str]:
    """Yields the errors that a single block cannot have. Expects blocks that are valid by themselves."""
    places = [f"{place}/{number}" for number in range(len(blocks))]
    yield from _repeated("block_id", blocks, places)
    markdown = 0
    for block, at in zip(blocks, places, strict=True):
        for rule in _BLOCK_RULES:
            yield from rule(block, at)
        markdown += len(block["text"]) if block["type"] == "markdown" else 0
        if markdown > MAX_MARKDOWN:
            yield error(f"must be less than {MAX_MARKDOWN + 1} characters", f"{at}/text")


def _repeated_actions(block: Block, place: str) -> Iterator[str]:
    if block["type"] in ("actions", "context_actions"):
        elements = block["elements"]
        yield from _repeated("action_id", elements, [f"{place}/elements/{number}" for number in range(len(elements))])


def _unknown_initial_options(block: Block, place: str) -> Iterator[str]:
    for element, at in _elements(block, place):
        groups = [element, *element.get("option_groups", ())]
        options = [option for group in groups for option in group.get("options", ())]
        initial = [*element.get("initial_options", ()), *filter(None, [element.get("initial_option")])]
        if options and not all(option in options for option in initial):
            name = "initial_options" if "initial_options" in element else "initial_option"
            yield error("must match one of the options", f"{at}/{name}")


_BLOCK_RULES: Final[tuple[Callable[[Block, str], Iterator[str]], ...]] = (_repeated_actions, _unknown_initial_options)


def _elements(block: Block, place: str) -> Iterator[tuple[Block, str]]:
    """Yields the elements of a block that may have options, with their places."""
    for name in ("accessory", "element"):
        if name in block and block["type"] in ("section", "input"):
            yield block[name], f"{place}/{name}"
    if block["type"] == "actions":
        for number, element in enumerate(block["elements"]):
            yield element, f"{place}/elements/{number}"


def _repeated(name: str, objects: list[Block], places: list[str]) -> Iterator[str]:
    seen = set()
    for item, place in zip(objects, places, strict=True):
        if name in item and item[name] in seen:
            yield error(f'`{name}` "{item[name]}" already exists', f"{place}/{name}")
        seen.add(item.get(name))


def _missing_submit(view: Block) -> Iterator[str]:
    if view["type"] == "modal" and "submit" not in view:
        for number, block in enumerate(view["blocks"]):
            if block["type"] == "input":
                yield error("must define `submit` to use an `input` block in modals", f"/view/blocks/{number}/input")
