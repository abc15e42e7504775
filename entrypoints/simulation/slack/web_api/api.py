"""The frame of Slack's Web API: how arguments and tokens come in, what a method is, and how errors go out."""

import base64
import binascii
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final, TypeVar

from entrypoints.simulation.slack.event_log import SlackLog
from entrypoints.simulation.slack.events import CONVERSATION_NAMES
from entrypoints.simulation.slack.models import Channel, JsonObject, User
from entrypoints.simulation.slack.workspace import WorkspaceState

Item = TypeVar("Item")

POSITION: Final = "position"
TRUE_WORDS: Final = ("1", "true", "t", "yes")


class SlackError(Exception):
    """Slack's answer is no: `ok: false` with this code, and whatever else belongs to it."""

    def __init__(self, code: str | None, **more: object) -> None:
        super().__init__(code)
        self.body: Final[JsonObject] = {"ok": False} | ({"error": code} if code else {}) | more


@dataclass(slots=True)
class Access:
    """Who may call what: the tokens, the scopes of the bot's, and the error that a good token meets for now."""

    bot_token: str
    app_token: str
    scopes: set[str]
    is_classic: bool = False
    accept_any_token: bool = False
    forced_error: str = ""

    def check(self, token: str, kind: str) -> None:
        """Raise SlackError unless the token is one of the kind (`bot` or `app`) that the method wants."""
        if not token:
            raise SlackError("not_authed")
        if self.forced_error:
            raise SlackError(self.forced_error)
        if self.accept_any_token:
            return
        expected, other = self.bot_token, self.app_token
        if kind == "app":
            expected, other = other, expected
        if token == other:
            raise SlackError("not_allowed_token_type")
        if token != expected:
            raise SlackError("invalid_auth")


@dataclass(slots=True)
class ApiCall:
    """One call of a method: its arguments as they came (strings from forms, anything from JSON)."""

    method: str
    arguments: JsonObject
    workspace: WorkspaceState
    access: Access
    log: SlackLog

    def text(self, name: str, default: str = "") -> str:
        """Read an argument as text; numbers are written out."""
        value = self.arguments.get(name)
        if value is None:
            return default
        if isinstance(value, bool | dict | list):
            raise SlackError(
                "invalid_arguments",
                response_metadata={"messages": [f"[ERROR] must be a string [json-pointer:/{name}]"]},
            )
        return str(value)

    def flag(self, name: str) -> bool:
        """Read an argument as yes or no."""
        return str(self.arguments.get(name, "")).lower() in TRUE_WORDS

    def number(self, name: str, default: int) -> int:
        """Read an argument as a whole number."""
        try:
            return int(self.text(name) or default)
        except ValueError:
            raise SlackError(f"invalid_{name}") from None

    def strings(self, name: str) -> list[str]:
        """Read an argument as a list: of JSON, or separated by commas."""
        value = self.arguments.get(name)
        return (
            [str(word) for word in value] if isinstance(value, list) else [w for w in self.text(name).split(",") if w]
        )

    def json_value(self, name: str, code: str) -> Any:
        """Read an argument that is JSON, or a string that holds JSON; None when it is missing or empty."""
        value = self.arguments.get(name)
        if not isinstance(value, str):
            return value
        try:
            return json.loads(value) if value.strip() else None
        except ValueError:
            raise SlackError(code) from None

    def require_scope(self, *alternatives: str) -> None:
        """Raise SlackError unless the token has one of these scopes; a classic token's `bot` scope covers all."""
        if self.access.is_classic or self.access.scopes.intersection(alternatives):
            return
        provided = ",".join(sorted(self.access.scopes))
        raise SlackError("missing_scope", needed=alternatives[0], provided=provided)

    def channel(self, *, suffix: str = "", name: str = "channel") -> Channel:
        """Find the conversation that the call is about, hidden from those who are not to know of it.

        With a suffix the scope for its type of conversation is required: `history` makes `channels:history`, ...
        """
        try:
            channel = self.workspace.channels[self.text(name)]
        except KeyError:
            raise SlackError("channel_not_found") from None
        if suffix:
            self.require_scope(f"{CONVERSATION_NAMES[channel.channel_type]}:{suffix}")
        if channel.is_private and self.workspace.bot.user_id not in channel.members:
            raise SlackError("channel_not_found")
        return channel

    def user(self, name: str = "user") -> User:
        """Find the user whose id the argument holds."""
        user_id = self.text(name)
        if user_id not in self.workspace.users:
            raise SlackError("user_not_found")
        return self.workspace.users[user_id]


@dataclass(frozen=True, slots=True)
class Method:
    """A method of the Web API: what it does, its tier, the scopes any of which is enough, its kind of token."""

    run: Callable[[ApiCall], JsonObject]
    tier: int | None = None
    scopes: tuple[str, ...] = ()
    token: str = "bot"  # noqa: S105 - a kind of token and none itself


def paginate(
    call: ApiCall, items: Sequence[Item], *, default: int, most: int = 1000
) -> tuple[Sequence[Item], JsonObject]:
    """Cut the page that the cursor and the limit ask for, and say where the next one begins."""
    cursor = call.text("cursor")
    start = decode_cursor(POSITION, cursor) if cursor else 0
    limit = call.number("limit", default) or default
    if limit < 0:
        raise SlackError("invalid_limit")
    end = start + min(limit, most)
    return items[start:end], encode_cursor(POSITION, end if end < len(items) else 0)


def provided_scopes(access: Access) -> str:
    """Write the scopes as the `x-oauth-scopes` header has them."""
    return "identify,bot" if access.is_classic else ",".join(sorted(access.scopes))


def encode_cursor(label: str, value: int) -> JsonObject:
    """Say where the next page begins, as Slack does; with the value 0 there is none."""
    written = base64.b64encode(f"{label}:{value}".encode()).decode() if value else ""
    return {"response_metadata": {"next_cursor": written}}


def decode_cursor(label: str, cursor: str) -> int:
    """Read what `next_cursor` wrote. Raises SlackError for what it has not written."""
    try:
        found, _, value = base64.b64decode(cursor, validate=True).decode().partition(":")
        if found == label:
            return int(value)
    except (binascii.Error, ValueError):
        pass
    raise SlackError("invalid_cursor")
