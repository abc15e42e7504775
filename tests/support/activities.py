"""Something of every kind that happens in the chat service besides messages."""

from dataclasses import replace

from domain.channels import ChannelId
from domain.interactions import (
    Activity,
    BlockAction,
    MessageChange,
    OtherEvent,
    Reaction,
    Shortcut,
    SlashCommand,
    ViewEvent,
)

C1 = ChannelId("C1")


def activities(number: int = 1) -> list[Activity]:
    """Returns one for each event that flows can get; all are others with another number."""
    trigger, time = f"{number}.2.abc", f"1767225600.00000{number}"
    reaction = Reaction(channel_id=C1, user_id="U1", reaction="ticket", timestamp="1.1", event_timestamp=time)
    submission = ViewEvent(
        user_id="U1",
        is_submitted=True,
        callback_id="ticket",
        view_id=f"V{number}",
        state={"b": {"a": ["x"]}},
        trigger_id=trigger,
    )
    edit = MessageChange(
        channel_id=C1,
        user_id="U1",
        is_deleted=False,
        timestamp=time,
        message="new",
        previous_message="old",
        edited_timestamp=time,
        event_timestamp=time,
    )
    return [
        reaction,
        replace(reaction, is_added=False),
        BlockAction(
            channel_id=C1,
            user_id="U1",
            action_id="approve",
            action_type="button",
            timestamp="1.1",
            action_timestamp=time,
            trigger_id=trigger,
        ),
        SlashCommand(channel_id=C1, user_id="U1", command="/deploy", text="1.2", trigger_id=trigger),
        Shortcut(
            channel_id=C1,
            user_id="U1",
            callback_id="c",
            shortcut_type="message",
            timestamp="1.1",
            trigger_id=trigger,
        ),
        submission,
        replace(submission, is_submitted=False, trigger_id=""),
        edit,
        replace(edit, is_deleted=True, message="", edited_timestamp=""),
        OtherEvent(user_id="U1", type="team_join", event_id=f"Ev{number}", event={"type": "team_join"}),
    ]
