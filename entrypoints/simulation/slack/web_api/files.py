"""Uploads to the simulated Slack: an address for the content, and its completion, which shares the file."""

import mimetypes
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Final
from urllib.parse import quote

from aiohttp import web

from entrypoints.simulation.slack.conditions import Conditions
from entrypoints.simulation.slack.event_log import SlackLog
from entrypoints.simulation.slack.models import Channel, JsonObject, Message
from entrypoints.simulation.slack.web_api.api import Method, MethodCall, SlackError, fail_if, invalid
from entrypoints.simulation.slack.web_api.chat import author, post, target
from entrypoints.simulation.slack.web_api.content import MAX_TEXT, read_blocks, read_thread
from entrypoints.simulation.slack.web_api.faulty import under_faults
from entrypoints.simulation.slack.workspace import TEAM_URL, WorkspaceState

MAX_ALT_TEXT: Final = 1_000
FILES_URL: Final = f"{TEAM_URL}files"
UPLOAD: Final = "upload"
"""The target for faults of the addresses that take contents."""
SCOPES: Final = ("files:write",)


@dataclass(slots=True)
class File:
    """A file; its content is None until it was uploaded."""

    file_id: str
    name: str
    title: str
    created: int
    content: bytes | None = None
    is_complete: bool = False
    shares: dict[str, dict[str, list[JsonObject]]] = field(default_factory=dict)
    """Where it is shared: `public` or `private`, the conversation, the messages."""

    def share(self, channel: Channel, message: Message) -> None:
        """Records that a message shares it."""
        kind = self.shares.setdefault("private" if channel.is_private else "public", {})
        thread = {"thread_ts": message.fields["thread_ts"]} if "thread_ts" in message.fields else {}
        kind.setdefault(channel.channel_id, []).append({"ts": message.ts, **thread})

    def as_json(self, user_id: str) -> JsonObject:
        """Returns the file as `files.info` does, uploaded by this user."""
        return {
            "id": self.file_id,
            "name": self.name,
            "title": self.title,
            "created": self.created,
            "timestamp": self.created,
            "filetype": self.name.rpartition(".")[2] if "." in self.name else "",
            "user": user_id,
            "mimetype": mimetypes.guess_type(self.name)[0] or "application/octet-stream",
            "size": len(self.content or b""),
            "url_private": f"{FILES_URL}-pri/{self.file_id}/{quote(self.name)}",
            "permalink": f"{FILES_URL}/{user_id}/{self.file_id}/{quote(self.name)}",
            "shares": self.shares,
            "mode": "hosted",
            "is_external": False,
        }


class Files:
    """The files of the workspace, by id; `uploads` has those whose content is awaited, by the address's token."""

    def __init__(
        self, workspace: WorkspaceState, log: SlackLog, conditions: Conditions, server_url: Callable[[], str]
    ) -> None:
        self.by_id: Final[dict[str, File]] = {}
        self._uploads: dict[str, File] = {}
        self._workspace = workspace
        self._log = log
        self._conditions = conditions
        self._server_url = server_url

    def add(self, name: str, content: bytes) -> File:
        """Adds a file that a person uploads."""
        file = File(self._workspace.new_id("F"), name, name, int(self._workspace.now()), content, is_complete=True)
        self.by_id[file.file_id] = file
        return file

    @property
    def methods(self) -> Mapping[str, Method]:
        """The methods of the Web API for files."""
        return {
            "files.getUploadURLExternal": Method(self._get_upload_url, 4, SCOPES),
            "files.completeUploadExternal": Method(self._complete, 4, SCOPES),
            "files.info": Method(self._info, 4, ("files:read",)),
        }

    def add_routes(self, router: web.UrlDispatcher) -> None:
        """Serves the addresses that take the contents."""
        router.add_post("/upload/v1/{token}", self._upload)

    async def _upload(self, request: web.Request) -> web.Response:
        perform = partial(self._read_content, request)
        return await under_faults(request, UPLOAD, {}, perform, self._conditions, self._log)

    async def _read_content(self, request: web.Request) -> web.Response:
        """Reads the content, raw or as the file of a form."""
        is_form = request.content_type == "multipart/form-data"
        content = await _read_form(request) if is_form else await request.read()
        if not self.take_content(request.match_info["token"], content):
            return web.Response(status=404, text="the address is unknown")
        return web.Response(text=f"OK - {len(content)}")

    def take_content(self, token: str, content: bytes) -> bool:
        """Takes the content of the file whose address ends in this token; returns False if there is none."""
        file = self._uploads.get(token)
        if file is not None:
            file.content = content
        return file is not None

    def _get_upload_url(self, call: MethodCall) -> JsonObject:
        """`files.getUploadURLExternal`: an address for the content of a new file."""
        name = call.text("filename")
        fail_if(not name or call.number("length", 0, code="invalid_arguments") <= 0, "missing_argument")
        fail_if(len(call.text("alt_txt")) > MAX_ALT_TEXT, "alt_txt_too_large")
        file = File(self._workspace.new_id("F"), name, name, int(self._workspace.now()))
        token = secrets.token_hex(16)
        self.by_id[file.file_id] = self._uploads[token] = file
        return {"upload_url": f"{self._server_url()}/upload/v1/{token}", "file_id": file.file_id}

    def _complete(self, call: MethodCall) -> JsonObject:
        """`files.completeUploadExternal`: makes uploads files, and shares them with conversations if any are given."""
        files = self._read_files(call)
        channels = self._read_channels(call)
        threads = [read_thread(call, channel) for channel in channels]
        fail_if(any(threads) and len(threads) > 1, "invalid_thread_ts")
        comment = call.text("initial_comment")
        blocks = [] if comment else read_blocks(call)
        for file, title in files:
            file.title, file.is_complete = title or file.title, True
        listed = [file.as_json(call.bot.user_id) for file, _ in files]
        fields = {"subtype": "file_share", "files": listed, "upload": True, "text": comment[:MAX_TEXT]}
        fields |= {"blocks": blocks} if blocks else {}
        for channel, thread_ts in zip(channels, threads, strict=True):
            message = post(self._workspace, self._log, channel, author(call) | fields, call.arguments, thread_ts)
            for file, _ in files:
                file.share(channel, message)
        return {"files": listed}

    def _info(self, call: MethodCall) -> JsonObject:
        """`files.info`: a file."""
        file = self.by_id.get(call.text("file"))
        if file is None or not file.is_complete:
            raise SlackError("file_not_found")
        return {"file": file.as_json(call.bot.user_id)}

    def _read_files(self, call: MethodCall) -> list[tuple[File, str]]:
        """Returns the uploaded files that the call names, each with its new title, if any."""
        entries = call.json_value("files", "invalid_arguments")
        if not isinstance(entries, list) or not entries:
            raise invalid("invalid_arguments", ["missing required field: files"])
        files = []
        for number, entry in enumerate(entries):
            if not isinstance(entry, dict) or not isinstance(entry.get("id"), str):
                raise invalid("invalid_arguments", [f"missing required field: id [json-pointer:/files/{number}]"])
            file = self.by_id.get(entry["id"])
            if file is None or file.content is None or file.is_complete:
                raise SlackError("file_not_found")
            files.append((file, str(entry.get("title") or "")))
        return files

    def _read_channels(self, call: MethodCall) -> list[Channel]:
        names = call.strings("channels") or call.strings("channel_id")
        return [target(call, name) for name in names]


async def _read_form(request: web.Request) -> bytes:
    """Returns the content of a form's first file, empty when it has none."""
    files = [part for part in (await request.post()).values() if isinstance(part, web.FileField)]
    return files[0].file.read() if files else b""
