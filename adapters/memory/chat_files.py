"""The in-memory chat service: uploads."""

from dataclasses import dataclass
from typing import Final

from adapters.memory.chat_state import ChatState
from application.ports.clock import Clock
from domain.channels import NO_CHANNEL, ChannelId
from domain.errors import ChatRejected
from domain.files import SharedFile, Upload
from domain.json_values import JsonObject

_ADDRESS: Final = "https://memory.example/files"


@dataclass(slots=True)
class UploadedFile:
    """A file, seen in a channel once it is shared there."""

    name: str
    content: bytes | None = None
    title: str = ""
    channel_id: ChannelId = NO_CHANNEL


class ChatFiles(ChatState):
    """Implements Files."""

    def __init__(self, clock: Clock) -> None:
        super().__init__(clock)
        self.files: dict[str, UploadedFile] = {}
        """By id."""

    async def begin_upload(self, filename: str, size: int) -> Upload:
        if not filename or size <= 0:
            raise ChatRejected("missing_argument", "the file needs a name and some content")
        file_id = self._new_id("F")
        self.files[file_id] = UploadedFile(filename)
        return Upload(file_id, f"{_ADDRESS}/upload/{file_id}")

    async def upload(self, upload: Upload, content: bytes) -> None:
        self._file(upload.file_id).content = content

    async def finish_upload(
        self, file_id: str, channel_id: ChannelId, *, title: str, message: str, thread_timestamp: str
    ) -> SharedFile:
        file, channel = self._file(file_id), self._writable(channel_id)
        if file.content is None or file.channel_id:
            raise ChatRejected("file_not_found", "there is no such upload; upload the file anew")
        file.title, file.channel_id = title or file.name, channel.id
        self._add_own(channel, _message(file_id, message, thread_timestamp), self._next_timestamp())
        return _shared(file_id)

    async def find_shared(self, file_id: str, channel_id: ChannelId) -> SharedFile | None:
        file = self.files.get(file_id)
        return _shared(file_id) if file is not None and file.channel_id == channel_id else None

    def _file(self, file_id: str) -> UploadedFile:
        if file_id not in self.files:
            raise ChatRejected("file_not_found", "there is no such upload; upload the file anew")
        return self.files[file_id]


def _shared(file_id: str) -> SharedFile:
    return SharedFile(file_id, f"{_ADDRESS}/{file_id}")


def _message(file_id: str, text: str, thread_timestamp: str) -> JsonObject:
    return {"text": text, "thread_ts": thread_timestamp, "files": [{"id": file_id}]}
