"""The table of events. A new event is a parser in the chat adapter and a row here."""

from collections.abc import Callable, Mapping
from typing import Any

from application.catalog.specs import EventSpec
from domain.interactions import BlockAction, MessageChange, OtherEvent, Reaction, Shortcut, SlashCommand, ViewEvent
from domain.messages import IncomingMessage
from domain.outbox import EventKind, InboundEvent

EVENTS = (
    EventSpec(
        "ReceivedMessage",
        "Somebody wrote a message.",
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
)
EVENTS_BY_NAME: Mapping[str, EventSpec] = {spec.name: spec for spec in EVENTS}


def event_spec(event: InboundEvent) -> EventSpec:
    """Returns the row of an event."""
    return EVENTS_BY_NAME[_NAMES[type(event)](event)]


_NAMES: Mapping[type[InboundEvent], Callable[[Any], str]] = {
    IncomingMessage: lambda _: "ReceivedMessage",
    Reaction: lambda event: "ReactionAdded" if event.is_added else "ReactionRemoved",
    BlockAction: lambda _: "ReceivedBlockAction",
    SlashCommand: lambda _: "ReceivedSlashCommand",
    Shortcut: lambda _: "ReceivedShortcut",
    ViewEvent: lambda event: "ReceivedViewSubmission" if event.is_submitted else "ReceivedViewClosed",
    MessageChange: lambda event: "ReceivedDeletion" if event.is_deleted else "ReceivedEdit",
    OtherEvent: lambda _: "ReceivedSlackEvent",
}
