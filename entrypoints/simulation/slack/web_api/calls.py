"""Calls of the simulated Web API: applies access and limits, runs the method, and logs the call."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from entrypoints.simulation.slack.event_log import Call, SlackLog
from entrypoints.simulation.slack.models import JsonObject
from entrypoints.simulation.slack.rate_limits import RateLimits
from entrypoints.simulation.slack.web_api.api import Access, Method, MethodCall, SlackError, provided_scopes
from entrypoints.simulation.slack.workspace import WorkspaceState

_OK: Final = 200
_TOO_MANY_REQUESTS: Final = 429


@dataclass(slots=True)
class Answer:
    """The response to a call."""

    body: JsonObject
    status: int = _OK
    headers: dict[str, str] = field(default_factory=dict)


class WebApi:
    """The methods of the Web API."""

    def __init__(
        self,
        workspace: WorkspaceState,
        access: Access,
        log: SlackLog,
        limits: RateLimits,
        methods: Mapping[str, Method],
    ) -> None:
        self._workspace = workspace
        self._access = access
        self._log = log
        self._limits = limits
        self._methods = methods

    def call(self, name: str, arguments: JsonObject, token: str) -> Answer:
        """Calls a method as Slack does; a refusal is an answer too."""
        answer = Answer({})
        try:
            answer.body = self._run(
                MethodCall(name, arguments, self._workspace, self._access, self._log), token, answer
            )
        except SlackError as refusal:
            answer.body = refusal.body
        error = "" if answer.body["ok"] else str(answer.body.get("error", ""))
        self._log.publish(Call(name, arguments, error))
        return self.with_scopes(answer)

    def with_scopes(self, answer: Answer) -> Answer:
        """Adds the scopes of the token to the headers of an answer."""
        answer.headers["x-oauth-scopes"] = provided_scopes(self._access)
        return answer

    def _run(self, call: MethodCall, token: str, answer: Answer) -> JsonObject:
        method = self._methods.get(call.method)
        if method is None:
            raise _unknown(call.method)
        answer.headers["x-accepted-oauth-scopes"] = ",".join(method.scopes)
        if method.token:
            self._access.check(token, method.token)
        channel = self._workspace.find_channel(str(call.arguments.get("channel")))
        wait = self._limits.retry_after(call.method, method.tier, channel.channel_id if channel else "")
        if wait is not None:
            self._log.count("ratelimited")
            answer.headers["Retry-After"], answer.status = str(wait), _TOO_MANY_REQUESTS
            raise SlackError("ratelimited")
        if method.scopes:
            call.require_scope(*method.scopes)
        return {"ok": True} | method.run(call)


def _unknown(method: str) -> SlackError:
    """Returns the error for a method that Slack itself may have; the libraries of apps print its explanation."""
    messages = [f"[ERROR] the simulated Slack has no method {method}; docs/simulation.md lists those that it has"]
    return SlackError("unknown_method", req_method=method, response_metadata={"messages": messages})
