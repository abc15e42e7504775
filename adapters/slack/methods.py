"""The methods of Slack's Web API that the pack calls by itself."""

from typing import Final

METHODS: Final = (
    *("api.test", "apps.connections.open", "auth.test", "rtm.connect"),
    *("chat.delete", "chat.deleteScheduledMessage", "chat.getPermalink", "chat.postEphemeral", "chat.postMessage"),
    *("chat.scheduleMessage", "chat.scheduledMessages.list", "chat.update"),
    *("conversations.history", "conversations.info", "conversations.join", "conversations.leave"),
    *("conversations.list", "conversations.open", "conversations.replies"),
    *("files.completeUploadExternal", "files.getUploadURLExternal", "files.info"),
    *("reactions.add", "reactions.remove"),
    *("users.conversations", "users.info", "users.lookupByEmail"),
    *("views.open", "views.publish", "views.update"),
)
"""`CallSlack` can call others."""
