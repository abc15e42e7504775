"""The contract of receivers that report more than messages: reactions, or all that people do with the app."""

from abc import abstractmethod
from typing import Any

import pytest

from domain.channels import NO_CHANNEL, ChannelId
from domain.interactions import BlockAction, MessageChange, OtherEvent, Reaction, Shortcut, SlashCommand, ViewEvent
from domain.messages import IncomingMessage
from tests.contracts.receiver_contract import AcknowledgingEnvironment, next_event, next_events


class PeopleEnvironment(AcknowledgingEnvironment):
    """The environment of such a receiver, with a user who can do everything.

    What the user does with the app is returned, for `wait_until_answered`.
    """

    @abstractmethod
    def react(self, timestamp: str, reaction: str) -> None: ...

    @abstractmethod
    def unreact(self, timestamp: str, reaction: str) -> None: ...

    @abstractmethod
    def edit(self, timestamp: str, text: str) -> None: ...

    @abstractmethod
    def delete(self, timestamp: str) -> None: ...

    @abstractmethod
    def open_home(self) -> str:
        """Opens the app's Home tab; returns the type of the event."""

    @abstractmethod
    def click(self, channel_id: ChannelId) -> Any:
        """Clicks a button `approve` with the value `yes` in a message "Deploy?"."""

    @abstractmethod
    def run_command(self, channel_id: ChannelId, command: str, text: str) -> Any: ...

    @abstractmethod
    def use_shortcut(self, callback_id: str) -> Any: ...

    @abstractmethod
    def use_message_shortcut(self, callback_id: str, channel_id: ChannelId) -> Any:
        """Uses a shortcut on a message "Help"."""

    @abstractmethod
    async def open_modal(self) -> str:
        """Shows the user a modal `ticket` with a text input `text` in a block `summary`; returns its id."""

    @abstractmethod
    def submit(self, view_id: str, text: str) -> Any: ...

    @abstractmethod
    def close_view(self, view_id: str) -> Any: ...

    @abstractmethod
    async def wait_until_answered(self, interaction: Any) -> bool:
        """Returns whether the app acknowledged it; otherwise the user has seen an error."""


class ReactionContract:
    @pytest.fixture
    def environment(self) -> PeopleEnvironment:
        raise NotImplementedError

    async def test_a_reaction_and_its_removal_are_received(self, environment: PeopleEnvironment) -> None:
        async with environment.receiver.events() as events:
            await next_event(events)
            timestamp = environment.say("hello")
            environment.react(timestamp, "eyes")
            environment.unreact(timestamp, "eyes")
            message, added, removed = await next_events(events, 3)

        assert isinstance(message, IncomingMessage)
        for reaction, is_added in ((added, True), (removed, False)):
            assert isinstance(reaction, Reaction)
            assert (reaction.reaction, reaction.is_added) == ("eyes", is_added)
            assert (reaction.channel_id, reaction.timestamp) == (environment.channel, timestamp)
            assert reaction.user_id == reaction.item_user_id == message.user_id


class PeopleContract:
    """A second mixin, for receivers of everything."""

    @pytest.fixture
    def environment(self) -> PeopleEnvironment:
        raise NotImplementedError

    async def test_a_click_is_received_in_a_channel_that_was_never_joined(self, environment: PeopleEnvironment) -> None:
        other = environment.open_other_channel()
        async with environment.receiver.events() as events:
            await next_event(events)
            environment.click(other)
            (click,) = await next_events(events, 1)

        assert isinstance(click, BlockAction)
        assert (click.channel_id, click.action_id, click.action_type) == (other, "approve", "button")
        assert (click.value, click.message, click.is_ephemeral) == ("yes", "Deploy?", False)
        assert all((click.user_id, click.team_id, click.timestamp, click.trigger_id, click.response_url))

    async def test_a_second_click_is_a_second_event(self, environment: PeopleEnvironment) -> None:
        other = environment.open_other_channel()
        async with environment.receiver.events() as events:
            await next_event(events)
            for _ in range(2):
                environment.click(other)
            clicks = await next_events(events, 2)

        assert len({click.key for click in clicks if isinstance(click, BlockAction)}) == 2

    async def test_a_slash_command_is_received_in_a_channel_that_was_never_joined(
        self, environment: PeopleEnvironment
    ) -> None:
        other = environment.open_other_channel()
        async with environment.receiver.events() as events:
            await next_event(events)
            environment.run_command(other, "/deploy", "web  & <now>")
            (command,) = await next_events(events, 1)

        assert isinstance(command, SlashCommand)
        assert (command.channel_id, command.command, command.text) == (other, "/deploy", "web  & <now>")
        assert all((command.user_id, command.team_id, command.trigger_id, command.response_url, command.channel_name))

    async def test_a_global_shortcut_is_received(self, environment: PeopleEnvironment) -> None:
        async with environment.receiver.events() as events:
            await next_event(events)
            environment.use_shortcut("start")
            (shortcut,) = await next_events(events, 1)

        assert isinstance(shortcut, Shortcut)
        assert (shortcut.callback_id, shortcut.shortcut_type, shortcut.channel_id) == ("start", "global", NO_CHANNEL)
        assert shortcut.trigger_id

    async def test_a_shortcut_on_a_message_is_received_in_a_channel_that_was_never_joined(
        self, environment: PeopleEnvironment
    ) -> None:
        other = environment.open_other_channel()
        async with environment.receiver.events() as events:
            await next_event(events)
            environment.use_message_shortcut("ticket", other)
            (shortcut,) = await next_events(events, 1)

        assert isinstance(shortcut, Shortcut)
        assert (shortcut.callback_id, shortcut.shortcut_type, shortcut.channel_id) == ("ticket", "message", other)
        assert shortcut.message == "Help"
        assert all((shortcut.timestamp, shortcut.trigger_id, shortcut.response_url))

    async def test_a_submission_is_received_with_its_values(self, environment: PeopleEnvironment) -> None:
        async with environment.receiver.events() as events:
            await next_event(events)
            view_id = await environment.open_modal()
            environment.submit(view_id, "Broken")
            (submission,) = await next_events(events, 1)

        assert isinstance(submission, ViewEvent)
        assert (submission.is_submitted, submission.view_id, submission.callback_id) == (True, view_id, "ticket")
        assert submission.state == {"summary": {"text": "Broken"}}
        assert all((submission.user_id, submission.view_hash, submission.trigger_id))

    async def test_a_closed_view_is_received(self, environment: PeopleEnvironment) -> None:
        async with environment.receiver.events() as events:
            await next_event(events)
            view_id = await environment.open_modal()
            environment.close_view(view_id)
            (closed,) = await next_events(events, 1)

        assert isinstance(closed, ViewEvent)
        assert (closed.is_submitted, closed.view_id, closed.trigger_id) == (False, view_id, "")

    async def test_an_edit_and_a_deletion_are_received(self, environment: PeopleEnvironment) -> None:
        async with environment.receiver.events() as events:
            await next_event(events)
            timestamp = environment.say("hello")
            environment.edit(timestamp, "hullo")
            environment.delete(timestamp)
            _, edit, deletion = await next_events(events, 3)

        assert isinstance(edit, MessageChange)
        assert isinstance(deletion, MessageChange)
        assert (edit.channel_id, edit.timestamp) == (environment.channel, timestamp)
        assert (edit.is_deleted, edit.message, edit.previous_message) == (False, "hullo", "hello")
        assert (deletion.is_deleted, deletion.message, deletion.previous_message) == (True, "", "hullo")

    async def test_a_selected_event_is_received_as_it_is(self, environment: PeopleEnvironment) -> None:
        async with environment.receiver.events() as events:
            await next_event(events)
            kind = environment.open_home()
            (opened,) = await next_events(events, 1)

        assert isinstance(opened, OtherEvent)
        assert opened.type == opened.event["type"] == kind
        assert all((opened.event_id, opened.user_id, opened.team_id))

    async def test_an_interaction_is_answered_once_it_is_acknowledged(self, environment: PeopleEnvironment) -> None:
        async with environment.receiver.events() as events:
            await next_event(events)
            command = environment.run_command(environment.channel, "/deploy", "")
            await next_events(events, 1)
            assert await environment.wait_until_answered(command)

    async def test_an_unacknowledged_interaction_fails_and_does_not_arrive_again(
        self, environment: PeopleEnvironment
    ) -> None:
        async with environment.receiver.events() as events:
            await next_event(events)
            command = environment.run_command(environment.channel, "/deploy", "")
            assert isinstance((await next_event(events)).event, SlashCommand)
            assert not await environment.wait_until_answered(command)
            environment.redeliver()
            environment.say("after")
            (after,) = await next_events(events, 1)

        assert isinstance(after, IncomingMessage)
