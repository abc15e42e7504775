"""The contract of every Directory."""

import pytest

from domain.channels import ChannelId
from domain.errors import ChatRejected
from domain.messages import OutgoingMessage
from domain.users import User
from tests.contracts.chat_environment import FullChatEnvironment


class DirectoryContract:
    @pytest.fixture
    def environment(self) -> FullChatEnvironment:
        raise NotImplementedError

    async def test_channels_are_the_public_ones_and_the_bot_s_private_ones(
        self, environment: FullChatEnvironment
    ) -> None:
        public = environment.open_channel("ops")
        board = environment.open_channel("board", private=True, with_bot=True)
        environment.open_channel("secret", private=True)
        environment.archive(environment.open_channel("past"))
        environment.open_direct()

        channels = await environment.chat.channels()

        assert {(channel.id, channel.name) for channel in channels} == {(public, "ops"), (board, "board")}

    async def test_channels_of_any_number_are_returned(self, environment: FullChatEnvironment) -> None:
        opened = {environment.open_channel(f"channel-{number}") for number in range(1100)}

        assert {channel.id for channel in await environment.chat.channels()} == opened

    async def test_one_channel_is_described(self, environment: FullChatEnvironment) -> None:
        channel = environment.open_channel("ops")

        info = await environment.chat.channel_info(channel)

        assert (info.id, info.name, info.topic) == (channel, "ops", "")

    async def test_private_channels_of_others_do_not_exist_for_the_bot(self, environment: FullChatEnvironment) -> None:
        secret = environment.open_channel("secret", private=True)

        for channel_id in (secret, ChannelId("CNOWHERE")):
            with pytest.raises(ChatRejected) as refusal:
                await environment.chat.channel_info(channel_id)
            assert refusal.value.code == "channel_not_found"

    async def test_a_user_is_found_by_email(self, environment: FullChatEnvironment) -> None:
        alice = User("U0ALICE", "Ali", "alice@example.com", "Pilot", "Alice", "Liddell", handle="alice")
        environment.add_user(alice)

        assert await environment.chat.find_user("alice@example.com") == alice

    async def test_an_unknown_email_is_rejected_without_being_repeated(self, environment: FullChatEnvironment) -> None:
        with pytest.raises(ChatRejected) as refusal:
            await environment.chat.find_user("nobody@example.com")
        assert refusal.value.code == "users_not_found"

    async def test_direct_messages_are_opened_once(self, environment: FullChatEnvironment) -> None:
        direct = await environment.chat.open_direct(environment.person)
        receipt = await environment.chat.post(OutgoingMessage(direct, "psst"), None)

        assert environment.chat.is_direct(direct)
        assert receipt.channel_id == direct
        assert await environment.chat.open_direct(environment.person) == direct

    async def test_direct_messages_need_a_user(self, environment: FullChatEnvironment) -> None:
        with pytest.raises(ChatRejected) as refusal:
            await environment.chat.open_direct("UNOBODY")
        assert refusal.value.code == "user_not_found"

    async def test_the_bot_does_not_write_to_itself(self, environment: FullChatEnvironment) -> None:
        identity = await environment.chat.identify()

        with pytest.raises(ChatRejected) as refusal:
            await environment.chat.open_direct(identity.user_id)

        assert refusal.value.code == "cannot_dm_bot"

    async def test_an_unknown_method_is_rejected(self, environment: FullChatEnvironment) -> None:
        with pytest.raises(ChatRejected) as refusal:
            await environment.chat.call_method("no.suchMethod", {})
        assert refusal.value.code == "unknown_method"
