"""The table of commands. A new command is a use case and a row here."""

from collections.abc import Mapping

from application.catalog.specs import AskOperator, CommandSpec, Field, FieldType, LookFor, Repeat
from application.use_cases.call_slack import CallSlack
from application.use_cases.cancel_scheduled_message import CancelScheduledMessage
from application.use_cases.delete_message import DeleteMessage
from application.use_cases.get_channel_info import GetChannelInfo
from application.use_cases.get_permalink import GetPermalink
from application.use_cases.get_user_info import GetUserInfo
from application.use_cases.open_modal import OpenModal
from application.use_cases.publish_home import PublishHome
from application.use_cases.react import AddReaction, RemoveReaction
from application.use_cases.respond import Respond
from application.use_cases.schedule_message import ScheduleMessage
from application.use_cases.send_direct_message import SendDirectMessage
from application.use_cases.send_ephemeral import SendEphemeral
from application.use_cases.update_message import UpdateMessage
from application.use_cases.update_modal import UpdateModal
from application.use_cases.upload_file import UploadFile
from domain.commands import Command, UnknownCommand, command_name

_CHANNEL = Field("channelId")
_TIMESTAMP = Field("timestamp")
_USER = Field("userId")
_EMAIL = Field("email")
_MESSAGE = Field("message")
_BLOCKS = Field("blocks", FieldType.LIST)
_THREAD = Field("threadTimestamp")
_VIEW = Field("view", FieldType.OBJECT)
_KEYS = (Field("messageKey"), Field("threadKey"))
_SLACK_MESSAGE = (Field("text"), _BLOCKS, Field("attachments", FieldType.LIST), Field("markdown_text"))

_IN_CHANNEL = (("channelId",),)
_OF_MESSAGE = (("channelId",), ("timestamp",))
_CONTENT = ("message", "blocks")
_VIEW_RESULTS = ("viewId", "viewHash")

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
        methods=("chat.postMessage",),
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
        requests=("join",),
        methods=("conversations.join",),
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
        requests=("leave",),
        methods=("conversations.leave",),
    ),
    CommandSpec(
        "UpdateMessage",
        "Change a message of the bot.",
        "MessageUpdated",
        "UpdateMessageFailed",
        Repeat(),
        fields=(_CHANNEL, _TIMESTAMP, _MESSAGE, *_SLACK_MESSAGE),
        required=_OF_MESSAGE,
        lane="channelId",
        passes_on=True,
        requests=("update",),
        methods=("chat.update",),
        use_case=UpdateMessage(),
    ),
    CommandSpec(
        "DeleteMessage",
        "Delete a message of the bot.",
        "MessageDeleted",
        "DeleteMessageFailed",
        Repeat(settled_by="message_not_found"),
        fields=(_CHANNEL, _TIMESTAMP),
        required=_OF_MESSAGE,
        lane="channelId",
        requests=("delete",),
        methods=("chat.delete",),
        use_case=DeleteMessage(),
    ),
    CommandSpec(
        "AddReaction",
        "Add a reaction of the bot to a message.",
        "ReactionSent",
        "AddReactionFailed",
        Repeat(),
        fields=(_CHANNEL, _TIMESTAMP, Field("reaction")),
        required=(*_OF_MESSAGE, ("reaction",)),
        lane="channelId",
        requests=("add_reaction",),
        methods=("reactions.add",),
        use_case=AddReaction(),
    ),
    CommandSpec(
        "RemoveReaction",
        "Remove a reaction of the bot from a message.",
        "ReactionWithdrawn",
        "RemoveReactionFailed",
        Repeat(),
        fields=(_CHANNEL, _TIMESTAMP, Field("reaction")),
        required=(*_OF_MESSAGE, ("reaction",)),
        lane="channelId",
        requests=("remove_reaction",),
        methods=("reactions.remove",),
        use_case=RemoveReaction(),
    ),
    CommandSpec(
        "SendDirectMessage",
        "Post a direct message to a person.",
        "DirectMessageSent",
        "SendDirectMessageFailed",
        LookFor(),
        fields=(_USER, _EMAIL, _MESSAGE, _BLOCKS, _THREAD),
        required=(("userId", "email"), _CONTENT),
        results=("channelId", "timestamp"),
        requests=("find_user", "open_direct"),
        use_case=SendDirectMessage(),
    ),
    CommandSpec(
        "SendEphemeral",
        "Post a message into a channel that one person sees.",
        "EphemeralSent",
        "SendEphemeralFailed",
        AskOperator(),
        fields=(_CHANNEL, _USER, _MESSAGE, _BLOCKS, _THREAD),
        required=(("channelId",), ("userId",), _CONTENT),
        lane="channelId",
        requests=("post_ephemeral",),
        methods=("chat.postEphemeral",),
        use_case=SendEphemeral(),
    ),
    CommandSpec(
        "ScheduleMessage",
        "Have a message posted later.",
        "MessageScheduled",
        "ScheduleMessageFailed",
        LookFor(),
        fields=(_CHANNEL, Field("postAt", FieldType.TEXT_OR_NUMBER), _MESSAGE, _BLOCKS, _THREAD),
        required=(("channelId",), ("postAt",), _CONTENT),
        results=("scheduledMessageId",),
        lane="channelId",
        requests=("schedule",),
        methods=("chat.scheduleMessage",),
        use_case=ScheduleMessage(),
    ),
    CommandSpec(
        "CancelScheduledMessage",
        "Cancel a message that was to be posted later.",
        "ScheduledMessageCancelled",
        "CancelScheduledMessageFailed",
        Repeat(settled_by="invalid_scheduled_message_id"),
        fields=(_CHANNEL, Field("scheduledMessageId")),
        required=(("channelId",), ("scheduledMessageId",)),
        lane="channelId",
        requests=("cancel_scheduled",),
        methods=("chat.deleteScheduledMessage",),
        use_case=CancelScheduledMessage(),
    ),
    CommandSpec(
        "UploadFile",
        "Share a file in a channel.",
        "FileUploaded",
        "UploadFileFailed",
        LookFor(),
        fields=(
            _CHANNEL,
            Field("filename"),
            Field("content", is_content=True),
            Field("contentBase64", is_content=True),
            Field("title"),
            _MESSAGE,
            _THREAD,
        ),
        required=(("channelId",), ("filename",), ("content", "contentBase64")),
        results=("fileId", "permalink"),
        lane="channelId",
        requests=("begin_upload", "upload", "finish_upload"),
        methods=("files.upload", "files.getUploadURLExternal", "files.completeUploadExternal"),
        use_case=UploadFile(),
    ),
    CommandSpec(
        "OpenModal",
        "Open a modal for the person whose interaction brought the trigger.",
        "ModalOpened",
        "OpenModalFailed",
        Repeat(settled_by="exchanged_trigger_id"),
        fields=(Field("triggerId", is_secret=True), _VIEW),
        required=(("triggerId",), ("view",)),
        results=_VIEW_RESULTS,
        requests=("open_view",),
        methods=("views.open",),
        use_case=OpenModal(),
    ),
    CommandSpec(
        "UpdateModal",
        "Replace the content of a modal.",
        "ModalUpdated",
        "UpdateModalFailed",
        Repeat(settled_by="hash_conflict"),
        fields=(Field("viewId"), Field("externalId"), _VIEW, Field("viewHash")),
        required=(("viewId", "externalId"), ("view",)),
        results=_VIEW_RESULTS,
        requests=("update_view",),
        methods=("views.update",),
        use_case=UpdateModal(),
    ),
    CommandSpec(
        "PublishHome",
        "Replace the content of a person's Home tab.",
        "HomePublished",
        "PublishHomeFailed",
        Repeat(),
        fields=(_USER, _VIEW),
        required=(("userId",), ("view",)),
        results=_VIEW_RESULTS,
        requests=("publish_home",),
        methods=("views.publish",),
        use_case=PublishHome(),
    ),
    CommandSpec(
        "Respond",
        "Answer an interaction at its address, where the bot need not be a member.",
        "Responded",
        "RespondFailed",
        AskOperator(),
        fields=(
            Field("responseUrl", is_secret=True),
            _MESSAGE,
            _BLOCKS,
            Field("responseType"),
            Field("replaceOriginal", FieldType.BOOLEAN),
            Field("deleteOriginal", FieldType.BOOLEAN),
            _THREAD,
        ),
        required=(("responseUrl",), _CONTENT),
        requests=("respond",),
        use_case=Respond(),
    ),
    CommandSpec(
        "GetChannelInfo",
        "Look up a channel by its name.",
        "GetChannelInfoSuccess",
        "GetChannelInfoFail",
        Repeat(),
        fields=(Field("channelName"),),
        required=(("channelName",),),
        results=("conversation", "channelId"),
        reason="reason",
        requests=("channel_info", "channels"),
        is_look_up=True,
        methods=("conversations.info",),
        use_case=GetChannelInfo(),
    ),
    CommandSpec(
        "GetUserInfo",
        "Look up a person.",
        "UserInfoRetrieved",
        "GetUserInfoFailed",
        Repeat(),
        fields=(_USER, _EMAIL),
        required=(("userId", "email"),),
        results=("user",),
        requests=("find_user", "look_up"),
        is_look_up=True,
        methods=("users.info", "users.lookupByEmail"),
        use_case=GetUserInfo(),
    ),
    CommandSpec(
        "GetPermalink",
        "Look up the address of a message.",
        "PermalinkRetrieved",
        "GetPermalinkFailed",
        Repeat(),
        fields=(_CHANNEL, _TIMESTAMP),
        required=_OF_MESSAGE,
        results=("permalink",),
        requests=("permalink",),
        is_look_up=True,
        methods=("chat.getPermalink",),
        use_case=GetPermalink(),
    ),
    CommandSpec(
        "CallSlack",
        "Call any method of Slack's Web API that the operator allows.",
        "SlackCalled",
        "CallSlackFailed",
        AskOperator(),
        fields=(Field("method"), Field("arguments", FieldType.OBJECT)),
        required=(("method",),),
        results=("response",),
        lane="arguments.channel",
        use_case=CallSlack(),
    ),
)
COMMANDS_BY_NAME: Mapping[str, CommandSpec] = {spec.name: spec for spec in COMMANDS}
COMMANDS_BY_METHOD: Mapping[str, str] = {method.lower(): spec.name for spec in COMMANDS for method in spec.methods}
"""The commands to use instead of a method of the chat service, by the method's name in lower case."""


def is_known(command: Command) -> bool:
    """Returns whether the table has the command. A newer version of the pack may have recorded others."""
    return not isinstance(command, UnknownCommand) and command_name(command) in COMMANDS_BY_NAME
