"""People and bots in the chat service."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class User:
    """A person or a bot. Unknown fields are empty."""

    id: str
    name: str = ""
    """The display name, else the real name, else the handle."""
    email: str = ""
    title: str = ""
    first_name: str = ""
    last_name: str = ""
    is_bot: bool = False
    handle: str = ""
    """The user's name in the service, unique in the workspace."""


NOBODY = User("")


@dataclass(frozen=True, slots=True)
class Identity:
    """The pack's own user in the chat service."""

    user_id: str
    bot_id: str
    """Empty if the service names none."""
    team_id: str = ""
    """The workspace."""
    enterprise_id: str = ""
    """The organization that the workspace belongs to, if any."""
    is_organization_wide: bool = False
    """Whether the token is valid in several workspaces of the organization."""

    def matches(self, user_id: str, bot_id: str = "") -> bool:
        """Returns whether this is the author. With a customized username only the bot id matches."""
        return user_id == self.user_id or (bool(bot_id) and bot_id == self.bot_id)
