"""Hypothesis strategies for values of the domain."""

from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from domain.channels import ChannelId
from domain.commands import (
    Broadcast,
    ChatCommand,
    Command,
    JoinChannel,
    LeaveChannel,
    SendMessage,
    SendRichMessage,
    UnknownCommand,
    UnreadableCommand,
)
from domain.events import (
    BroadcastFailed,
    BroadcastSent,
    ChannelFailure,
    ChannelJoined,
    ChannelLeft,
    CommandOutcome,
    Event,
    Fatal,
    JoinChannelFailed,
    LeaveChannelFailed,
    MessageSent,
    Outcome,
    ReceivedMessage,
    RichMessageSent,
    SendMessageFailed,
    SendRichMessageFailed,
)
from domain.interactions import (
    BlockAction,
    MessageChange,
    OtherEvent,
    Reaction,
    Shortcut,
    SlashCommand,
    ViewEvent,
)
from domain.json_values import Json, JsonObject
from domain.messages import IncomingMessage, OutgoingMessage, Receipt, RichMessage
from domain.outbox import InboundEvent
from domain.users import User

texts = st.text(max_size=30)
"""Text without lone surrogates, which the adapters replace."""

channel_ids = texts.map(ChannelId)

json_values: SearchStrategy[Json] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=8,
)

_OUR_KEYS = ("channelId", "threadTimestamp", "timestamp", "inDoubt", "type", "token", "channel", "text")

json_objects: SearchStrategy[JsonObject] = st.dictionaries(st.sampled_from(_OUR_KEYS) | texts, json_values, max_size=4)

messages = st.builds(OutgoingMessage, channel_ids, texts, texts)
receipts = st.builds(Receipt, channel_ids, texts, st.booleans(), st.booleans())
users = st.builds(User, texts, texts, texts, texts, texts, texts)
incoming_messages = st.builds(
    IncomingMessage,
    channel_ids,
    texts,
    texts,
    user_id=texts,
    bot_id=texts,
    bot_name=texts,
    thread_timestamp=texts,
    is_direct=st.booleans(),
    reply_count=st.integers(0, 1000),
    replies=st.lists(json_values, max_size=3).map(tuple),
)

_states = st.dictionaries(texts, st.dictionaries(texts, json_values, max_size=2), max_size=2)
inbound_events: SearchStrategy[InboundEvent] = st.one_of(
    incoming_messages,
    st.builds(
        Reaction,
        channel_id=channel_ids,
        user_id=texts,
        is_added=st.booleans(),
        reaction=texts,
        timestamp=texts,
        item_user_id=texts,
        event_timestamp=texts,
    ),
    st.builds(
        BlockAction,
        channel_id=channel_ids,
        user_id=texts,
        team_id=texts,
        action_id=texts,
        action_type=texts,
        values=st.lists(texts, max_size=3).map(tuple),
        is_ephemeral=st.booleans(),
        trigger_id=texts,
        state=_states,
    ),
    st.builds(SlashCommand, channel_id=channel_ids, user_id=texts, command=texts, text=texts, response_url=texts),
    st.builds(
        Shortcut, channel_id=channel_ids, user_id=texts, callback_id=texts, shortcut_type=texts, trigger_id=texts
    ),
    st.builds(
        ViewEvent,
        user_id=texts,
        is_submitted=st.booleans(),
        view_id=texts,
        state=_states,
        response_urls=st.lists(json_objects, max_size=2).map(tuple),
    ),
    st.builds(
        MessageChange, channel_id=channel_ids, user_id=texts, is_deleted=st.booleans(), timestamp=texts, message=texts
    ),
    st.builds(OtherEvent, channel_id=channel_ids, user_id=texts, type=texts, event_id=texts, event=json_objects),
)

commands: SearchStrategy[Command] = st.one_of(
    st.builds(SendMessage, messages),
    st.builds(SendRichMessage, st.builds(RichMessage, json_objects)),
    st.builds(Broadcast, texts),
    st.builds(JoinChannel, channel_ids),
    st.builds(LeaveChannel, channel_ids),
    st.builds(ChatCommand, texts, json_objects),
    st.builds(UnreadableCommand, texts, texts),
    st.builds(UnknownCommand, texts),
)

_some_channel_ids = st.lists(channel_ids, max_size=3).map(tuple)
_failures = st.lists(st.builds(ChannelFailure, channel_ids, texts), max_size=3).map(tuple)

outcomes: SearchStrategy[Outcome] = st.one_of(
    st.builds(MessageSent, messages, receipts),
    st.builds(SendMessageFailed, messages, texts),
    st.builds(RichMessageSent, json_objects, receipts),
    st.builds(SendRichMessageFailed, json_objects, texts),
    st.builds(BroadcastSent, texts, _some_channel_ids, st.booleans()),
    st.builds(BroadcastFailed, texts, texts, _some_channel_ids, _failures),
    st.builds(ChannelJoined, channel_ids),
    st.builds(JoinChannelFailed, channel_ids, texts),
    st.builds(ChannelLeft, channel_ids),
    st.builds(LeaveChannelFailed, channel_ids, texts),
    st.builds(CommandOutcome, texts, json_objects),
    st.builds(Fatal, texts),
)

events: SearchStrategy[Event] = outcomes | st.builds(ReceivedMessage, incoming_messages, users)
