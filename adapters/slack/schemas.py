"""Parses Slack's JSON into the domain's values. Optional fields that are missing or of a wrong type become empty.

Lone surrogates must have been replaced before (`json_codec.replace_surrogates_deep`).
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, cast

from marshmallow import EXCLUDE, Schema, ValidationError, fields, post_load, pre_load, validate

from adapters.serialization.json_codec import write_json
from adapters.slack.values import json_object, object_list, required_text, text
from domain.channels import ChannelId, ChannelInfo
from domain.files import SharedFile, Upload
from domain.json_values import Json, JsonObject
from domain.messages import FoundMessage, IdempotencyKey, IncomingMessage
from domain.users import Identity, User
from domain.views import View

METADATA_EVENT_TYPE = "flyte_slack_delivery"
"""The `event_type` of the metadata that holds an idempotency key."""

_BOT_MESSAGE = "bot_message"
_NEW_MESSAGE_SUBTYPES = ("", _BOT_MESSAGE, "thread_broadcast", "file_share", "me_message")
"""Other subtypes report changes."""
_CHANGE_FIELDS = ("hidden", "message", "previous_message", "deleted_ts")
"""Fields of reports of changes only, including those whose subtype Slack omits, such as `message_replied`."""
_CONTENT_FIELDS = ("text", "subtype", "files", "file", "attachments", "blocks")
"""A message has at least one of them."""
_SLACKBOT = "USLACKBOT"
"""Slack's own bot in every workspace, which has no bot id and is no bot according to `users.info`."""
_DIRECT_CHANNEL_TYPES = ("im", "mpim")
_IM_PREFIX = "D"
"""The prefix of the ids of direct messages with one person: RTM and the history omit the type of a channel."""
_FILE_CHANNELS = ("channels", "groups", "ims")
"""The fields of a file that list where it is shared, beside `shares`."""


def parse_message(message: Mapping[str, Json], own: Identity, channel_id: str | None = None) -> IncomingMessage | None:
    """Returns the message of an event, or of the history, which omits the channel (`channel_id`).

    `own` is the pack's own user, who may be mentioned. None for edits, deletions and other changes, and for anything
    without content. Raises ValueError if the channel or timestamp is missing.
    """
    if not _is_new(message):
        return None
    if channel_id is not None:
        message = {**message, "channel": channel_id}
    parsed = cast("IncomingMessage", _load(_MESSAGE, message))
    return replace(parsed, is_mention=_mentions(parsed.text, own), team_id=parsed.team_id or own.team_id)


def _mentions(message_text: str, own: Identity) -> bool:
    """Returns whether the text mentions the user. Old clients write the name, too: `<@U1|bot>`."""
    return bool(own.user_id) and any(f"<@{own.user_id}{end}" in message_text for end in (">", "|"))


def _is_new(message: Mapping[str, Json]) -> bool:
    is_change = text(message.get("subtype")) not in _NEW_MESSAGE_SUBTYPES or any(map(message.get, _CHANGE_FIELDS))
    return not is_change and any(map(message.get, _CONTENT_FIELDS))


def parse_user(response: JsonObject, user_id: str) -> User:
    """Returns the user of a `users.info` response."""
    return cast("User", _load(_USER, {**json_object(response.get("user")), "id": user_id}))


def parse_found_user(response: JsonObject) -> User:
    """Returns the user of a `users.lookupByEmail` response. Raises ValueError if it has no id."""
    return parse_user(response, required_text(json_object(response.get("user")), "id"))


def parse_channel(response: JsonObject) -> ChannelInfo:
    """Returns the channel of a `conversations.info` response. Raises ValueError if it has no id."""
    channel = json_object(response.get("channel"))
    topic = text(json_object(channel.get("topic")).get("value"))
    return ChannelInfo(ChannelId(required_text(channel, "id")), text(channel.get("name")), topic)


def parse_direct(response: JsonObject) -> ChannelId:
    """Returns the conversation of a `conversations.open` response. Raises ValueError if it has no id."""
    return ChannelId(required_text(json_object(response.get("channel")), "id"))


def parse_found(message: JsonObject) -> FoundMessage:
    """Returns a message of the history."""
    return FoundMessage(text(message.get("text")), text(message.get("thread_ts")))


def parse_view(response: JsonObject) -> View:
    """Returns the view of a `views.*` response. Raises ValueError if it has no id."""
    view = json_object(response.get("view"))
    return View(required_text(view, "id"), text(view.get("hash")))


def parse_upload(response: JsonObject) -> Upload:
    """Returns the upload of a `files.getUploadURLExternal` response. Raises ValueError if its address is missing."""
    return Upload(required_text(response, "file_id"), required_text(response, "upload_url"))


def parse_file(response: JsonObject, file_id: str) -> SharedFile:
    """Returns the file of a `files.info` response."""
    return SharedFile(file_id, text(json_object(response.get("file")).get("permalink")))


def parse_files(response: JsonObject) -> list[SharedFile]:
    """Returns the files of a `files.completeUploadExternal` response."""
    return [SharedFile(text(file.get("id")), text(file.get("permalink"))) for file in object_list(response, "files")]


def is_shared_in(response: JsonObject, channel_id: str) -> bool:
    """Returns whether the file of a `files.info` response is shared in a channel."""
    file = json_object(response.get("file"))
    lists = (channel for name in _FILE_CHANNELS for channel in _tuple(file.get(name)))
    shares = (channel for kind in json_object(file.get("shares")).values() for channel in json_object(kind))
    return channel_id in (*lists, *shares)


def parse_identity(response: JsonObject) -> Identity:
    """Returns the identity in an `auth.test` response. Raises ValueError if the user is missing."""
    return cast("Identity", _load(_IDENTITY, response))


def to_metadata(key: IdempotencyKey) -> JsonObject:
    """Returns the message metadata that holds an idempotency key."""
    return {"event_type": METADATA_EVENT_TYPE, "event_payload": {"id": key}}


def carries_key(message: Mapping[str, Json], key: IdempotencyKey) -> bool:
    """Whether a message of the history has this idempotency key."""
    metadata = json_object(message.get("metadata"))
    payload = json_object(metadata.get("event_payload"))
    return metadata.get("event_type") == METADATA_EVENT_TYPE and payload.get("id") == key


def parse_next_cursor(response: JsonObject) -> str:
    """Returns the cursor of the next page; empty for the last page."""
    return text(json_object(response.get("response_metadata")).get("next_cursor"))


def _file(file: JsonObject) -> Json:
    texts: JsonObject = {name: text(file.get(name)) for name in ("id", "name", "title", "mimetype", "permalink")}
    return texts | {"size": _count(file.get("size")), "url": text(file.get("url_private"))}


def _count(value: object) -> int:
    return value if isinstance(value, int) and not isinstance(value, bool) and value > 0 else 0


def _tuple(value: object) -> tuple[Json, ...]:
    return tuple(value) if isinstance(value, list) else ()


def _replies(value: object) -> tuple[Json, ...]:
    """Returns the replies, which are passed on as they are; none if a number among them has no JSON form."""
    replies = _tuple(value)
    try:
        write_json(list(replies))
    except ValueError:
        return ()
    return replies


def _required() -> fields.String:
    return fields.String(required=True, validate=validate.Length(min=1))


def _optional() -> fields.Function:
    return fields.Function(deserialize=text, load_default="")


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
    subtype = _optional()
    user = _optional()
    bot_id = _optional()
    app_id = _optional()
    username = _optional()
    bot_profile = fields.Raw(load_default=None)
    thread_ts = _optional()
    channel_type = _optional()
    team = _optional()
    files = fields.Raw(load_default=None)
    reply_count = fields.Function(deserialize=_count, load_default=0)
    replies = fields.Function(deserialize=_replies, load_default=())

    @post_load
    def build(self, data: dict[str, Any], **_: Any) -> IncomingMessage:
        bot_profile = json_object(data["bot_profile"])
        app_id = text(bot_profile.get("id")) or data["app_id"]
        # The Messages tab of an app calls its channel `app_home`.
        channel_type = "im" if data["channel"].startswith(_IM_PREFIX) else data["channel_type"]
        return IncomingMessage(
            channel_id=ChannelId(data["channel"]),
            timestamp=data["ts"],
            text=data["text"],
            user_id=data["user"],
            bot_id=data["bot_id"] or app_id,
            bot_name=data["username"] or text(bot_profile.get("name")),
            # Slack stamps what a person posts through an app with both the person's id and the app's bot id.
            is_automated=data["subtype"] == _BOT_MESSAGE
            or data["user"] == _SLACKBOT
            or (not data["bot_id"] and bool(app_id or bot_profile)),
            thread_timestamp=data["thread_ts"],
            is_direct=channel_type in _DIRECT_CHANNEL_TYPES,
            reply_count=data["reply_count"],
            replies=data["replies"],
            channel_type=channel_type,
            files=tuple(map(_file, object_list(data, "files"))),
            team_id=data["team"],
        )


class _UserSchema(_LenientSchema):
    id = _required()
    name = _optional()
    real_name = _optional()
    is_bot = fields.Raw(load_default=None)
    profile = fields.Raw(load_default=None)

    @post_load
    def build(self, data: dict[str, Any], **_: Any) -> User:
        profile = json_object(data["profile"])
        names = (profile.get("display_name"), profile.get("real_name"), data["real_name"], data["name"])
        return User(
            id=data["id"],
            name=next(filter(None, map(text, names)), ""),
            email=text(profile.get("email")),
            title=text(profile.get("title")),
            first_name=text(profile.get("first_name")),
            last_name=text(profile.get("last_name")),
            is_bot=data["is_bot"] is True,
            handle=data["name"],
        )


class _IdentitySchema(_LenientSchema):
    user_id = _required()
    bot_id = _optional()
    team_id = _optional()
    enterprise_id = _optional()
    is_enterprise_install = fields.Raw(load_default=None)

    @post_load
    def build(self, data: dict[str, Any], **_: Any) -> Identity:
        is_organization_wide = data.pop("is_enterprise_install") is True
        return Identity(**data, is_organization_wide=is_organization_wide)


_MESSAGE = _MessageSchema()
_USER = _UserSchema()
_IDENTITY = _IdentitySchema()


def _load(schema: Schema, data: Mapping[str, Json]) -> object:
    try:
        return schema.load(data)
    except ValidationError as error:
        raise ValueError(f"missing or not a text: {', '.join(error.messages_dict)}") from error
