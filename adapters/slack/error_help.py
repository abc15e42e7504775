"""Explanations of Slack's error codes, with a next step for flow authors and operators.

Placeholders: `{subject}` is the channel or user of the call, `{method}` its method, `{token}` the variable that holds
the token, `{scope}` what it lacks. Source: the section "Errors" of each method in Slack's documentation.
"""

ALTERNATIVES_TO_RTM = (
    "this token can't use RTM, which only classic apps support; "
    "set FLYTE_SLACK_APP_TOKEN (Socket Mode) or FLYTE_SLACK_SIGNING_SECRET (signed HTTP requests)"
)

EXPLANATIONS = {
    # channels
    "channel_not_found": "the bot can't see the channel {subject}; "
    "check the id, and /invite the bot if the channel is private",
    "not_in_channel": "the bot is not a member of {subject}; send JoinChannel first, or /invite the bot",
    "is_archived": "{subject} is archived; unarchive it in Slack first",
    "method_not_supported_for_channel_type": "{method} does not support this kind of channel ({subject}); "
    "/invite the bot if it is private",
    "too_many_members": "{subject} has reached Slack's member limit; remove a member first",
    "last_member": "the bot is the last member of {subject}; archive the channel instead, or invite another member",
    "cant_leave_general": "{subject} is the workspace's general channel, which members can't leave",
    "user_is_restricted": "the bot is a guest and may not do this in {subject}; ask the workspace's administrators",
    # texts
    "no_text": "the message is empty; give it text, attachments or blocks",
    "msg_too_long": "the text exceeds Slack's length limit; split it",
    "msg_blocks_too_long": "the blocks exceed Slack's size limit; send fewer, or split the message",
    "invalid_blocks": "Slack can't read the blocks; try them in the Block Kit Builder",
    "invalid_blocks_format": "blocks must be a JSON list of Block Kit blocks; try them in the Block Kit Builder",
    "invalid_attachments": "attachments must be a JSON list of attachments",
    "too_many_attachments": "the message exceeds Slack's limit of 100 attachments; split it",
    "attachment_payload_limit_exceeded": "the attachments exceed Slack's size limit; split the message",
    "markdown_text_conflict": "markdown_text can't be combined with text or blocks; send only one of them",
    "cannot_reply_to_message": "this kind of message does not support replies; send without a thread timestamp",
    "thread_not_found": "{subject} has no message with this thread timestamp; check the timestamp",
    "message_not_found": "{subject} has no message with this timestamp; check the timestamp",
    "metadata_must_be_sent_from_app": "only an app may send metadata; leave it out",
    "metadata_too_large": "the metadata exceeds Slack's size limit; send less of it",
    "invalid_metadata_format": "metadata must be an object with event_type and event_payload",
    "invalid_metadata_schema": "the metadata does not fit the schema that the app declares for its event_type",
    "invalid_arguments": "a field of the message is invalid, or conflicts with another one; check the fields",
    "invalid_arg_name": "a field of the message has an invalid name; check the names",
    "invalid_thread_ts": "the thread timestamp is malformed; use the timestamp of the thread's first message",
    # changes to messages
    "cant_update_message": "the bot can change only its own messages; check the timestamp",
    "edit_window_closed": "the workspace's settings do not allow to change this message any more; post a new one",
    "update_failed": "Slack could not change the message; try again later",
    "cant_delete_message": "the bot can delete only its own messages; check the timestamp",
    "compliance_exports_prevent_deletion": "the workspace's compliance exports prevent the deletion of messages; "
    "ask its administrators",
    "invalid_name": "there is no such emoji; check the name of the reaction",
    "too_many_emoji": "the message has Slack's maximum of different reactions; remove one first",
    "too_many_reactions": "the bot has reached Slack's limit of reactions to this message; remove one first",
    "already_reacted": "the bot has added this reaction already",
    "no_reaction": "the bot has not added this reaction",
    "no_item_specified": "the message's timestamp is missing; give it",
    "bad_timestamp": "the timestamp is malformed; use the timestamp of the event unchanged",
    "user_not_in_channel": "the user is not a member of {subject}; check the user id, or send a direct message",
    # scheduled messages
    "time_in_past": "the time to post is over; give a later one",
    "time_too_far": "the time to post is more than 120 days ahead; give an earlier one",
    "invalid_time": "the time to post is invalid; give RFC 3339 or Unix seconds",
    "restricted_too_many": "{subject} has Slack's maximum of 30 messages scheduled within 5 minutes; "
    "choose another time",
    "invalid_scheduled_message_id": "no message with this id waits in {subject}, or it is posted within a minute; "
    "check the id",
    # interactions
    "expired_trigger_id": "the trigger has expired; it serves for 3 seconds after the interaction",
    "exchanged_trigger_id": "the trigger was used already; each serves once",
    "invalid_trigger_id": "Slack does not know the trigger; use the triggerId of the event unchanged",
    "trigger_expired": "the trigger has expired; it serves for 3 seconds after the interaction",
    "trigger_exchanged": "the trigger was used already; each serves once",
    "view_too_large": "the view exceeds Slack's limit of 250 KB; send less",
    "duplicate_external_id": "another view has this external_id; give each view its own",
    "hash_conflict": "the view has changed meanwhile; use its latest viewHash",
    "not_found": "there is no such view, or it is closed; open a new one",
    "push_limit_reached": "the stack has Slack's maximum of 3 views; update one of them",
    "not_enabled": "the Home tab is disabled; enable it in the app's App Home",
    "expired_url": "the response address has expired; it serves for 30 minutes after the interaction",
    "used_url": "the response address has been used 5 times, which is Slack's limit",
    "foreign_host": "{method} is not on one of Slack's own hosts, and the pack sends to no others; check it",
    "redirected": "{method} redirects to another one, which the pack does not follow",
    "http_404": "{method} is not valid, or not any more; get a new one",
    "http_410": "{method} is not valid any more; get a new one",
    # files
    "file_not_found": "there is no such file, or its content was never uploaded; upload it anew",
    "file_deleted": "the file was deleted; upload it anew",
    "missing_argument": "{method} lacks an argument; check that the file has a name and is not empty",
    "storage_limit_reached": "the workspace has reached its storage limit; ask its administrators",
    "file_uploads_disabled": "the workspace does not allow uploads; ask its administrators",
    # permission
    "restricted_action": "the workspace's settings prevent the bot from posting to {subject}; ask its administrators",
    "restricted_action_read_only_channel": "{subject} is read-only; ask the workspace's administrators",
    "restricted_action_thread_only_channel": "{subject} accepts replies in threads only; send a thread timestamp",
    "restricted_action_thread_locked": "the thread is locked; post to the channel, or ask who locked it",
    "restricted_action_non_threadable_channel": "{subject} does not support replies; send without a thread timestamp",
    "messages_tab_disabled": "the bot can't receive direct messages; enable the Messages tab in the app's App Home",
    "no_permission": "the bot may not do this in {subject}; ask the workspace's administrators",
    "access_denied": "the bot has no access to {subject}; ask the workspace's administrators",
    "missing_scope": "the token lacks {scope}; add it to the app, reinstall the app, and use the new token",
    "ekm_access_denied": "the administrators have suspended access to messages (Enterprise Key Management)",
    # people
    "user_not_found": "there is no user {subject}; check the id",
    "user_not_visible": "the bot may not see the user {subject}",
    "users_not_found": "there is no user {subject}; check the address",
    "cannot_dm_bot": "the bot can't send direct messages to bots; check the user id",
    "user_disabled": "the user {subject} is deactivated; check the id",
    # tokens
    "invalid_auth": "Slack does not recognize the token in {token}; copy it again from the app's settings",
    "not_authed": "Slack received no token; set {token}",
    "account_inactive": "the token in {token} belongs to an app or user that was removed; reinstall the app",
    "token_revoked": "the token in {token} was revoked; reinstall the app, and use the new token",
    "token_expired": "the token in {token} has expired; disable token rotation, or create a new token",
    "not_allowed_token_type": "{method} does not accept the type of token in {token}; check that it is the right one",
    # the pack's side
    "unknown_method": "the server at FLYTE_SLACK_API_URL does not know {method}; check the address",
    "org_login_required": "the workspace is being migrated to an Enterprise organization; try again afterwards",
    "team_access_not_granted": "the app has no access to this workspace; ask the organization's administrators",
}
