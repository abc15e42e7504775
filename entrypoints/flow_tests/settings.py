"""The pack's settings in a flow test: those that do not depend on the environment in memory."""

from collections.abc import Mapping
from typing import Final

from entrypoints.config.settings import Settings, load_settings

ALLOWED_VARIABLES: Final = (
    "FLYTE_LABELS",
    "PACK_NAME",
    "FLYTE_SLACK_LISTEN",
    "FLYTE_SLACK_RECEIVE_BOTS",
    "FLYTE_SLACK_RECEIVE_EDITS",
    "FLYTE_SLACK_EVENTS",
    "FLYTE_SLACK_ALLOWED_METHODS",
    "FLYTE_SLACK_COMMAND_REPLY",
    "FLYTE_SLACK_KEY_AGE",
    "FLYTE_SLACK_MESSAGES_PER_SECOND",
    "FLYTE_SLACK_MESSAGE_BURST",
    "FLYTE_SLACK_GIVE_UP",
    "FLYTE_SLACK_IN_DOUBT",
    "FLYTE_SLACK_CATCH_UP",
    "FLYTE_SLACK_JOURNAL_LIMIT",
)
"""The variables that a test may set."""

_FIXED: Final = {"FLYTE_API": "http://memory.invalid", "FLYTE_SLACK_TOKEN": "none", "FLYTE_SLACK_STORAGE": "memory:"}


def pack_settings(given: Mapping[str, str]) -> Settings:
    """Returns the settings of a pack in memory. Raises SettingsError."""
    return load_settings({**_FIXED, **given})
