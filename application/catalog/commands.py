"""The table of commands. A new command is a use case and a row here."""

from collections.abc import Mapping

from application.catalog.specs import CommandSpec, Field, FieldType, LookFor, Repeat

_CHANNEL = Field("channelId")
_MESSAGE = Field("message")
_BLOCKS = Field("blocks", FieldType.LIST)
_THREAD = Field("threadTimestamp")
_KEYS = (Field("messageKey"), Field("threadKey"))
_SLACK_MESSAGE = (Field("text"), _BLOCKS, Field("attachments", FieldType.LIST), Field("markdown_text"))

_IN_CHANNEL = (("channelId",),)

COMMANDS = (
    CommandSpec(
        "SendMessage",
        "Post a text into a channel or a thread.",
        "MessageSent",
        "SendMessageFailed",
        LookFor(),
        fields=(_MESSAGE, _CHANNEL, _THREAD, *_KEYS),
        required=(("message",), ("channelId",)),
        results=("timestamp",),
        lane="channelId",
    ),
    CommandSpec(
        "SendRichMessage",
        "Post a message with any of the fields of Slack's `chat.postMessage`.",
        "RichMessageSent",
        "SendRichMessageFailed",
        LookFor(),
        fields=(Field("channel"), *_SLACK_MESSAGE, Field("thread_ts"), *_KEYS),
        required=(("channel",), ("text", "attachments", "blocks", "markdown_text")),
        results=("channelId", "threadTimestamp", "timestamp"),
        lane="channel",
        passes_on=True,
    ),
    CommandSpec(
        "Broadcast",
        "Post a text into every joined channel.",
        "BroadcastSent",
        "BroadcastFailed",
        LookFor(),
        fields=(_MESSAGE,),
        required=(("message",),),
        results=("channelIds",),
    ),
    CommandSpec(
        "JoinChannel",
        "Become a member of a channel and listen to it.",
        "ChannelJoined",
        "JoinChannelFailed",
        Repeat(),
        fields=(_CHANNEL,),
        required=_IN_CHANNEL,
        lane="channelId",
    ),
    CommandSpec(
        "LeaveChannel",
        "Stop listening to a channel and leave it.",
        "ChannelLeft",
        "LeaveChannelFailed",
        Repeat(),
        fields=(_CHANNEL,),
        required=_IN_CHANNEL,
        lane="channelId",
    ),
)
COMMANDS_BY_NAME: Mapping[str, CommandSpec] = {spec.name: spec for spec in COMMANDS}
