"""From Slack's JSON to the domain's values. What is missing or of another type is empty, unless nothing goes without.

Texts and keys are expected without lone surrogates (`json_text.without_surrogates`).
"""

from collections.abc import Mapping
from typing import Any, cast

from marshmallow import EXCLUDE, Schema, ValidationError, fields, post_load, pre_load, validate

from domain.channels import ChannelId
from domain.json_values import Json, JsonObject
from domain.messages import IdempotencyKey, IncomingMessage
from domain.users import Identity, User

METADATA_EVENT_TYPE = "flyte_slack_delivery"
"""The metadata's `event_type` by which the pack's own marks are known."""

_NEW_MESSAGE_SUBTYPES = ("", "bot_message", "thread_broadcast", "file_share", "me_message")
"""The subtypes of messages that somebody said just now; all others tell of changes."""
_DIRECT_CHANNEL_TYPES = ("im", "mpim")


def parse_message(message: Mapping[str, Json], channel_id: str | None = None) -> IncomingMessage | None:
    """A message, of an event or of the history (which names no channel: `channel_id`); None for anything but new ones.

    ValueError when it names no channel or no timestamp.
    """
    if _text(message.get("subtype")) not in _NEW_MESSAGE_SUBTYPES:
        return None
    named = message if channel_id is None else {**message, "channel": channel_id}
    return cast("IncomingMessage", _load(_MESSAGE, named))


def parse_user(answer: JsonObject, user_id: str) -> User:
    """The user of a `users.info` answer."""
    return cast("User", _load(_USER, {**_object(answer.get("user")), "id": user_id}))


def parse_identity(answer: JsonObject) -> Identity:
    """Who we are, from an `auth.test` answer. ValueError when it names no user."""
    return cast("Identity", _load(_IDENTITY, answer))


def to_metadata(mark: IdempotencyKey) -> JsonObject:
    """The mark as a message's metadata."""
    return {"event_type": METADATA_EVENT_TYPE, "event_payload": {"id": mark}}


def carries_key(message: Mapping[str, Json], mark: IdempotencyKey) -> bool:
    """Whether a message of the history has this mark."""
    metadata = _object(message.get("metadata"))
    return (
        metadata.get("event_type") == METADATA_EVENT_TYPE and _object(metadata.get("event_payload")).get("id") == mark
    )


def parse_next_cursor(answer: JsonObject) -> str:
    """Where the next page starts; empty when this was the last."""
    return _text(_object(answer.get("response_metadata")).get("next_cursor"))


class _Text(fields.Field[str]):
    """A text; anything else is an empty one."""

    def _deserialize(self, value: Any, *_: Any, **__: Any) -> str:
        return _text(value)


class _Count(fields.Field[int]):
    """A number of things; anything else is none."""

    def _deserialize(self, value: Any, *_: Any, **__: Any) -> int:
        return value if isinstance(value, int) and not isinstance(value, bool) and value > 0 else 0


class _List(fields.Field[tuple[Json, ...]]):
    """A list; anything else is an empty one."""

    def _deserialize(self, value: Any, *_: Any, **__: Any) -> tuple[Json, ...]:
        return tuple(value) if isinstance(value, list) else ()


def _optional() -> _Text:
    return _Text(load_default="", allow_none=False)


def _required() -> fields.String:
    return fields.String(required=True, validate=validate.Length(min=1))


class _LenientSchema(Schema):
    class Meta:
        unknown = EXCLUDE

    @pre_load
    def drop_nulls(self, data: Mapping[str, Any], **_: Any) -> dict[str, Any]:
        return {name: value for name, value in data.items() if value is not None}


class _MessageSchema(_LenientSchema):
    channel = _required()
    ts = _required()
    text = _optional()
    user = _optional()
    bot_id = _optional()
    username = _optional()
    bot_profile = fields.Raw(load_default=None)
    thread_ts = _optional()
    channel_type = _optional()
    reply_count = _Count(load_default=0)
    replies = _List(load_default=())

    @post_load
    def build(self, data: dict[str, Any], **_: Any) -> IncomingMessage:
        return IncomingMessage(
            channel_id=ChannelId(data["channel"]),
            timestamp=data["ts"],
            text=data["text"],
            user_id=data["user"],
            bot_id=data["bot_id"],
            bot_name=data["username"] or _text(_object(data["bot_profile"]).get("name")),
            thread_timestamp=data["thread_ts"],
            # RTM and the history don't tell the type; direct messages to the bot alone can be told by their id.
            is_direct=data["channel_type"] in _DIRECT_CHANNEL_TYPES or data["channel"].startswith("D"),
            reply_count=data["reply_count"],
            replies=data["replies"],
        )


class _UserSchema(_LenientSchema):
    id = _required()
    name = _optional()
    real_name = _optional()
    profile = fields.Raw(load_default=None)

    @post_load
    def build(self, data: dict[str, Any], **_: Any) -> User:
        profile = _object(data["profile"])
        names = (profile.get("display_name"), profile.get("real_name"), data["real_name"], data["name"])
        return User(
            id=data["id"],
            name=next(filter(None, map(_text, names)), ""),
            email=_text(profile.get("email")),
            title=_text(profile.get("title")),
            first_name=_text(profile.get("first_name")),
            last_name=_text(profile.get("last_name")),
        )


class _IdentitySchema(_LenientSchema):
    user_id = _required()
    bot_id = _optional()
    team_id = _optional()

    @post_load
    def build(self, data: dict[str, Any], **_: Any) -> Identity:
        return Identity(**data)


_MESSAGE = _MessageSchema()
_USER = _UserSchema()
_IDENTITY = _IdentitySchema()


def _load(schema: Schema, data: Mapping[str, Json]) -> object:
    try:
        return schema.load(data)
    except ValidationError as error:
        raise ValueError(f"missing or not a text: {', '.join(error.messages_dict)}") from error


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


def _object(value: Json) -> JsonObject:
    return value if isinstance(value, dict) else {}
