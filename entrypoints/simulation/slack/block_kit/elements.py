"""The rules for the elements of blocks: buttons, menus, pickers, inputs and images."""

from collections.abc import Iterable
from typing import Final

from entrypoints.simulation.slack.block_kit.constraints import (
    Anything,
    ByType,
    Choice,
    Constraint,
    Fields,
    Flag,
    ListOf,
    Number,
    Text,
)
from entrypoints.simulation.slack.block_kit.texts import (
    CONFIRM,
    FORMATTED_OPTION,
    LINK_OPTION,
    OPTION,
    OPTION_GROUP,
    RICH_TEXT_OBJECT,
    STYLE,
    URL,
    VALUE,
    plain_text,
)

Table = dict[str, Constraint]

_ACTION: Final[Table] = {"action_id": Text(255)}
_BUTTON: Final[Table] = {**_ACTION, "accessibility_label": Text(75)}
_CHOOSER: Final[Table] = {**_ACTION, "confirm": CONFIRM, "focus_on_load": Flag()}
_MENU: Final[Table] = {**_CHOOSER, "placeholder": plain_text(150)}
_MULTI_MENU: Final[Table] = {**_MENU, "max_selected_items": Number(1)}
_QUERY: Final[Table] = {"min_query_length": Number()}
_INPUT: Final[Table] = {
    **_ACTION,
    "placeholder": plain_text(150),
    "focus_on_load": Flag(),
    "dispatch_action_config": Fields(
        optional={"trigger_actions_on": ListOf(Choice(("on_enter_pressed", "on_character_entered")), 2)}
    ),
}
_OPTIONS: Final[Table] = {"options": ListOf(OPTION, 100), "option_groups": ListOf(OPTION_GROUP, 100)}
_INITIAL_OPTIONS: Final[Table] = {"initial_options": ListOf(OPTION, 100)}
_FORMATTED_OPTIONS: Final[Table] = {"options": ListOf(FORMATTED_OPTION, 10)}
_RESPONSE_URL: Final[Table] = {"response_url_enabled": Flag()}
_CONVERSATIONS: Final[Table] = {
    "default_to_current_conversation": Flag(),
    "filter": Fields(
        optional={
            "include": ListOf(Choice(("im", "mpim", "private", "public")), 4),
            "exclude_external_shared_channels": Flag(),
            "exclude_bot_users": Flag(),
        },
        some_of=("include", "exclude_external_shared_channels", "exclude_bot_users"),
    ),
}
_DECIMAL: Final = Text(pattern=r"^-?\d+(\.\d+)?$")
_FEEDBACK: Final = Fields({"text": plain_text(75), "value": VALUE}, {"accessibility_label": Text(75)})

SLACK_FILE: Final = Fields(optional={"id": Text(), "url": Text()}, one_of=("id", "url"))
IMAGE: Final = Fields(
    {"alt_text": Text(2000)}, {"image_url": URL, "slack_file": SLACK_FILE}, one_of=("image_url", "slack_file")
)
BUTTON: Final = Fields(
    {"text": plain_text(75)},
    {
        **_BUTTON,
        "url": URL,
        "value": VALUE,
        "style": STYLE,
        "confirm": CONFIRM,
        "visible_to_user_ids": ListOf(Text()),
        "agent_prompt": Text(4000),
        "agent_prompt_display": Anything(),
    },
)

_ELEMENTS: Final[Table] = {
    "button": BUTTON,
    "workflow_button": Fields(
        {
            "text": plain_text(75),
            "workflow": Fields(
                {"trigger": Fields({"url": Text()}, {"customizable_input_parameters": ListOf(Anything(), least=0)})}
            ),
        },
        {**_BUTTON, "style": STYLE},
    ),
    "icon_button": Fields(
        {"icon": Choice(("trash",)), "text": plain_text(75)},
        {**_BUTTON, "value": VALUE, "confirm": CONFIRM, "visible_to_user_ids": ListOf(Text())},
    ),
    "feedback_buttons": Fields({"positive_button": _FEEDBACK, "negative_button": _FEEDBACK}, _ACTION),
    "image": IMAGE,
    "overflow": Fields({"options": ListOf(LINK_OPTION, 5)}, {**_ACTION, "confirm": CONFIRM}),
    "checkboxes": Fields(_FORMATTED_OPTIONS, {**_CHOOSER, "initial_options": ListOf(FORMATTED_OPTION, 10)}),
    "radio_buttons": Fields(_FORMATTED_OPTIONS, {**_CHOOSER, "initial_option": FORMATTED_OPTION}),
    "datepicker": Fields(
        optional={**_MENU, "initial_date": Text(pattern=r"^\d{4}-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])$")}
    ),
    "timepicker": Fields(
        optional={**_MENU, "initial_time": Text(pattern=r"^([01]\d|2[0-3]):[0-5]\d$"), "timezone": Text()}
    ),
    "datetimepicker": Fields(optional={**_CHOOSER, "initial_date_time": Number(1_000_000_000, 9_999_999_999)}),
    "static_select": Fields(
        optional={**_MENU, **_OPTIONS, "initial_option": OPTION}, one_of=("options", "option_groups")
    ),
    "external_select": Fields(optional={**_MENU, **_QUERY, "initial_option": OPTION}),
    "users_select": Fields(optional={**_MENU, "initial_user": Text()}),
    "conversations_select": Fields(
        optional={**_MENU, **_CONVERSATIONS, **_RESPONSE_URL, "initial_conversation": Text()}
    ),
    "channels_select": Fields(optional={**_MENU, **_RESPONSE_URL, "initial_channel": Text()}),
    "multi_static_select": Fields(
        optional={**_MULTI_MENU, **_OPTIONS, **_INITIAL_OPTIONS}, one_of=("options", "option_groups")
    ),
    "multi_external_select": Fields(optional={**_MULTI_MENU, **_QUERY, **_INITIAL_OPTIONS}),
    "multi_users_select": Fields(optional={**_MULTI_MENU, "initial_users": ListOf(Text())}),
    "multi_conversations_select": Fields(
        optional={**_MULTI_MENU, **_CONVERSATIONS, "initial_conversations": ListOf(Text())}
    ),
    "multi_channels_select": Fields(optional={**_MULTI_MENU, "initial_channels": ListOf(Text())}),
    "plain_text_input": Fields(
        optional={
            **_INPUT,
            "initial_value": Text(3000, least=0),
            "multiline": Flag(),
            "min_length": Number(0, 3000),
            "max_length": Number(1, 3000),
        }
    ),
    "rich_text_input": Fields(
        optional={**_INPUT, "initial_value": RICH_TEXT_OBJECT, "min_lines": Number(1), "max_lines": Number(1)}
    ),
    "email_text_input": Fields(optional={**_INPUT, "initial_value": Text(least=0)}),
    "url_text_input": Fields(optional={**_INPUT, "initial_value": Text(least=0)}),
    "number_input": Fields(
        {"is_decimal_allowed": Flag()},
        {**_INPUT, "initial_value": _DECIMAL, "min_value": _DECIMAL, "max_value": _DECIMAL},
    ),
    "file_input": Fields(optional={**_ACTION, "filetypes": ListOf(Text()), "max_files": Number(1, 10)}),
}

_SELECTS: Final = tuple(
    f"{prefix}{kind}_select"
    for prefix in ("", "multi_")
    for kind in ("static", "external", "users", "conversations", "channels")
)
_CHOOSERS: Final = (*_SELECTS, "checkboxes", "radio_buttons", "datepicker", "timepicker")


def _only(names: Iterable[str]) -> Constraint:
    return ByType({name: _ELEMENTS[name] for name in names})


INTERACTIVE: Final = frozenset(_ELEMENTS) - {"image"}
"""The types of the elements that people can use."""
IN_ACTIONS: Final = _only((*_CHOOSERS, "button", "workflow_button", "overflow", "datetimepicker", "rich_text_input"))
IN_SECTION: Final = _only((*_CHOOSERS, "button", "workflow_button", "overflow", "image"))
IN_INPUT: Final = _only(
    (
        *(*_CHOOSERS, "datetimepicker", "plain_text_input", "rich_text_input"),
        *("email_text_input", "url_text_input", "number_input", "file_input"),
    )
)
IN_CONTEXT_ACTIONS: Final = _only(("feedback_buttons", "icon_button"))
