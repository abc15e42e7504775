"""UploadFile: shares a file in a channel."""

from typing import Final

from application.use_cases.chat_use_case import CommandCall
from domain.errors import ChatRejected
from domain.files import SharedFile
from domain.json_values import JsonObject

_ADDRESS_EXPIRED: Final = ("http_403", "http_404", "http_410")
"""How an address is refused that has expired in an outage, or was used by a request whose answer was lost."""


class UploadFile:
    """Executes UploadFile. The file is not visible before it is shared."""

    async def prepare(self, call: CommandCall) -> JsonObject:
        """Implements Preparable."""
        try:
            content = call.input.content
        except ValueError as error:
            raise ChatRejected("invalid_base64", f"contentBase64 is not valid base64 ({error})") from None
        try:
            return await self._upload(call, content)
        except ChatRejected as rejection:
            if rejection.code not in _ADDRESS_EXPIRED:
                raise
            return await self._upload(call, content)

    async def execute(self, call: CommandCall) -> JsonObject:
        """Implements ChatUseCase."""
        given = call.input
        shared = await call.chat.finish_upload(
            str(call.prepared["fileId"]),
            given.channel_id,
            title=given.text("title") or given.text("filename"),
            message=given.text("message"),
            thread_timestamp=given.text("threadTimestamp"),
        )
        return _results(shared)

    async def find(self, call: CommandCall) -> JsonObject | None:
        """Implements Findable."""
        if not call.prepared:
            return None  # an action that a crash swallowed: its file would have been noted before it was shared
        shared = await call.chat.find_shared(str(call.prepared["fileId"]), call.input.channel_id)
        return None if shared is None else _results(shared)

    async def _upload(self, call: CommandCall, content: bytes) -> JsonObject:
        upload = await call.chat.begin_upload(call.input.text("filename"), len(content))
        await call.chat.upload(upload, content)
        return {"fileId": upload.file_id}


def _results(shared: SharedFile) -> JsonObject:
    return {"fileId": shared.id, "permalink": shared.permalink}
