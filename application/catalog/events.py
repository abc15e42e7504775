"""The table of events. A new event is a parser in the chat adapter and a row here."""

from collections.abc import Mapping

from application.catalog.specs import EventSpec
from domain.interactions import BlockAction, MessageChange, OtherEvent, Reaction, Shortcut, SlashCommand, ViewEvent
from domain.messages import IncomingMessage
from domain.outbox import EventKind, InboundEvent

_REACTION = (
    "type",
    "itemUser",
    "item",
    "reaction",
    "eventTimestamp",
    "message",
    "threadTimestamp",
    "messageKey",
)
_REACTION_IDENTITY = ("item.channel", "item.timestamp", "user.id", "reaction", "eventTimestamp")
_VIEW = (
    "callbackId",
    "viewId",
    "viewHash",
    "externalId",
    "privateMetadata",
    "state",
    "triggerId",
    "responseUrls",
    "isCleared",
)
_CHANGE = ("timestamp", "threadTimestamp", "message", "previousMessage", "eventTimestamp")

EVENTS = (
    EventSpec(
        "ReceivedMessage",
        "A new message.",
        EventKind.MESSAGE,
        (
            "message",
            "timestamp",
            "threadTimestamp",
            "replyCount",
            "replies",
            "channelType",
            "files",
            "mentioned",
            "threadKey",
        ),
        ("channelId", "timestamp"),
    ),
    EventSpec("ReactionAdded", "A new reaction.", EventKind.REACTION, _REACTION, _REACTION_IDENTITY),
    EventSpec("ReactionRemoved", "A removed reaction.", EventKind.REACTION, _REACTION, _REACTION_IDENTITY),
    EventSpec(
        "ReceivedBlockAction",
        "A use of a button, a select or another element.",
        EventKind.BLOCK_ACTION,
        (
            "actionId",
            "actionType",
            "blockId",
            "value",
            "values",
            "timestamp",
            "threadTimestamp",
            "message",
            "messageKey",
            "isEphemeral",
            "actionTimestamp",
            "triggerId",
            "responseUrl",
            "viewId",
            "viewHash",
            "callbackId",
            "externalId",
            "privateMetadata",
            "state",
        ),
        ("triggerId", "actionId", "actionTimestamp"),
    ),
    EventSpec(
        "ReceivedSlashCommand",
        "A slash command.",
        EventKind.SLASH_COMMAND,
        ("command", "text", "channelName", "triggerId", "responseUrl"),
        ("triggerId",),
    ),
    EventSpec(
        "ReceivedShortcut",
        "A choice of a shortcut.",
        EventKind.SHORTCUT,
        (
            "callbackId",
            "shortcutType",
            "timestamp",
            "threadTimestamp",
            "message",
            "messageKey",
            "triggerId",
            "responseUrl",
        ),
        ("triggerId",),
    ),
    EventSpec(
        "ReceivedViewSubmission",
        "A submitted view.",
        EventKind.VIEW,
        _VIEW,
        ("viewId", "viewHash", "triggerId"),
        has_channel=False,
    ),
    EventSpec("ReceivedViewClosed", "A closed view.", EventKind.VIEW, _VIEW, ("viewId", "viewHash"), has_channel=False),
    EventSpec(
        "ReceivedEdit",
        "An edited message.",
        EventKind.CHANGE,
        _CHANGE,
        ("channelId", "timestamp", "eventTimestamp"),
        is_optional=True,
    ),
    EventSpec(
        "ReceivedDeletion",
        "A deleted message.",
        EventKind.CHANGE,
        _CHANGE,
        ("channelId", "timestamp"),
        is_optional=True,
    ),
    EventSpec(
        "ReceivedSlackEvent",
        "Anything else that Slack tells, of the types in `FLYTE_SLACK_EVENTS`.",
        EventKind.OTHER,
        ("type", "eventId", "event"),
        ("eventId",),
        is_optional=True,
    ),
)
EVENTS_BY_NAME: Mapping[str, EventSpec] = {spec.name: spec for spec in EVENTS}


_NAMES: Mapping[type[InboundEvent], str] = {
    IncomingMessage: "ReceivedMessage",
    BlockAction: "ReceivedBlockAction",
    SlashCommand: "ReceivedSlashCommand",
    Shortcut: "ReceivedShortcut",
    OtherEvent: "ReceivedSlackEvent",
}
"""The names of events that have one name each."""


def event_spec(event: InboundEvent) -> EventSpec:
    """Returns the row of an event."""
    match event:
        case Reaction():
            name = "ReactionAdded" if event.is_added else "ReactionRemoved"
        case ViewEvent():
            name = "ReceivedViewSubmission" if event.is_submitted else "ReceivedViewClosed"
        case MessageChange():
            name = "ReceivedDeletion" if event.is_deleted else "ReceivedEdit"
        case _:
            name = _NAMES[type(event)]
    return EVENTS_BY_NAME[name]
