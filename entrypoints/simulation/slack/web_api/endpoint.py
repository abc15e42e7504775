"""The endpoint of the simulated Web API: reads arguments, applies limits and faults, and responds."""

import json
from collections.abc import Mapping
from functools import partial

from aiohttp import web

from entrypoints.simulation.faults import sleep
from entrypoints.simulation.slack.conditions import Conditions
from entrypoints.simulation.slack.event_log import Call, SlackLog
from entrypoints.simulation.slack.models import JsonObject
from entrypoints.simulation.slack.web_api.api import Access, Method, MethodCall, SlackError, provided_scopes
from entrypoints.simulation.slack.web_api.faulty import under_faults
from entrypoints.simulation.slack.workspace import WorkspaceState


class WebApiEndpoint:
    """Serves `/api/{method}`."""

    def __init__(
        self,
        workspace: WorkspaceState,
        access: Access,
        log: SlackLog,
        conditions: Conditions,
        methods: Mapping[str, Method],
    ) -> None:
        self._workspace = workspace
        self._access = access
        self._log = log
        self._conditions = conditions
        self._methods = methods

    async def handle(self, request: web.Request) -> web.Response:
        """Responds to a call, as Slack does or as a planned fault requires."""
        name = request.match_info["method"]
        try:
            arguments, token = await _read_arguments(request)
        except SlackError as error:
            return self._answer(error.body)
        if self._conditions.latency_seconds:
            await sleep(self._conditions.latency_seconds, self._conditions.closing)
        perform = partial(self._perform, name, arguments, token)
        return await under_faults(request, name, arguments, perform, self._conditions, self._log)

    async def _perform(self, name: str, arguments: JsonObject, token: str) -> web.Response:
        headers: dict[str, str] = {}
        call = MethodCall(name, arguments, self._workspace, self._access, self._log)
        try:
            body = self._run(self._methods.get(name), call, token, headers)
        except SlackError as refusal:
            body = refusal.body
        error = "" if body["ok"] else str(body.get("error", ""))
        self._log.publish(Call(name, arguments, error))
        return self._answer(body, 429 if "Retry-After" in headers else 200, headers)

    def _run(self, method: Method | None, call: MethodCall, token: str, headers: dict[str, str]) -> JsonObject:
        if method is None:
            raise SlackError("unknown_method", req_method=call.method)
        headers["x-accepted-oauth-scopes"] = ",".join(method.scopes)
        if method.token:
            self._access.check(token, method.token)
        channel = self._workspace.find_channel(str(call.arguments.get("channel")))
        place = channel.channel_id if channel else ""
        wait = self._conditions.limits.retry_after(call.method, method.tier, place)
        if wait is not None:
            self._log.count("ratelimited")
            headers["Retry-After"] = str(wait)
            raise SlackError("ratelimited")
        if method.scopes:
            call.require_scope(*method.scopes)
        return {"ok": True} | method.run(call)

    def _answer(self, body: JsonObject, status: int = 200, headers: Mapping[str, str] | None = None) -> web.Response:
        all_headers = {"x-oauth-scopes": provided_scopes(self._access), **(headers or {})}
        return web.json_response(body, status=status, headers=all_headers)


async def _read_arguments(request: web.Request) -> tuple[JsonObject, str]:
    """Returns the arguments and the token of a call. Raises SlackError for malformed JSON.

    As in Slack, `token` in a JSON body is an ordinary argument.
    """
    arguments: JsonObject = dict(request.query)
    token = request.headers.get("Authorization", "").removeprefix("Bearer ").strip()
    if request.content_type == "application/json":
        return arguments | await _read_json(request), token
    if request.method == "POST":
        arguments |= {name: value for name, value in (await request.post()).items() if isinstance(value, str)}
    return arguments, token or str(arguments.pop("token", ""))


async def _read_json(request: web.Request) -> JsonObject:
    body = await request.read()
    if not body:
        return {}
    try:
        arguments = json.loads(body)
    except (ValueError, RecursionError):
        raise SlackError("invalid_json") from None
    if not isinstance(arguments, dict):
        raise SlackError("json_not_object")
    return arguments
