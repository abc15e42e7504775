"""Uploads to Slack."""

from typing import Final

from adapters.slack.addresses import SlackAddresses
from adapters.slack.errors import ApiCall
from adapters.slack.schemas import is_shared_in, parse_file, parse_files, parse_upload
from adapters.slack.web_client import SlackWebClient
from domain.channels import ChannelId
from domain.errors import ChatError, ChatRejected
from domain.files import SharedFile, Upload
from domain.json_values import JsonObject

_UPLOAD: Final = "the upload address"


class SlackFiles:
    """Implements Files."""

    def __init__(self, web: SlackWebClient) -> None:
        self._web = web
        self._addresses = SlackAddresses(web)

    async def begin_upload(self, filename: str, size: int) -> Upload:
        call = ApiCall("files.getUploadURLExternal")
        return await self._web.read(call, {"filename": filename, "length": size}, parse_upload)

    async def upload(self, upload: Upload, content: bytes) -> None:
        await self._addresses.upload(upload.url, content, ApiCall(_UPLOAD, secret=upload.url))

    async def finish_upload(
        self, file_id: str, channel_id: ChannelId, *, title: str, message: str, thread_timestamp: str
    ) -> SharedFile:
        call = ApiCall("files.completeUploadExternal", channel_id, is_repeatable=False)
        files = parse_files(
            await self._web.call(call, _completion(file_id, channel_id, title, message, thread_timestamp))
        )
        permalink = next((shared.permalink for shared in files if shared.id == file_id), "")
        return SharedFile(file_id, permalink or await self._look_up_permalink(file_id))

    async def find_shared(self, file_id: str, channel_id: ChannelId) -> SharedFile | None:
        try:
            response = await self._web.call(ApiCall("files.info", file_id), {"file": file_id})
        except ChatRejected as rejection:
            # Slack's code for files whose upload was not finished.
            if rejection.code == "file_not_found":
                return None
            raise
        return parse_file(response, file_id) if is_shared_in(response, channel_id) else None

    async def _look_up_permalink(self, file_id: str) -> str:
        """Returns the file's address if it can be read, which requires another scope; the file is shared anyway."""
        try:
            return parse_file(
                await self._web.call(ApiCall("files.info", file_id), {"file": file_id}), file_id
            ).permalink
        except ChatError:
            return ""


def _completion(file_id: str, channel_id: str, title: str, message: str, thread_timestamp: str) -> JsonObject:
    return {
        "files": [{"id": file_id, "title": title} if title else {"id": file_id}],
        "channel_id": channel_id,
        "initial_comment": message or None,
        "thread_ts": thread_timestamp or None,
    }
