"""The settings of the pack that apply in simulations and flow tests: those that do not depend on its surroundings."""

from collections.abc import Mapping
from typing import Final

APPLICABLE_VARIABLES: Final = (
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


def applicable(environ: Mapping[str, str]) -> dict[str, str]:
    """Returns the variables of an environment that apply, without empty ones."""
    return {name: text for name in APPLICABLE_VARIABLES if (text := environ.get(name, "").strip())}
