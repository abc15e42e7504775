"""The pack's settings in a flow test."""

from collections.abc import Mapping
from typing import Final

from entrypoints.config.settings import Settings, load_settings

_FIXED: Final = {"FLYTE_API": "http://memory.invalid", "FLYTE_SLACK_TOKEN": "none", "FLYTE_SLACK_STORAGE": "memory:"}


def pack_settings(given: Mapping[str, str]) -> Settings:
    """Returns the settings of a pack in memory. Raises SettingsError."""
    return load_settings({**_FIXED, **given})
