"""The parts that all methods of the simulated Web API share: access, arguments, errors and pagination."""

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
_LARGEST_PAGE: Final = 1000


class SlackError(Exception):
    """The call fails: `ok: false` with this code and further fields."""

    def __init__(self, code: str | None, **more: object) -> None:
        super().__init__(code)
        self.body: Final[JsonObject] = {"ok": False} | ({"error": code} if code else {}) | more


def fail_if(failed: object, code: str) -> None:
    """Raises SlackError if a check failed."""
    if failed:
        raise SlackError(code)


def invalid(code: str, errors: Sequence[str]) -> SlackError:
    """Returns the error for an argument that breaks rules, with Slack's explanation of each."""
    messages = [f"[ERROR] {error}" for error in errors]
    return SlackError(code, errors=list(errors), response_metadata={"messages": messages})


@dataclass(slots=True)
class Access:
    """The tokens and the bot's scopes; `forced_error`, if not empty, is the error for every call."""

    bot_token: str
    app_token: str
    scopes: set[str]
    is_classic: bool = False
    accept_any_token: bool = False
    forced_error: str = ""

    def check(self, token: str, kind: str) -> None:
        """Raises SlackError unless the token is of the kind (`bot` or `app`) that the method requires."""
        fail_if(not token, "not_authed")
        fail_if(self.forced_error, self.forced_error)
        if self.accept_any_token:
            return
        expected, other = self.bot_token, self.app_token
        if kind == "app":
            expected, other = other, expected
        fail_if(token == other, "not_allowed_token_type")
        fail_if(token != expected, "invalid_auth")


@dataclass(slots=True)
class MethodCall:
    """A call of a method; `arguments` are strings from forms, or any JSON values."""

    method: str
    arguments: JsonObject
    workspace: WorkspaceState
    access: Access
    log: SlackLog

    @property
    def bot(self) -> User:
        """The bot that makes the call."""
        return self.workspace.bot

    def text(self, name: str) -> str:
        """Returns an argument as text, empty when it is missing."""
        value = self.arguments.get(name)
        if isinstance(value, bool | dict | list):
            raise invalid("invalid_arguments", [f"must be a string [json-pointer:/{name}]"])
        return "" if value is None else str(value)

    def flag(self, name: str) -> bool:
        """Returns an argument as a boolean."""
        return str(self.arguments.get(name, "")).lower() in TRUE_WORDS

    def number(self, name: str, default: int, *, code: str = "") -> int:
        """Returns an argument as an integer. Raises SlackError, with this code instead of `invalid_<name>`."""
        try:
            return int(self.text(name) or default)
        except ValueError:
            raise SlackError(code or f"invalid_{name}") from None

    def strings(self, name: str) -> list[str]:
        """Returns an argument as a list, from JSON or separated by commas."""
        value = self.arguments.get(name)
        if isinstance(value, list):
            return [str(item) for item in value]
        return [item for item in self.text(name).split(",") if item]

    def json_value(self, name: str, code: str) -> Any:
        """Returns an argument that is JSON or a string of JSON; None when it is missing or empty."""
        value = self.arguments.get(name)
        if not isinstance(value, str):
            return value
        try:
            return json.loads(value) if value.strip() else None
        except ValueError:
            raise SlackError(code) from None

    def require_scope(self, *alternatives: str) -> None:
        """Raises SlackError unless the token has one of these scopes; a classic token's `bot` scope includes all."""
        if self.access.is_classic or self.access.scopes.intersection(alternatives):
            return
        provided = ",".join(sorted(self.access.scopes))
        raise SlackError("missing_scope", needed=alternatives[0], provided=provided)

    def channel(self, *, suffix: str = "") -> Channel:
        """Returns the conversation that the call is about, if the bot may know it. Raises SlackError.

        With a suffix the call requires the scope for this type of conversation, such as `channels:history`.
        """
        channel = self.workspace.channels.get(self.text("channel"))
        if channel is None:
            raise SlackError("channel_not_found")
        if suffix:
            self.require_scope(f"{CONVERSATION_NAMES[channel.channel_type]}:{suffix}")
        fail_if(channel.is_private and self.bot.user_id not in channel.members, "channel_not_found")
        return channel

    def user(self) -> User:
        """Returns the user whose id the argument is. Raises SlackError."""
        user_id = self.text("user")
        fail_if(user_id not in self.workspace.users, "user_not_found")
        return self.workspace.users[user_id]


@dataclass(frozen=True, slots=True)
class Method:
    """A method of the Web API: its tier, the scopes of which one is required, and its kind of token.

    `run` returns the response's fields besides `ok`.
    """

    run: Callable[[MethodCall], JsonObject]
    tier: int | None = None
    scopes: tuple[str, ...] = ()
    token: str = "bot"  # noqa: S105 - a kind of token


def paginate(call: MethodCall, items: Sequence[Item], *, default: int) -> tuple[Sequence[Item], JsonObject]:
    """Returns the page that the cursor and the limit select, and the cursor of the next one."""
    cursor = call.text("cursor")
    start = decode_cursor(POSITION, cursor) if cursor else 0
    limit = call.number("limit", default) or default
    fail_if(limit < 0, "invalid_limit")
    end = start + min(limit, _LARGEST_PAGE)
    return items[start:end], encode_cursor(POSITION, end if end < len(items) else 0)


def provided_scopes(access: Access) -> str:
    """Returns the scopes for the `x-oauth-scopes` header."""
    return "identify,bot" if access.is_classic else ",".join(sorted(access.scopes))


def encode_cursor(label: str, value: int) -> JsonObject:
    """Returns the response field with the next page's cursor; 0 stands for the last page."""
    cursor = base64.b64encode(f"{label}:{value}".encode()).decode() if value else ""
    return {"response_metadata": {"next_cursor": cursor}}


def decode_cursor(label: str, cursor: str) -> int:
    """Returns the value of a cursor. Raises SlackError when `encode_cursor` has not made it."""
    try:
        found, _, value = base64.b64decode(cursor, validate=True).decode().partition(":")
        if found == label:
            return int(value)
    except (binascii.Error, ValueError):
        pass
    raise SlackError("invalid_cursor")
