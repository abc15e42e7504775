"""People's other actions in the in-memory chat service: reactions, edits, deletions and interactions."""

from dataclasses import replace

from adapters.memory.chat_messages import ChatMessages
from adapters.memory.chat_views import ChatViews
from domain.channels import ChannelId
from domain.interactions import BlockAction, Interaction, MessageChange, Reaction, SlashCommand
from domain.messages import IncomingMessage


class ChatPeople(ChatMessages, ChatViews):
    """Reactions and changes of messages reach the bot where it is a member; interactions do from everywhere."""

    def react(self, message: IncomingMessage, reaction: str, user_id: str = "U1", *, is_added: bool = True) -> Reaction:
        """Adds a person's reaction to a message, or removes it."""
        event = Reaction(
            channel_id=message.channel_id,
            user_id=user_id,
            is_added=is_added,
            reaction=reaction,
            timestamp=message.timestamp,
            item_user_id=message.user_id,
            event_timestamp=self._next_timestamp(),
        )
        self._emit_in_channel(event)
        return event

    def edit(self, message: IncomingMessage, text: str) -> MessageChange:
        """Changes the text of a message, as its author."""
        self._channel(message.channel_id).set_text(message, text)
        edited_at = self._next_timestamp()
        event = replace(_change(message, edited_at), message=text, edited_timestamp=edited_at)
        self._emit_in_channel(event)
        return event

    def erase(self, message: IncomingMessage) -> MessageChange:
        """Deletes a message, as its author."""
        self._channel(message.channel_id).remove(message)
        event = replace(_change(message, self._next_timestamp()), is_deleted=True)
        self._emit_in_channel(event)
        return event

    def click(self, channel_id: str, action_id: str, user_id: str = "U1", *, timestamp: str = "") -> BlockAction:
        """Clicks a button of a message, whether the bot is a member of the channel or not."""
        event = BlockAction(
            channel_id=ChannelId(channel_id),
            user_id=user_id,
            action_id=action_id,
            action_type="button",
            timestamp=timestamp,
            action_timestamp=self._next_timestamp(),
            trigger_id=self.new_trigger(user_id),
            response_url=self.new_response_url(channel_id, user_id, timestamp),
        )
        self.interact(event)
        return event

    def run_command(self, channel_id: str, command: str, text: str = "", user_id: str = "U1") -> SlashCommand:
        """Runs a slash command of the app."""
        event = SlashCommand(
            channel_id=ChannelId(channel_id),
            user_id=user_id,
            command=command,
            text=text,
            trigger_id=self.new_trigger(user_id),
            response_url=self.new_response_url(channel_id, user_id),
        )
        self.interact(event)
        return event

    def interact(self, interaction: Interaction) -> None:
        """Delivers any other interaction to the app."""
        self._emit(interaction)

    def _emit_in_channel(self, event: Reaction | MessageChange) -> None:
        if self._channel(event.channel_id).has_bot:
            self._emit(event)


def _change(message: IncomingMessage, event_timestamp: str) -> MessageChange:
    return MessageChange(
        channel_id=message.channel_id,
        user_id=message.user_id,
        is_deleted=False,
        timestamp=message.timestamp,
        thread_timestamp=message.thread_timestamp,
        previous_message=message.text,
        event_timestamp=event_timestamp,
        bot_id=message.bot_id,
    )
