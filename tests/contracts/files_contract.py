"""The contract of every Files."""

import pytest

from domain.channels import ChannelId
from domain.errors import ChatRejected
from tests.contracts.chat_environment import FullChatEnvironment


async def share(
    environment: FullChatEnvironment, file_id: str, channel: ChannelId, message: str = "", thread: str = ""
) -> str:
    """Shares an uploaded file; returns its address."""
    shared = await environment.chat.finish_upload(
        file_id, channel, title="Log", message=message, thread_timestamp=thread
    )
    assert shared.id == file_id
    return shared.permalink


class FilesContract:
    @pytest.fixture
    def environment(self) -> FullChatEnvironment:
        raise NotImplementedError

    @pytest.fixture
    def channel(self, environment: FullChatEnvironment) -> ChannelId:
        return environment.open_channel("ops", with_bot=True)

    async def test_a_file_is_shared_with_its_content_and_a_message(
        self, environment: FullChatEnvironment, channel: ChannelId
    ) -> None:
        upload = await environment.chat.begin_upload("log.bin", 3)
        await environment.chat.upload(upload, b"\x00\xff\n")

        permalink = await share(environment, upload.file_id, channel, "here it is")

        assert permalink.startswith("https://")
        assert environment.file_content(upload.file_id) == b"\x00\xff\n"
        assert [message.text for message in environment.posted(channel)] == ["here it is"]

    async def test_a_file_is_shared_in_a_thread(self, environment: FullChatEnvironment, channel: ChannelId) -> None:
        parent = environment.say(channel, "the log, please")
        upload = await environment.chat.begin_upload("log.txt", 1)
        await environment.chat.upload(upload, b"x")

        await share(environment, upload.file_id, channel, thread=parent)

        assert [message.thread_timestamp for message in environment.posted(channel)] == [parent]

    async def test_a_shared_file_is_found_in_its_channel_only(
        self, environment: FullChatEnvironment, channel: ChannelId
    ) -> None:
        other = environment.open_channel("dev", with_bot=True)
        upload = await environment.chat.begin_upload("log.txt", 1)
        await environment.chat.upload(upload, b"x")
        before = await environment.chat.find_shared(upload.file_id, channel)

        permalink = await share(environment, upload.file_id, channel)

        assert before is None
        found = await environment.chat.find_shared(upload.file_id, channel)
        assert found is not None
        assert (found.id, found.permalink) == (upload.file_id, permalink)
        assert await environment.chat.find_shared(upload.file_id, other) is None

    async def test_a_file_without_content_can_not_be_shared(
        self, environment: FullChatEnvironment, channel: ChannelId
    ) -> None:
        upload = await environment.chat.begin_upload("log.txt", 1)

        with pytest.raises(ChatRejected) as refusal:
            await share(environment, upload.file_id, channel)

        assert refusal.value.code == "file_not_found"

    async def test_a_file_is_shared_where_the_bot_is_a_member(self, environment: FullChatEnvironment) -> None:
        elsewhere = environment.open_channel("elsewhere")
        upload = await environment.chat.begin_upload("log.txt", 1)
        await environment.chat.upload(upload, b"x")

        with pytest.raises(ChatRejected) as refusal:
            await share(environment, upload.file_id, elsewhere)

        assert refusal.value.code == "not_in_channel"

    async def test_the_upload_address_is_not_shown(self, environment: FullChatEnvironment) -> None:
        upload = await environment.chat.begin_upload("log.txt", 1)

        assert upload.url
        assert upload.url not in repr(upload)
