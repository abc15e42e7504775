"""Checks the scopes of the bot token, and names the use of each."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from entrypoints.check.findings import Finding, failed, ok, skipped, warning

SCOPES = "slack scopes"

_ADD: Final = (
    "api.slack.com/apps > your app > OAuth & Permissions > Scopes > Bot Token Scopes > Add an OAuth Scope > {scope}; "
    "then Install App > Reinstall to Workspace > Allow"
)
_CLASSIC: Final = "bot"


@dataclass(frozen=True, slots=True)
class Scope:
    """A permission of the bot token."""

    name: str
    use: str
    """What the pack needs it for."""
    is_required: bool = False
    """Whether nearly every flow fails without it."""


ALL_SCOPES: Final = (
    Scope("chat:write", "SendMessage, SendRichMessage and Broadcast", is_required=True),
    Scope("chat:write.customize", "username, icon_emoji and icon_url in SendRichMessage"),
    Scope("channels:read", "noticing invitations to and removals from public channels", is_required=True),
    Scope("channels:history", "receiving messages in public channels, and backfill", is_required=True),
    Scope("channels:join", "JoinChannel and FLYTE_SLACK_DEFAULT_JOIN_CHANNEL", is_required=True),
    Scope("channels:manage", "LeaveChannel for public channels"),
    Scope("groups:read", "noticing invitations to private channels, and changes missed while the pack was down"),
    Scope("groups:history", "receiving messages in private channels, and backfill"),
    Scope("groups:write", "LeaveChannel for private channels"),
    Scope("im:read", "direct messages"),
    Scope("im:history", "receiving direct messages"),
    Scope("mpim:read", "group direct messages"),
    Scope("mpim:history", "receiving group direct messages"),
    Scope("app_mentions:read", "workspaces that send a mention only as a mention event"),
    Scope("users:read", "names in `user` of ReceivedMessage"),
    Scope("users:read.email", "`email` in `user` of ReceivedMessage"),
)


def check_scopes(granted: frozenset[str] | None) -> Iterator[Finding]:
    """Check every scope against those granted to the token; None when Slack did not list them."""
    if granted is None:
        yield skipped(SCOPES, "Slack's response did not list the token's scopes")
    elif _CLASSIC in granted:
        yield ok(SCOPES, "bot, the scope of a classic app, which includes all others")
    else:
        for scope in ALL_SCOPES:
            yield _check(scope, granted)


def _check(scope: Scope, granted: frozenset[str]) -> Finding:
    check = f"scope {scope.name}"
    if scope.name in granted:
        return ok(check, f"for {scope.use}")
    missing = failed if scope.is_required else warning
    return missing(check, f"missing; needed for {scope.use}", _ADD.format(scope=scope.name))
