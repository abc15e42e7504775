"""Checks the scopes of the bot token, and names the use of each."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from entrypoints.check.features import check_features
from entrypoints.check.findings import Finding, failed, ok, skipped, warning
from entrypoints.config.settings import Settings

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
    """The features of the pack that need it."""
    is_required: bool = False
    """Whether nearly every flow fails without it."""


ALL_SCOPES: Final = (
    Scope("chat:write", "all commands that post, change and delete messages", is_required=True),
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
    Scope("im:write", "SendDirectMessage"),
    Scope("mpim:read", "group direct messages"),
    Scope("mpim:history", "receiving group direct messages"),
    Scope("app_mentions:read", "workspaces that send a mention only as a mention event"),
    Scope("users:read", "names in `user` of every event, and GetUserInfo"),
    Scope("users:read.email", "`email` in `user` of every event, and `email` in SendDirectMessage and GetUserInfo"),
    Scope("reactions:read", "ReactionAdded and ReactionRemoved"),
    Scope("reactions:write", "AddReaction and RemoveReaction"),
    Scope("commands", "ReceivedSlashCommand and ReceivedShortcut"),
    Scope("files:write", "UploadFile"),
    Scope("files:read", "finding a file again after an upload in doubt"),
)


def check_scopes(granted: frozenset[str] | None, settings: Settings) -> Iterator[Finding]:
    """Checks every scope against those granted to the token, None when Slack did not list them, and what they serve."""
    if granted is None:
        yield skipped(SCOPES, "Slack's response did not list the token's scopes")
    elif _CLASSIC in granted:
        yield ok(SCOPES, "bot, the scope of a classic app, which includes all others")
        yield from check_features(None, settings)
    else:
        for scope in ALL_SCOPES:
            yield _check(scope, granted)
        yield from check_features(granted, settings)


def _check(scope: Scope, granted: frozenset[str]) -> Finding:
    check = f"scope {scope.name}"
    if scope.name in granted:
        return ok(check, f"for {scope.use}")
    missing = failed if scope.is_required else warning
    return missing(check, f"missing; needed for {scope.use}", _ADD.format(scope=scope.name))
