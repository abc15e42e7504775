"""The contract of every Chat: joining, leaving, and what the bot is a member of."""

import pytest

from domain.channels import ChannelId
from domain.errors import ChatRejected
from tests.contracts.chat_environment import ChatEnvironment


class MembershipsContract:
    @pytest.fixture
    def environment(self) -> ChatEnvironment:
        raise NotImplementedError

    async def test_joining_a_public_channel_makes_the_bot_a_member(self, environment: ChatEnvironment) -> None:
        channel = environment.open_channel("ops")
        assert not await environment.chat.is_member(channel)

        await environment.chat.join(channel)
        await environment.chat.join(channel)

        assert await environment.chat.is_member(channel)

    async def test_joining_a_private_channel_needs_an_invitation(self, environment: ChatEnvironment) -> None:
        invited = environment.open_channel("board", private=True, with_bot=True)
        await environment.chat.join(invited)
        assert await environment.chat.is_member(invited)

        environment.remove_bot(invited)
        with pytest.raises(ChatRejected):
            await environment.chat.join(invited)

    async def test_joining_an_unknown_channel_is_refused(self, environment: ChatEnvironment) -> None:
        with pytest.raises(ChatRejected) as refusal:
            await environment.chat.join(ChannelId("CNOWHERE"))
        assert refusal.value.code == "channel_not_found"

    async def test_joining_an_archived_channel_is_refused_even_to_members(self, environment: ChatEnvironment) -> None:
        channel = environment.open_channel("ops", with_bot=True)
        environment.archive(channel)

        with pytest.raises(ChatRejected) as refusal:
            await environment.chat.join(channel)

        assert refusal.value.code == "is_archived"

    async def test_leaving_ends_the_membership_and_may_be_repeated(self, environment: ChatEnvironment) -> None:
        channel = environment.open_channel("ops", with_bot=True)

        await environment.chat.leave(channel)
        await environment.chat.leave(channel)

        assert not await environment.chat.is_member(channel)

    async def test_a_channel_that_cannot_be_left_keeps_the_bot_as_a_member(self, environment: ChatEnvironment) -> None:
        channel = environment.open_channel("general", with_bot=True)

        with pytest.raises(ChatRejected) as refusal:
            await environment.chat.leave(channel)

        assert refusal.value.code == "cant_leave_general"
        assert await environment.chat.is_member(channel)

    async def test_leaving_an_unknown_channel_is_refused(self, environment: ChatEnvironment) -> None:
        with pytest.raises(ChatRejected) as refusal:
            await environment.chat.leave(ChannelId("CNOWHERE"))
        assert refusal.value.code == "channel_not_found"

    async def test_memberships_include_public_and_private_channels_only(self, environment: ChatEnvironment) -> None:
        public = environment.open_channel("ops", with_bot=True)
        private = environment.open_channel("board", private=True, with_bot=True)
        environment.open_channel("elsewhere")
        environment.archive(environment.open_channel("past", with_bot=True))
        environment.open_direct()

        assert await environment.chat.memberships() == {public, private}

    async def test_memberships_of_any_number_are_returned(self, environment: ChatEnvironment) -> None:
        channels = {environment.open_channel(f"channel-{number}", with_bot=True) for number in range(450)}

        assert await environment.chat.memberships() == channels

    async def test_an_unknown_channel_has_no_membership(self, environment: ChatEnvironment) -> None:
        assert not await environment.chat.is_member(ChannelId("C0GONE"))

    async def test_an_archived_channel_has_no_membership(self, environment: ChatEnvironment) -> None:
        channel = environment.open_channel("ops", with_bot=True)
        environment.archive(channel)

        assert not await environment.chat.is_member(channel)
