"""What Slack's error codes mean, and what to do next, for the authors of flows and for operators.

Placeholders: `{subject}` the channel or user asked about, `{method}`, `{token}` the variable that holds the token,
`{needed}` and `{provided}` scopes. Codes and meanings: Slack's documentation of each method, section "Errors".
"""

ALTERNATIVES_TO_RTM = (
    "this token can't use RTM, which only classic apps can; "
    "set FLYTE_SLACK_APP_TOKEN (Socket Mode) or FLYTE_SLACK_SIGNING_SECRET (signed HTTP requests)"
)

EXPLANATIONS = {
    # channels
    "channel_not_found": "the bot can see no channel {subject}; "
    "check the id, and /invite the bot if the channel is private",
    "not_in_channel": "the bot is not a member of {subject}; send JoinChannel first, or /invite the bot",
    "is_archived": "{subject} is archived; unarchive it in Slack first",
    "method_not_supported_for_channel_type": "{subject} is not a kind of channel that {method} works on; "
    "/invite the bot to a private channel",
    "too_many_members": "{subject} has as many members as Slack allows; somebody must leave it first",
    "last_member": "the bot is the last member of {subject}; archive the channel instead, or let somebody join",
    "cant_leave_general": "nobody can leave {subject}, the workspace's general channel",
    "user_is_restricted": "the bot is a guest and may not do this in {subject}; ask the workspace's administrators",
    # texts
    "no_text": "the message is empty; give it text, attachments or blocks",
    "msg_too_long": "the text is longer than Slack takes; split it",
    "msg_blocks_too_long": "the blocks are too long in all; send fewer, or split the message",
    "invalid_blocks": "Slack can't read the blocks; try them in the Block Kit Builder",
    "invalid_blocks_format": "blocks must be a JSON list of Block Kit blocks; try them in the Block Kit Builder",
    "invalid_attachments": "attachments must be a JSON list of attachments",
    "too_many_attachments": "the message has more attachments than Slack takes (100); split it",
    "attachment_payload_limit_exceeded": "the attachments are too large in all; split the message",
    "markdown_text_conflict": "markdown_text can't go together with text or blocks; send one of them",
    "cannot_reply_to_message": "this kind of message takes no replies; send without a thread timestamp",
    "thread_not_found": "there is no such message in {subject} to reply to; check the thread timestamp",
    "message_not_found": "there is no such message in {subject}; check the timestamp",
    "metadata_must_be_sent_from_app": "only an app may send metadata; leave it out",
    "metadata_too_large": "the metadata is larger than Slack takes; send less of it",
    "invalid_metadata_format": "metadata must be an object with event_type and event_payload",
    "invalid_metadata_schema": "the metadata does not fit the schema that the app declares for its event_type",
    "invalid_arguments": "Slack can't read a field of the message, or it does not fit the others; check them",
    "invalid_arg_name": "Slack does not take the name of a field of the message; check them",
    # permission
    "restricted_action": "the workspace's settings keep the bot from posting to {subject}; ask its administrators",
    "restricted_action_read_only_channel": "{subject} is read-only; ask the workspace's administrators",
    "restricted_action_thread_only_channel": "{subject} takes replies in threads only; send a thread timestamp",
    "restricted_action_thread_locked": "the thread is locked; post to the channel, or ask who locked it",
    "restricted_action_non_threadable_channel": "{subject} takes no replies; send without a thread timestamp",
    "messages_tab_disabled": "the bot can't receive direct messages; switch its Messages tab on, in the app's App Home",
    "no_permission": "the bot may not do this in {subject}; ask the workspace's administrators",
    "access_denied": "the bot has no access to {subject}; ask the workspace's administrators",
    "missing_scope": "the token lacks the scope {needed} (it has: {provided}); "
    "add it to the app, install the app again, and take the new token",
    "ekm_access_denied": "the administrators have suspended access to messages (Enterprise Key Management)",
    # people
    "user_not_found": "Slack knows no user {subject}; check the id",
    "user_not_visible": "the bot may not see the user {subject}",
    "users_not_found": "Slack knows no user {subject}; check the id",
    # tokens
    "invalid_auth": "Slack does not know the token in {token}; copy it again from the app's settings",
    "not_authed": "no token reached Slack; set {token}",
    "account_inactive": "the token in {token} belongs to an app or user that was removed; install the app again",
    "token_revoked": "the token in {token} was revoked; install the app again, and take the new token",
    "token_expired": "the token in {token} has expired; switch token rotation off, or take a new token",
    "not_allowed_token_type": "{method} does not take the kind of token in {token}; check that it is the right one",
    # the pack's side
    "unknown_method": "what answers at FLYTE_SLACK_API_URL does not know {method}; check the address",
    "org_login_required": "the workspace is being moved into an Enterprise organisation; try again when that is done",
    "team_access_not_granted": "the app has no access to this workspace; ask the organisation's administrators",
}
