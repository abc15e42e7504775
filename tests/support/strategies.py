"""Hypothesis strategies for values of the domain."""

from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from domain.channels import ChannelId
from domain.commands import (
    Broadcast,
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
from domain.json_values import Json, JsonObject
from domain.messages import IncomingMessage, OutgoingMessage, Receipt, RichMessage
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
receipts = st.builds(Receipt, channel_ids, texts, st.booleans())
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

commands: SearchStrategy[Command] = st.one_of(
    st.builds(SendMessage, messages),
    st.builds(SendRichMessage, st.builds(RichMessage, json_objects)),
    st.builds(Broadcast, texts),
    st.builds(JoinChannel, channel_ids),
    st.builds(LeaveChannel, channel_ids),
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
    st.builds(Fatal, texts),
)

events: SearchStrategy[Event] = outcomes | st.builds(ReceivedMessage, incoming_messages, users)
