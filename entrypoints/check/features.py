"""Says which features of the pack a token serves, and why others are not available."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from entrypoints.check.findings import Finding, ok, skipped
from entrypoints.config.settings import ReceiveMode, Settings

_HISTORY: Final = ("channels:history", "groups:history", "im:history", "mpim:history")


@dataclass(frozen=True, slots=True)
class Served:
    """Commands and events that need the same scopes."""

    names: tuple[str, ...]
    scopes: tuple[str, ...] = ()
    """Any of them is enough; empty if none is needed."""


@dataclass(frozen=True, slots=True)
class Feature:
    """Commands and events that people use together."""

    name: str
    served: tuple[Served, ...]
    also_needs: str = ""
    """Settings on the app's pages in Slack that the feature needs and that no request can verify."""
    are_interactions: bool = False
    """Whether Slack delivers the events through Socket Mode and HTTP only."""

    @property
    def names(self) -> Iterator[str]:
        """All commands and events."""
        return (name for served in self.served for name in served.names)


ALL_FEATURES: Final = (
    Feature(
        "messages",
        (
            Served(("ReceivedMessage",), _HISTORY),
            Served(
                (
                    *("SendMessage", "SendRichMessage", "Broadcast", "UpdateMessage", "DeleteMessage"),
                    *("SendEphemeral", "ScheduleMessage", "CancelScheduledMessage"),
                ),
                ("chat:write",),
            ),
            Served(("GetPermalink",)),
        ),
        "the events message.channels, message.groups, message.im and message.mpim",
    ),
    Feature("direct messages", (Served(("SendDirectMessage",), ("im:write",)),)),
    Feature(
        "channels",
        (
            Served(("JoinChannel",), ("channels:join",)),
            Served(("LeaveChannel",), ("channels:manage", "groups:write")),
            Served(("GetChannelInfo",), ("channels:read", "groups:read")),
        ),
    ),
    Feature("people", (Served(("GetUserInfo",), ("users:read",)),)),
    Feature(
        "reactions",
        (
            Served(("ReactionAdded", "ReactionRemoved"), ("reactions:read",)),
            Served(("AddReaction", "RemoveReaction"), ("reactions:write",)),
        ),
        "the events reaction_added and reaction_removed",
    ),
    Feature(
        "slash commands",
        (Served(("ReceivedSlashCommand", "ReceivedShortcut"), ("commands",)),),
        "the commands and shortcuts",
        are_interactions=True,
    ),
    Feature(
        "buttons and modals",
        (
            Served(
                (
                    *("ReceivedBlockAction", "ReceivedViewSubmission", "ReceivedViewClosed"),
                    *("Respond", "OpenModal", "UpdateModal", "PublishHome"),
                )
            ),
        ),
        "Interactivity, and for PublishHome the Home tab",
        are_interactions=True,
    ),
    Feature("files", (Served(("UploadFile",), ("files:write",)),)),
)
EDITS: Final = Feature("edits", (Served(("ReceivedEdit", "ReceivedDeletion"), _HISTORY),))
OTHER_EVENTS: Final = Feature("other events", (Served(("ReceivedSlackEvent",)),))
OTHER_METHODS: Final = Feature("other methods", (Served(("CallSlack",)),))


def check_features(granted: frozenset[str] | None, settings: Settings) -> Iterator[Finding]:
    """Yields a line per feature; `granted` is None for a token with all scopes."""
    for feature in ALL_FEATURES:
        if feature.are_interactions and settings.receive_mode is ReceiveMode.RTM:
            yield _not_available(feature, "RTM brings no interactions; Socket Mode and HTTP do")
        else:
            yield _check(feature, granted)
    yield from _check_optional(granted, settings)


def _check_optional(granted: frozenset[str] | None, settings: Settings) -> Iterator[Finding]:
    """Features that a variable switches on."""
    if settings.receives_edits:
        yield _check(EDITS, granted)
    else:
        yield _not_available(EDITS, "FLYTE_SLACK_RECEIVE_EDITS is false")
    if settings.other_events:
        types = ", ".join(settings.other_events)
        yield ok(_title(OTHER_EVENTS), f"works: ReceivedSlackEvent; the app must have the events {types}")
    else:
        yield _not_available(OTHER_EVENTS, "FLYTE_SLACK_EVENTS is not set")
    if settings.allowed_methods:
        methods = ", ".join(settings.allowed_methods)
        yield ok(_title(OTHER_METHODS), f"works: CallSlack; the app must have the scopes of {methods}")
    else:
        yield _not_available(OTHER_METHODS, "FLYTE_SLACK_ALLOWED_METHODS is not set")


def _check(feature: Feature, granted: frozenset[str] | None) -> Finding:
    lacking = [served for served in feature.served if not _is_served(served, granted)]
    lacks = [f"lacks {' or '.join(served.scopes)} for {', '.join(served.names)}" for served in lacking]
    working = [name for served in feature.served if served not in lacking for name in served.names]
    works = [f"works: {', '.join(working)}"] if working else []
    needs = [f"the app must have {feature.also_needs}"] if feature.also_needs else []
    return (skipped if lacking else ok)(_title(feature), "; ".join(lacks + works + needs))


def _is_served(served: Served, granted: frozenset[str] | None) -> bool:
    return granted is None or not served.scopes or not granted.isdisjoint(served.scopes)


def _not_available(feature: Feature, reason: str) -> Finding:
    return skipped(_title(feature), f"{', '.join(feature.names)}: {reason}")


def _title(feature: Feature) -> str:
    return f"feature {feature.name}"
