"""The chat service: uploads."""

from typing import Protocol

from domain.channels import ChannelId
from domain.files import SharedFile, Upload


class Files(Protocol):
    """Part of Chat, whose docstring applies. An upload has three steps; people see the last one."""

    async def begin_upload(self, filename: str, size: int) -> Upload:
        """Announces a file of this size in bytes. It is not visible until it is finished."""

    async def upload(self, upload: Upload, content: bytes) -> None:
        """Transfers the content, to one of the service's own hosts only."""

    async def finish_upload(
        self, file_id: str, channel_id: ChannelId, *, title: str, message: str, thread_timestamp: str
    ) -> SharedFile:
        """Shares the file in a channel, with a message if one is given. Raises InDoubt."""

    async def find_shared(self, file_id: str, channel_id: ChannelId) -> SharedFile | None:
        """Returns the file if it is shared in the channel; otherwise None."""
