"""The scopes of the bot's token: what each is for, and which are missing."""

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
    """Something that a bot may be allowed to do."""

    name: str
    use: str
    """What the pack does with it."""
    is_needed: bool = False
    """Whether a pack without it fails at what nearly every flow asks for."""


ALL_SCOPES: Final = (
    Scope("chat:write", "SendMessage, SendRichMessage and Broadcast", is_needed=True),
    Scope("chat:write.customize", "username, icon_emoji and icon_url in SendRichMessage"),
    Scope("channels:read", "hearing of invitations and removals in public channels", is_needed=True),
    Scope("channels:history", "hearing messages in public channels, and what was missed", is_needed=True),
    Scope("channels:join", "JoinChannel, and FLYTE_SLACK_DEFAULT_JOIN_CHANNEL", is_needed=True),
    Scope("channels:manage", "LeaveChannel for public channels"),
    Scope("groups:read", "hearing of invitations to private channels; making up at the start for all that was missed"),
    Scope("groups:history", "hearing messages in private channels, and what was missed"),
    Scope("groups:write", "LeaveChannel for private channels"),
    Scope("im:read", "direct messages"),
    Scope("im:history", "hearing direct messages"),
    Scope("mpim:read", "group direct messages"),
    Scope("mpim:history", "hearing group direct messages"),
    Scope("app_mentions:read", "workspaces that send a mention as nothing but a mention"),
    Scope("users:read", "names in `user` of ReceivedMessage"),
    Scope("users:read.email", "`email` in `user` of ReceivedMessage"),
)


def check_scopes(granted: frozenset[str] | None) -> Iterator[Finding]:
    """A line for each scope; `granted` is what Slack says that the token has."""
    if granted is None:
        yield skipped(SCOPES, "Slack's answer did not say which scopes the token has")
    elif _CLASSIC in granted:
        yield ok(SCOPES, "bot, the scope of a classic app, which covers them all")
    else:
        for scope in ALL_SCOPES:
            yield _check(scope, granted)


def _check(scope: Scope, granted: frozenset[str]) -> Finding:
    check = f"scope {scope.name}"
    if scope.name in granted:
        return ok(check, f"for {scope.use}")
    judge = failed if scope.is_needed else warning
    return judge(check, f"missing; it is for {scope.use}", _ADD.format(scope=scope.name))
