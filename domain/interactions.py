"""Events besides new messages: reactions, clicks, slash commands, shortcuts, forms, edits and deletions."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, TypeAlias

from domain.channels import NO_CHANNEL, ChannelId
from domain.json_values import Json, JsonObject

State: TypeAlias = Mapping[str, Json]
"""The values of a form: `{block id: {action id: value}}`."""


def _digest(*parts: str) -> str:
    """Identifies an event without revealing the capabilities in its parts."""
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:32]


@dataclass(frozen=True, slots=True, kw_only=True)
class Reaction:
    """A reaction added to a message, or removed from one."""

    channel_id: ChannelId
    """Empty for reactions to files."""
    user_id: str
    team_id: str = ""
    is_added: bool = True
    reaction: str
    """Its name, without colons."""
    timestamp: str
    """The timestamp of the message."""
    item_type: str = "message"
    item_user_id: str = ""
    """Who wrote the message; empty if no user did."""
    event_timestamp: str

    @property
    def key(self) -> str:
        """Identifies the event when the service delivers it again."""
        kind = "reaction_added" if self.is_added else "reaction_removed"
        place = f"{self.channel_id}:{self.timestamp}"
        return f"{kind}:{place}:{self.user_id}:{self.reaction}:{self.event_timestamp}"


@dataclass(frozen=True, slots=True, kw_only=True)
class BlockAction:
    """A use of a button, a select or another element of a message or a view."""

    channel_id: ChannelId
    """Empty for elements of views."""
    user_id: str
    team_id: str = ""
    action_id: str
    action_type: str
    block_id: str = ""
    value: str = ""
    values: tuple[str, ...] = ()
    timestamp: str = ""
    """The timestamp of the message."""
    thread_timestamp: str = ""
    message: str = ""
    is_ephemeral: bool = False
    action_timestamp: str = ""
    trigger_id: str = ""
    response_url: str = ""
    view_id: str = ""
    view_hash: str = ""
    callback_id: str = ""
    external_id: str = ""
    private_metadata: str = ""
    state: State = field(default_factory=dict)

    @property
    def key(self) -> str:
        """Identifies the event; another click has another key. An action id is unique in its block only."""
        return f"block_action:{_digest(self.trigger_id, self.block_id, self.action_id, self.action_timestamp)}"


@dataclass(frozen=True, slots=True, kw_only=True)
class SlashCommand:
    """A run of one of the app's slash commands."""

    channel_id: ChannelId
    user_id: str
    team_id: str = ""
    command: str
    """The command's name with its slash."""
    text: str = ""
    """Everything after the command, as typed."""
    channel_name: str = ""
    trigger_id: str = ""
    response_url: str = ""

    @property
    def key(self) -> str:
        """Identifies the event."""
        return f"slash_command:{_digest(self.trigger_id)}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Shortcut:
    """A choice of one of the app's shortcuts, in the search or on a message."""

    channel_id: ChannelId
    """Empty for global shortcuts, and so is everything about a message."""
    user_id: str
    team_id: str = ""
    callback_id: str
    shortcut_type: str
    """`global` or `message`."""
    timestamp: str = ""
    thread_timestamp: str = ""
    message: str = ""
    trigger_id: str = ""
    response_url: str = ""

    @property
    def key(self) -> str:
        """Identifies the event."""
        return f"shortcut:{_digest(self.trigger_id)}"


@dataclass(frozen=True, slots=True, kw_only=True)
class ViewEvent:
    """A view submitted or closed."""

    channel_id: ChannelId = NO_CHANNEL
    """Views belong to no channel."""
    user_id: str
    team_id: str = ""
    is_submitted: bool
    callback_id: str = ""
    view_id: str
    view_hash: str = ""
    external_id: str = ""
    private_metadata: str = ""
    state: State = field(default_factory=dict)
    trigger_id: str = ""
    """Empty for a closed view."""
    response_urls: tuple[Json, ...] = ()
    """`{blockId, actionId, channelId, responseUrl}` of the inputs that ask for one."""
    is_cleared: bool = False
    """Whether all views of the stack were closed."""

    @property
    def key(self) -> str:
        """Identifies the event; a closed view has no trigger."""
        if self.is_submitted:
            return f"view_submission:{_digest(self.trigger_id or self.view_id, self.view_hash)}"
        return f"view_closed:{_digest(self.view_id, self.view_hash)}"


@dataclass(frozen=True, slots=True, kw_only=True)
class MessageChange:
    """A message edited or deleted."""

    channel_id: ChannelId
    user_id: str
    team_id: str = ""
    is_deleted: bool
    timestamp: str
    """The timestamp of the message."""
    thread_timestamp: str = ""
    message: str = ""
    """The new text; empty for a deletion."""
    previous_message: str = ""
    edited_timestamp: str = ""
    """When it was edited; empty for a deletion."""
    event_timestamp: str = ""
    bot_id: str = ""

    @property
    def key(self) -> str:
        """Identifies the change."""
        if self.is_deleted:
            return f"deletion:{self.channel_id}:{self.timestamp}"
        return f"edit:{self.channel_id}:{self.timestamp}:{self.edited_timestamp or self.event_timestamp}"

    @property
    def is_from_bot(self) -> bool:
        """Whether a program certainly wrote the message."""
        return bool(self.bot_id) and not self.user_id


@dataclass(frozen=True, slots=True, kw_only=True)
class OtherEvent:
    """Any other event of the chat service, of a type that the operator has asked for."""

    channel_id: ChannelId = NO_CHANNEL
    user_id: str = ""
    team_id: str = ""
    type: str
    event_id: str
    event: JsonObject
    """The event as the service sent it."""

    @property
    def key(self) -> str:
        """Identifies the event."""
        return f"event:{self.event_id}"


Interaction: TypeAlias = BlockAction | SlashCommand | Shortcut | ViewEvent
"""Events addressed to the app, which the service never delivers again."""

INTERACTIONS: Final = (BlockAction, SlashCommand, Shortcut, ViewEvent)

Activity: TypeAlias = Reaction | Interaction | MessageChange | OtherEvent
"""Any event of the chat service other than a new message."""
