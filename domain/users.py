"""The people and the bots who speak."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class User:
    """Somebody in Slack. What Slack does not tell is an empty string."""

    id: str
    name: str = ""
    """The display name, else the real name, else the handle."""
    email: str = ""
    title: str = ""
    first_name: str = ""
    last_name: str = ""


@dataclass(frozen=True, slots=True)
class Identity:
    """Who the pack itself is in Slack."""

    user_id: str
    bot_id: str
    """Empty when Slack does not name one."""
    team_id: str = ""
