"""From what Slack answers, and from what slack_sdk and aiohttp raise, to the domain's errors.

`chat_error` is the one way. Its table says for each of Slack's codes what it means and what to do next.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from http import HTTPStatus
from typing import Any

from aiohttp import ClientConnectorError, ClientError, ClientHttpProxyError, ConnectionTimeoutError, InvalidURL
from slack_sdk.errors import SlackApiError

from adapters.http.errors import describe
from adapters.http.session import Redirected
from adapters.serialization.json_codec import replace_surrogates
from adapters.slack.error_help import ALTERNATIVES_TO_RTM, EXPLANATIONS
from domain.errors import AuthenticationFailed, ChatError, ChatRejected, InDoubt, RateLimited, Unreachable


@dataclass(frozen=True, slots=True)
class ApiCall:
    """What Slack was asked, as far as an explanation needs it."""

    method: str
    subject: str = ""
    """The channel or the user that it was about."""
    is_repeatable: bool = True
    """Whether asking twice does no harm."""
    token_name: str = "FLYTE_SLACK_TOKEN"  # noqa: S105 - the variable's name
    """The variable that holds the token it was asked with."""


class _Kind(Enum):
    AUTHENTICATION = "authentication"
    UNAVAILABLE = "unavailable"
    IN_DOUBT = "in doubt"
    RATE_LIMITED = "rate limited"


_KINDS = {
    **dict.fromkeys(
        (
            "invalid_auth",
            "not_authed",
            "account_inactive",
            "token_revoked",
            "token_expired",
            "not_allowed_token_type",
        ),
        _Kind.AUTHENTICATION,
    ),
    **dict.fromkeys(("service_unavailable", "request_timeout", "team_added_to_org"), _Kind.UNAVAILABLE),
    **dict.fromkeys(("internal_error", "fatal_error"), _Kind.IN_DOUBT),
    **dict.fromkeys(("ratelimited", "rate_limited"), _Kind.RATE_LIMITED),
}
"""Codes that are not simply permanent. Unknown ones are permanent."""

_TOKEN_RESTRICTED_METHODS = ("rtm.connect", "conversations.join", "conversations.leave")
"""Methods that don't take every kind of token: being refused there says nothing against the token itself."""
_RTM_METHOD = "rtm.connect"
_RTM_UNAVAILABLE_CODES = (
    "not_allowed_token_type",
    "missing_scope",
    "unknown_method",
    "method_deprecated",
    "deprecated_endpoint",
)

_DEFAULT_RETRY_AFTER_SECONDS = 1.0
_MAX_CODE_LENGTH = 100


@dataclass(frozen=True, slots=True)
class _ErrorResponse:
    """What can be told of an answer that was no success."""

    status: int = 0
    """0: none that could be found out."""
    headers: Mapping[str, str] = field(default_factory=dict)
    body: Mapping[str, Any] = field(default_factory=dict)

    @property
    def code(self) -> str:
        """Slack's error code, empty when there is none."""
        code = self.body.get("error")
        if isinstance(code, str) and code:
            return replace_surrogates(code)[:_MAX_CODE_LENGTH]
        # conversations.leave says so, without an error code, when the bot was no member.
        return "not_in_channel" if self.body.get("not_in_channel") is True else ""


def chat_error(error: Exception, call: ApiCall) -> ChatError:
    """The domain's error for whatever a call of slack_sdk raised."""
    if isinstance(error, Redirected):
        return Unreachable(
            "redirected",
            f"{call.method} was answered with a redirect ({error.status}); correct FLYTE_SLACK_API_URL",
        )
    if isinstance(error, ClientConnectorError | ClientHttpProxyError | ConnectionTimeoutError | InvalidURL):
        return Unreachable("unreachable", f"Slack can't be reached: {describe(error)}")
    if isinstance(error, TimeoutError):
        return _response_lost("timeout", f"Slack did not answer {call.method} in time", call)
    if isinstance(error, ClientError | OSError):
        return _response_lost("connection_lost", f"the connection broke before Slack answered {call.method}", call)
    return _from_response(_response_of(error), call)


def unreadable_response(call: ApiCall) -> ChatError:
    """The error for an answer that says yes and not what it should."""
    return _response_lost("unreadable_answer", f"Slack's answer to {call.method} could not be read", call)


def _response_of(error: Exception) -> _ErrorResponse:
    """What the SDK read before it gave up; its responses are of several types, with anything in them."""
    response = error.response if isinstance(error, SlackApiError) else None
    status = getattr(response, "status_code", None) or getattr(response, "status", None)
    headers = getattr(response, "headers", None)
    body = response if isinstance(response, dict) else getattr(response, "data", None)
    return _ErrorResponse(
        status if isinstance(status, int) else 0,
        headers if isinstance(headers, Mapping) else {},
        body if isinstance(body, dict) else {},
    )


def _from_response(response: _ErrorResponse, call: ApiCall) -> ChatError:
    kind = _KINDS.get(response.code)
    if kind is _Kind.RATE_LIMITED or response.status == HTTPStatus.TOO_MANY_REQUESTS:
        return RateLimited(_retry_after_seconds(response.headers))
    if kind is _Kind.UNAVAILABLE or response.status == HTTPStatus.SERVICE_UNAVAILABLE:
        return Unreachable(response.code or "service_unavailable", "Slack can't serve requests at the moment")
    if kind is _Kind.IN_DOUBT:
        return _response_lost(response.code, f"Slack failed while it worked on {call.method}", call)
    if response.code and response.status < HTTPStatus.INTERNAL_SERVER_ERROR:
        return _rejected(response.code, response, call)
    return _from_status(response.status, call)


def _from_status(status: int, call: ApiCall) -> ChatError:
    """For answers without a code of Slack's."""
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return _response_lost(f"http_{status}", f"Slack failed while it worked on {call.method}", call)
    if status == HTTPStatus.REQUEST_ENTITY_TOO_LARGE:
        return ChatRejected("http_413", f"the request is larger than Slack takes for {call.method}; send less")
    if status in (HTTPStatus.NOT_FOUND, HTTPStatus.METHOD_NOT_ALLOWED, HTTPStatus.GONE):
        return ChatRejected(f"http_{status}", f"there is no {call.method} at FLYTE_SLACK_API_URL; correct that")
    if status >= HTTPStatus.BAD_REQUEST:
        return Unreachable(
            f"http_{status}",
            f"{call.method} was answered by something that is not Slack; check FLYTE_SLACK_API_URL and the proxy",
        )
    return unreadable_response(call)


def _rejected(code: str, response: _ErrorResponse, call: ApiCall) -> ChatRejected:
    if call.method == _RTM_METHOD and code in _RTM_UNAVAILABLE_CODES:
        return ChatRejected(code, ALTERNATIVES_TO_RTM)
    is_about_token = _KINDS.get(code) is _Kind.AUTHENTICATION and not (
        code == "not_allowed_token_type" and call.method in _TOKEN_RESTRICTED_METHODS
    )
    return (AuthenticationFailed if is_about_token else ChatRejected)(code, _explain(code, response, call))


def _explain(code: str, response: _ErrorResponse, call: ApiCall) -> str:
    unknown = f"see the errors of {call.method} at https://docs.slack.dev/reference/methods/{call.method}"
    return EXPLANATIONS.get(code, unknown).format(
        subject=call.subject or "the channel",
        method=call.method,
        token=call.token_name,
        needed=_format_scopes(response.body.get("needed")),
        provided=_format_scopes(response.body.get("provided")),
    )


def _format_scopes(scopes: object) -> str:
    return replace_surrogates(scopes).replace(",", ", ") if isinstance(scopes, str) and scopes else "not told"


def _response_lost(code: str, explanation: str, call: ApiCall) -> ChatError:
    return (Unreachable if call.is_repeatable else InDoubt)(code, explanation)


def _retry_after_seconds(headers: Mapping[str, str]) -> float:
    try:
        seconds = float(headers.get("Retry-After", ""))
    except ValueError:
        return _DEFAULT_RETRY_AFTER_SECONDS
    return seconds if math.isfinite(seconds) and seconds > 0 else _DEFAULT_RETRY_AFTER_SECONDS
