"""The rules for texts: text objects, options, dialogs of confirmation and rich text."""

from typing import Final

from entrypoints.simulation.slack.block_kit.constraints import (
    Anything,
    ByType,
    Choice,
    Constraint,
    Fields,
    Flag,
    ListOf,
    Matching,
    Number,
    Text,
)

URL: Final = Text(3000)
VALUE: Final = Text(2000)
STYLE: Final = Choice(("primary", "danger"))


def plain_text(most: int) -> Constraint:
    """A `plain_text` object with a limited number of characters."""
    return Matching(ByType({"plain_text": _plain(most)}))


def any_text(most: int) -> Constraint:
    """A `plain_text` or `mrkdwn` object with a limited number of characters."""
    return Matching(ByType(text_kinds(most)))


def text_kinds(most: int) -> dict[str, Constraint]:
    """Both kinds of text objects, by type."""
    return {"plain_text": _plain(most), "mrkdwn": Fields({"text": Text(most)}, {"verbatim": Flag()})}


def _plain(most: int) -> Constraint:
    return Fields({"text": Text(most)}, {"emoji": Flag()})


def _option(text: Constraint, **more: Constraint) -> Constraint:
    return Fields({"text": text, "value": Text(150)}, {"description": text, **more})


OPTION: Final = _option(plain_text(75))
LINK_OPTION: Final = _option(plain_text(75), url=URL)
FORMATTED_OPTION: Final = _option(any_text(75))
OPTION_GROUP: Final = Fields({"label": plain_text(75), "options": ListOf(OPTION, 100)})

CONFIRM: Final = Fields(
    {"title": plain_text(100), "text": any_text(300), "confirm": plain_text(30), "deny": plain_text(30)},
    {"style": STYLE},
)

# Rich text

_STYLES: Final = ("bold", "italic", "strike", "code", "underline", "highlight", "client_highlight", "unlink")
_STYLE: Final = {"style": Fields(optional=dict.fromkeys(_STYLES, Flag()))}
_BORDER: Final = {"border": Number(0, 1)}
_UNCHECKED: Final = (
    *("attachment_mention", "canvas", "canvas_message_unfurl", "canvas_user_mention", "citation", "file"),
    *("list_record", "message_mention", "salesforce_data_field", "tag", "work_object_mention", "workflow_mention"),
)
_INLINE: Final = ByType(
    {
        "text": Fields({"text": Text()}, _STYLE),
        "link": Fields({"url": Text()}, {"text": Text(least=0), "unsafe": Flag(), **_STYLE}),
        "emoji": Fields(
            {"name": Text()}, {"unicode": Text(), "skin_tone": Number(1, 6), "display_name": Text(), **_STYLE}
        ),
        "user": Fields({"user_id": Text()}, _STYLE),
        "usergroup": Fields({"usergroup_id": Text()}, _STYLE),
        "channel": Fields({"channel_id": Text()}, _STYLE),
        "team": Fields({"team_id": Text()}, _STYLE),
        "broadcast": Fields({"range": Choice(("here", "channel", "everyone"))}, _STYLE),
        "color": Fields({"value": Text()}, _STYLE),
        "date": Fields({"timestamp": Number(), "format": Text()}, {"url": Text(), "fallback": Text(), **_STYLE}),
        **dict.fromkeys(_UNCHECKED, Anything()),
    }
)
_INLINES: Final = {"elements": ListOf(_INLINE, least=0)}

RICH_TEXT: Final[dict[str, Constraint]] = {
    "elements": ListOf(
        ByType(
            {
                "rich_text_section": Fields(_INLINES),
                "rich_text_list": Fields(
                    {
                        "style": Choice(("bullet", "ordered")),
                        "elements": ListOf(ByType({"rich_text_section": Fields(_INLINES)})),
                    },
                    {"indent": Number(), "offset": Number(), **_BORDER},
                ),
                "rich_text_quote": Fields(_INLINES, _BORDER),
                "rich_text_preformatted": Fields(_INLINES, {"language": Text(), **_BORDER}),
            }
        )
    )
}
RICH_TEXT_OBJECT: Final = ByType({"rich_text": Fields(RICH_TEXT, {"block_id": Text(255)})})
