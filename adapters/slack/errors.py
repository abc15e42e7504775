"""Maps Slack's error responses, and the exceptions of slack_sdk and aiohttp, to the domain's errors."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from http import HTTPStatus
from typing import Any

from aiohttp import ClientConnectorError, ClientError, ClientHttpProxyError, ConnectionTimeoutError, InvalidURL
from slack_sdk.errors import SlackApiError

from adapters.http.errors import describe
from adapters.http.retry_after import retry_after_seconds
from adapters.http.session import Redirected
from adapters.serialization.json_codec import replace_surrogates
from adapters.slack.error_help import ALTERNATIVES_TO_RTM, EXPLANATIONS
from adapters.slack.values import text
from domain.channels import ChannelId
from domain.errors import (
    AuthenticationFailed,
    ChannelInaccessible,
    ChatError,
    ChatRejected,
    InDoubt,
    RateLimited,
    Unreachable,
)


@dataclass(frozen=True, slots=True)
class ApiCall:
    """A call of Slack's Web API, as far as its errors depend on it."""

    method: str
    subject: str = ""
    """The channel or user of the call."""
    is_repeatable: bool = True
    """Whether a repeat does no harm."""
    token_name: str = "FLYTE_SLACK_TOKEN"  # noqa: S105 - the variable's name
    """The variable that holds the call's token."""
    secret: str = field(default="", repr=False)
    """An argument that no error may contain."""


AUTHENTICATION_CODES = (
    "invalid_auth",
    "not_authed",
    "account_inactive",
    "token_revoked",
    "token_expired",
    "not_allowed_token_type",
)
NOT_A_MEMBER_CODES = ("not_in_channel", "not_in_group", "user_not_in_channel")
_INACCESSIBLE_CODES = ("not_in_channel", "not_in_group", "channel_not_found", "is_archived")
_UNAVAILABLE_CODES = ("service_unavailable", "request_timeout", "team_added_to_org")
_IN_DOUBT_CODES = ("internal_error", "fatal_error")
_RATE_LIMITED_CODES = ("ratelimited", "rate_limited")
_TRANSPORT_CODES = (
    *("unreachable", "timeout", "connection_lost", "redirected", "unreadable_answer"),
    *("http_403", "http_407", "http_413", "http_500", "http_502", "http_503", "http_504"),
)
"""The pack's own codes, for failures that have no code of Slack."""
KNOWN_CODES = frozenset(
    (
        *EXPLANATIONS,
        *_INACCESSIBLE_CODES,
        *_UNAVAILABLE_CODES,
        *_IN_DOUBT_CODES,
        *_RATE_LIMITED_CODES,
        *_TRANSPORT_CODES,
    )
)
"""Error codes that the pack knows of; a server can send any others."""

_TOKEN_RESTRICTED_METHODS = ("rtm.connect", "conversations.join", "conversations.leave")
"""Methods that reject some types of token: `not_allowed_token_type` does not mean that the token is invalid."""
_RTM_METHOD = "rtm.connect"
_RTM_UNAVAILABLE_CODES = (
    "not_allowed_token_type",
    "missing_scope",
    "unknown_method",
    "method_deprecated",
    "deprecated_endpoint",
)

_MAX_CODE_LENGTH = 100
_MAX_PLACES = 3
_MAX_PLACE_LENGTH = 200
"""The longest quote of each of Slack's messages about invalid arguments."""
_PLACE_PREFIX = "[ERROR] "
_HIDDEN = "[hidden]"


@dataclass(frozen=True, slots=True)
class _ErrorResponse:
    """The known parts of an error response."""

    status: int = 0
    """0 if unknown."""
    headers: Mapping[str, str] = field(default_factory=dict)
    body: Mapping[str, Any] = field(default_factory=dict)

    @property
    def code(self) -> str:
        """Slack's error code; empty if there is none."""
        # conversations.leave has this field instead of an error code.
        if self.body.get("not_in_channel") is True:
            return "not_in_channel"
        code = self.body.get("error")
        return replace_surrogates(code)[:_MAX_CODE_LENGTH] if isinstance(code, str) else ""


def chat_error(error: Exception, call: ApiCall, now: datetime) -> ChatError:
    """Returns the domain's error for any exception of a slack_sdk call, at this time by Slack's clock.

    Codes in no table are permanent.
    """
    if isinstance(error, Redirected):
        return Unreachable("redirected", f"{call.method} was redirected ({error.status}); correct FLYTE_SLACK_API_URL")
    if isinstance(error, ClientConnectorError | ClientHttpProxyError | ConnectionTimeoutError | InvalidURL):
        return Unreachable("unreachable", f"Slack can't be reached: {describe(error)}")
    if isinstance(error, TimeoutError):
        return _response_lost("timeout", f"Slack did not answer {call.method} in time", call)
    if isinstance(error, ClientError | OSError):
        return _response_lost("connection_lost", f"the connection broke before Slack answered {call.method}", call)
    return _from_response(_response_of(error), call, now)


def unreadable_response(call: ApiCall) -> ChatError:
    """Returns the error for a successful response without the expected content."""
    return _response_lost("unreadable_answer", f"Slack's answer to {call.method} could not be read", call)


def rejection(code: str, call: ApiCall) -> ChatRejected:
    """Returns the error for a request that the pack itself does not send, or not any further."""
    return _rejected(_ErrorResponse(body={"error": code}), call)


def error_of(status: int, headers: Mapping[str, str], code: str, call: ApiCall, now: datetime) -> ChatError:
    """Returns the error for a response with this error code (may be empty), at this time by Slack's clock."""
    return _from_response(_ErrorResponse(status, headers, {"error": code}), call, now)


def _response_of(error: Exception) -> _ErrorResponse:
    """The SDK attaches responses of several types, with arbitrary content."""
    response = error.response if isinstance(error, SlackApiError) else None
    status = getattr(response, "status_code", None) or getattr(response, "status", None)
    headers = getattr(response, "headers", None)
    body = response if isinstance(response, dict) else getattr(response, "data", None)
    return _ErrorResponse(
        status if isinstance(status, int) else 0,
        headers if isinstance(headers, Mapping) else {},
        body if isinstance(body, dict) else {},
    )


def _from_response(response: _ErrorResponse, call: ApiCall, now: datetime) -> ChatError:
    code, status = response.code, response.status
    if code in _RATE_LIMITED_CODES or status == HTTPStatus.TOO_MANY_REQUESTS:
        told = response.headers.get("Retry-After"), response.body.get("retry_after")
        return RateLimited(retry_after_seconds(*told, now=now))
    if code in _UNAVAILABLE_CODES or status == HTTPStatus.SERVICE_UNAVAILABLE:
        known = code if code in _UNAVAILABLE_CODES else "service_unavailable"
        return Unreachable(known, "Slack is unavailable at the moment")
    if code in _IN_DOUBT_CODES:
        return _response_lost(code, f"Slack failed while processing {call.method}", call)
    if code and status < HTTPStatus.INTERNAL_SERVER_ERROR:
        return _rejected(response, call)
    return _from_status(status, call)


def _from_status(status: int, call: ApiCall) -> ChatError:
    """For responses without an error code of Slack."""
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return _response_lost(f"http_{status}", f"Slack failed while processing {call.method}", call)
    if status == HTTPStatus.REQUEST_ENTITY_TOO_LARGE:
        return ChatRejected("http_413", f"the request exceeds Slack's size limit for {call.method}; send less")
    if status in (HTTPStatus.NOT_FOUND, HTTPStatus.METHOD_NOT_ALLOWED, HTTPStatus.GONE):
        return ChatRejected(f"http_{status}", f"there is no {call.method} at FLYTE_SLACK_API_URL; correct the URL")
    if status >= HTTPStatus.BAD_REQUEST:
        return Unreachable(
            f"http_{status}",
            f"{call.method} was answered by a server other than Slack; check FLYTE_SLACK_API_URL and the proxy",
        )
    return unreadable_response(call)


def _rejected(response: _ErrorResponse, call: ApiCall) -> ChatRejected:
    code = response.code
    if call.method == _RTM_METHOD and code in _RTM_UNAVAILABLE_CODES:
        return ChatRejected(code, ALTERNATIVES_TO_RTM)
    depends_on_method = code == "not_allowed_token_type" and call.method in _TOKEN_RESTRICTED_METHODS
    is_token_invalid = code in AUTHENTICATION_CODES and not depends_on_method
    explanation = _explain(response, call)
    if code in _INACCESSIBLE_CODES:
        return ChannelInaccessible(code, explanation, ChannelId(call.subject))
    return (AuthenticationFailed if is_token_invalid else ChatRejected)(code, explanation)


def _explain(response: _ErrorResponse, call: ApiCall) -> str:
    explanation = EXPLANATIONS.get(response.code, _unknown(call)).format(
        subject=call.subject or "the channel",
        method=call.method,
        token=call.token_name,
        scope=_missing_scope(response.body),
    )
    places = _places(response, call)
    return f"{explanation} ({'; '.join(places)})" if places else explanation


def _unknown(call: ApiCall) -> str:
    if "." not in call.method:
        return "{method} refused the request"
    return "see the errors of {method} at https://docs.slack.dev/reference/methods/{method}"


def _places(response: _ErrorResponse, call: ApiCall) -> list[str]:
    """Returns Slack's messages about invalid arguments, with their places."""
    metadata = response.body.get("response_metadata")
    messages = metadata.get("messages") if isinstance(metadata, dict) else None
    texts = [message for message in messages if isinstance(message, str)] if isinstance(messages, list) else []
    return [_place(text, call.secret) for text in texts[:_MAX_PLACES]]


def _place(text: str, secret: str) -> str:
    text = replace_surrogates(text).removeprefix(_PLACE_PREFIX)
    return (text.replace(secret, _HIDDEN) if secret else text)[:_MAX_PLACE_LENGTH]


def _missing_scope(body: Mapping[str, Any]) -> str:
    needed, provided = (replace_surrogates(text(body.get(name))).replace(",", ", ") for name in ("needed", "provided"))
    if not needed:
        return "a scope, which Slack does not name"
    return f"the scope {needed} (it has: {provided or 'unknown'})"


def _response_lost(code: str, explanation: str, call: ApiCall) -> ChatError:
    return (Unreachable if call.is_repeatable else InDoubt)(code, explanation)
