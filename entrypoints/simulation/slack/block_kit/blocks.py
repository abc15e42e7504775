"""The rules for blocks, by type."""

from typing import Final

from entrypoints.simulation.slack.block_kit.constraints import (
    Anything,
    ByType,
    Choice,
    Constraint,
    Fields,
    Flag,
    ListOf,
    Nullable,
    Number,
    Text,
)
from entrypoints.simulation.slack.block_kit.elements import (
    BUTTON,
    IMAGE,
    IN_ACTIONS,
    IN_CONTEXT_ACTIONS,
    IN_INPUT,
    IN_SECTION,
    SLACK_FILE,
    Table,
)
from entrypoints.simulation.slack.block_kit.texts import (
    RICH_TEXT,
    RICH_TEXT_OBJECT,
    URL,
    any_text,
    plain_text,
    text_kinds,
)

MAX_MARKDOWN: Final = 12_000
"""Also for all `markdown` blocks of a message together."""


def _block(
    required: Table | None = None,
    optional: Table | None = None,
    *,
    some_of: tuple[str, ...] = (),
    one_of: tuple[str, ...] = (),
) -> Constraint:
    return Fields(required or {}, {"block_id": Text(255), **(optional or {})}, some_of=some_of, one_of=one_of)


_IMAGE: Final = ByType({"image": IMAGE})
_CARD: Final = _block(
    optional={
        "hero_image": _IMAGE,
        "icon": _IMAGE,
        "title": any_text(150),
        "subtitle": any_text(150),
        "body": any_text(200),
        "actions": ListOf(ByType({"button": BUTTON}), 2),
    },
    some_of=("hero_image", "title", "actions", "body"),
)
_TASK: Final = _block(
    {"task_id": Text(), "title": Text()},
    {
        "details": RICH_TEXT_OBJECT,
        "output": RICH_TEXT_OBJECT,
        "sources": ListOf(ByType({"url": Fields({"url": Text(), "text": Text()})}), least=0),
        "status": Choice(("pending", "in_progress", "complete", "error")),
    },
)
_CELL: Final = ByType(
    {
        "raw_text": Fields({"text": Text()}),
        "raw_number": Fields({"value": Number(None, kind=(int, float))}, {"text": Text()}),
        "rich_text": Fields(RICH_TEXT, {"block_id": Text(255)}),
    }
)
_DATA_CELL: Final = ByType({**_CELL.kinds, "action": Anything()})
_SERIES: Final = Fields(
    {
        "series": ListOf(
            Fields(
                {
                    "name": Text(20),
                    "data": ListOf(Fields({"label": Text(20), "value": Number(None, kind=(int, float))}), 20),
                }
            ),
            6,
        ),
        "axis_config": Fields(
            {"categories": ListOf(Text(20), 20)}, {"x_label": Text(50, least=0), "y_label": Text(50, least=0)}
        ),
    }
)
_CHART: Final = ByType(
    {
        "pie": Fields({"segments": ListOf(Fields({"label": Text(20), "value": Number(kind=(int, float))}), 6)}),
        **dict.fromkeys(("bar", "area", "line"), _SERIES),
    }
)

_IN_CONTAINERS: Final[Table] = {
    "section": _block(
        optional={
            "text": any_text(3000),
            "fields": ListOf(any_text(2000), 10),
            "accessory": IN_SECTION,
            "expand": Flag(),
        },
        some_of=("text", "fields"),
    ),
    "actions": _block({"elements": ListOf(IN_ACTIONS, 25)}),
    "context": _block({"elements": ListOf(ByType({"image": IMAGE, **text_kinds(2000)}), 10)}),
    "divider": _block(),
    "header": _block({"text": plain_text(150)}, {"level": Number(1, 4)}),
    "image": _block(
        {"alt_text": Text(2000)},
        {"image_url": URL, "slack_file": SLACK_FILE, "title": plain_text(2000)},
        one_of=("image_url", "slack_file"),
    ),
    "input": _block(
        {"label": plain_text(2000), "element": IN_INPUT},
        {"dispatch_action": Flag(), "hint": plain_text(2000), "optional": Flag()},
    ),
    "rich_text": _block(RICH_TEXT),
    "table": _block(
        {"rows": ListOf(ListOf(_CELL, 20), 100)},
        {
            "column_settings": ListOf(
                Nullable(
                    Fields(optional={"align": Choice(("left", "center", "right")), "is_wrapped": Flag()}),
                ),
                20,
                least=0,
            )
        },
    ),
    "video": _block(
        {
            "alt_text": Text(),
            "title": plain_text(199),
            "thumbnail_url": Text(),
            "video_url": Text(pattern="^https://"),
        },
        {
            "title_url": Text(pattern="^https://"),
            "description": plain_text(199),
            "provider_icon_url": Text(),
            "provider_name": Text(),
            "author_name": Text(49),
        },
    ),
}
_IN_MESSAGES: Final[Table] = {
    **_IN_CONTAINERS,
    "markdown": _block({"text": Text(MAX_MARKDOWN)}),
    "context_actions": _block({"elements": ListOf(IN_CONTEXT_ACTIONS, 5)}),
    "card": _CARD,
    "carousel": _block({"elements": ListOf(ByType({"card": _CARD}), 10)}),
    "container": _block(
        {"child_blocks": ListOf(ByType(_IN_CONTAINERS), 10)},
        {
            "title": plain_text(150),
            "rich_text_title": RICH_TEXT_OBJECT,
            "subtitle": any_text(150),
            "icon": _IMAGE,
            "width": Choice(("narrow", "standard", "wide", "full")),
            "is_collapsible": Flag(),
            "default_collapsed": Flag(),
            "has_header_divider": Flag(),
        },
        some_of=("title", "rich_text_title"),
    ),
    "task_card": _TASK,
    "plan": _block({"title": Text()}, {"tasks": ListOf(ByType({"task_card": _TASK}), least=0)}),
    "call": _block({"call_id": Text()}, {"api_decoration_available": Flag(), "call": Anything()}),
    "data_table": _block(
        {"rows": ListOf(ListOf(_DATA_CELL, 20), 201)},
        {"caption": Text(), "page_size": Number(1, 100), "row_header_column_index": Number(0, 19)},
    ),
    "data_visualization": _block({"title": Text(50), "chart": _CHART}),
}
_NOT_IN_VIEWS: Final = (
    *("call", "card", "carousel", "container", "context_actions", "data_table", "data_visualization"),
    *("markdown", "plan", "table", "task_card"),
)

MESSAGE: Final = ByType(_IN_MESSAGES)
"""A block of a message. Slack itself adds blocks of type `file`; apps cannot."""
HOME: Final = ByType({name: block for name, block in _IN_MESSAGES.items() if name not in _NOT_IN_VIEWS})
MODAL: Final = ByType(
    {
        **HOME.kinds,
        "alert": _block(
            {"text": any_text(3000)}, {"level": Choice(("default", "info", "warning", "error", "success"))}
        ),
    }
)
