"""The addresses at which an app answers an interaction: five times, within half an hour."""

import secrets
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

from aiohttp import web

from entrypoints.simulation.slack.conditions import Conditions
from entrypoints.simulation.slack.event_log import EphemeralChanged, SlackLog
from entrypoints.simulation.slack.models import Channel, Ephemeral, JsonObject
from entrypoints.simulation.slack.web_api.api import Access, MethodCall, SlackError
from entrypoints.simulation.slack.web_api.chat import author, post, show
from entrypoints.simulation.slack.web_api.content import read_content, read_thread
from entrypoints.simulation.slack.web_api.faulty import under_faults
from entrypoints.simulation.slack.workspace import WorkspaceState

MAX_USES: Final = 5
SECONDS: Final = 1800.0
METHOD: Final = "response_url"
"""The name under which the log has its calls."""


@dataclass(slots=True)
class ResponseUrl:
    """An address, and the interaction that it answers."""

    channel: Channel
    user_id: str
    message_ts: str
    """The `ts` of the message that was used; empty if it was none."""
    expires_at: float
    uses: int = 0


class ResponseUrls:
    """Serves the addresses."""

    def __init__(
        self,
        workspace: WorkspaceState,
        access: Access,
        log: SlackLog,
        conditions: Conditions,
        server_url: Callable[[], str],
    ) -> None:
        self._workspace = workspace
        self._conditions = conditions
        self._access = access
        self._log = log
        self._server_url = server_url
        self._by_token: dict[str, ResponseUrl] = {}

    def new(self, channel: Channel, user_id: str, message_ts: str = "") -> str:
        """Returns the address for an interaction of this user."""
        token = secrets.token_hex(16)
        self._by_token[token] = ResponseUrl(channel, user_id, message_ts, self._workspace.now() + SECONDS)
        return f"{self._server_url()}/actions/{self._workspace.team_id}/{token}"

    def reply(self, channel: Channel, user_id: str, fields: JsonObject) -> None:
        """Answers a command with the content of its acknowledgement; one that Slack does not take shows nothing."""
        call = MethodCall(METHOD, fields, self._workspace, self._access, self._log)
        try:
            self._answer(ResponseUrl(channel, user_id, "", 0.0), call)
        except SlackError:
            self._log.count("invalid_replies")

    def add_routes(self, router: web.UrlDispatcher) -> None:
        """Serves the addresses."""
        router.add_post("/actions/{team}/{token}", self._handle)

    async def _handle(self, request: web.Request) -> web.Response:
        try:
            arguments = await request.json()
        except ValueError:
            return web.Response(status=400, text="invalid_payload")
        perform = partial(self._perform, request.match_info["token"], arguments if isinstance(arguments, dict) else {})
        return await under_faults(request, METHOD, arguments, perform, self._conditions, self._log)

    async def _perform(self, token: str, arguments: JsonObject) -> web.Response:
        try:
            self.respond(token, arguments)
        except SlackError as refusal:
            return web.json_response(refusal.body, status=404 if refusal.body["error"] in _GONE else 400)
        return web.Response(text="ok")

    def respond(self, token: str, arguments: JsonObject) -> None:
        """Answers the interaction whose address ends in this token. Raises SlackError."""
        url = self._by_token.get(token)
        if url is None or self._workspace.now() > url.expires_at:
            raise SlackError("expired_url")
        if url.uses == MAX_USES:
            raise SlackError("used_url")
        url.uses += 1
        call = MethodCall(METHOD, arguments, self._workspace, self._access, self._log)
        self._answer(url, call)
        call.log.count(METHOD)

    def _answer(self, url: ResponseUrl, call: MethodCall) -> None:
        ephemeral = self._workspace.ephemerals.get(url.message_ts)
        if ephemeral is not None and (call.flag("delete_original") or call.flag("replace_original")):
            self._change(ephemeral, call)
            return
        original = url.channel.messages.get(url.message_ts)
        if call.flag("delete_original"):
            if original is not None:
                self._workspace.delete(url.channel, original)
            return
        content, metadata = read_content(call)
        if call.flag("replace_original") and original is not None:
            replaced: JsonObject = {"blocks": [], "attachments": []} | content
            self._workspace.edit(url.channel, original, replaced, self._workspace.bot.user_id)
        elif call.text("response_type") == "in_channel":
            fields: dict[str, Any] = author(call) | content
            thread_ts = read_thread(call, url.channel)
            post(self._workspace, self._log, url.channel, fields, call.arguments, thread_ts, metadata=metadata)
        else:
            show(call, url.channel, url.user_id, content, read_thread(call, url.channel))

    def _change(self, ephemeral: Ephemeral, call: MethodCall) -> None:
        is_removed = call.flag("delete_original")
        place = ephemeral.channel_id, ephemeral.user_id, ephemeral.ts
        if is_removed:
            del self._workspace.ephemerals[ephemeral.ts]
            self._log.publish(EphemeralChanged(*place, "", is_removed=True))
            return
        content, _ = read_content(call)
        kept = {name: value for name, value in ephemeral.fields.items() if name not in ("blocks", "attachments")}
        ephemeral.fields = kept | content | {"edited": {"user": self._workspace.bot.user_id}}
        self._log.publish(EphemeralChanged(*place, content["text"]))


_GONE: Final = ("expired_url", "used_url")
