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
class Question:
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
    LATER = "later"
    DOUBTFUL = "doubtful"
    THROTTLED = "throttled"


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
    **dict.fromkeys(("service_unavailable", "request_timeout", "team_added_to_org"), _Kind.LATER),
    **dict.fromkeys(("internal_error", "fatal_error"), _Kind.DOUBTFUL),
    **dict.fromkeys(("ratelimited", "rate_limited"), _Kind.THROTTLED),
}
"""Codes that are not simply permanent. Unknown ones are permanent."""

_CHOOSY_METHODS = ("rtm.connect", "conversations.join", "conversations.leave")
"""Methods that don't take every kind of token: being refused there says nothing against the token itself."""
_CLASSIC_ONLY = "rtm.connect"
_WRONG_FOR_RTM = (
    "not_allowed_token_type",
    "missing_scope",
    "unknown_method",
    "method_deprecated",
    "deprecated_endpoint",
)

_DEFAULT_RETRY_AFTER_SECONDS = 1.0
_LONGEST_CODE = 100


@dataclass(frozen=True, slots=True)
class _Answer:
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
            return replace_surrogates(code)[:_LONGEST_CODE]
        # conversations.leave says so, without an error code, when the bot was no member.
        return "not_in_channel" if self.body.get("not_in_channel") is True else ""


def chat_error(error: Exception, question: Question) -> ChatError:
    """The domain's error for whatever a call of slack_sdk raised."""
    if isinstance(error, Redirected):
        return Unreachable(
            "redirected",
            f"{question.method} was answered with a redirect ({error.status}); correct FLYTE_SLACK_API_URL",
        )
    if isinstance(error, ClientConnectorError | ClientHttpProxyError | ConnectionTimeoutError | InvalidURL):
        return Unreachable("unreachable", f"Slack can't be reached: {describe(error)}")
    if isinstance(error, TimeoutError):
        return _lost("timeout", f"Slack did not answer {question.method} in time", question)
    if isinstance(error, ClientError | OSError):
        return _lost("connection_lost", f"the connection broke before Slack answered {question.method}", question)
    return _from_answer(_answer_of(error), question)


def unreadable_answer(question: Question) -> ChatError:
    """The error for an answer that says yes and not what it should."""
    return _lost("unreadable_answer", f"Slack's answer to {question.method} could not be read", question)


def _answer_of(error: Exception) -> _Answer:
    """What the SDK read before it gave up; its responses are of several types, with anything in them."""
    response = error.response if isinstance(error, SlackApiError) else None
    status = getattr(response, "status_code", None) or getattr(response, "status", None)
    headers = getattr(response, "headers", None)
    body = response if isinstance(response, dict) else getattr(response, "data", None)
    return _Answer(
        status if isinstance(status, int) else 0,
        headers if isinstance(headers, Mapping) else {},
        body if isinstance(body, dict) else {},
    )


def _from_answer(answer: _Answer, question: Question) -> ChatError:
    kind = _KINDS.get(answer.code)
    if kind is _Kind.THROTTLED or answer.status == HTTPStatus.TOO_MANY_REQUESTS:
        return RateLimited(_retry_after_seconds(answer.headers))
    if kind is _Kind.LATER or answer.status == HTTPStatus.SERVICE_UNAVAILABLE:
        return Unreachable(answer.code or "service_unavailable", "Slack can't serve requests at the moment")
    if kind is _Kind.DOUBTFUL:
        return _lost(answer.code, f"Slack failed while it worked on {question.method}", question)
    if answer.code and answer.status < HTTPStatus.INTERNAL_SERVER_ERROR:
        return _refusal(answer.code, answer, question)
    return _from_status(answer.status, question)


def _from_status(status: int, question: Question) -> ChatError:
    """For answers without a code of Slack's."""
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return _lost(f"http_{status}", f"Slack failed while it worked on {question.method}", question)
    if status == HTTPStatus.REQUEST_ENTITY_TOO_LARGE:
        return ChatRejected("http_413", f"the request is larger than Slack takes for {question.method}; send less")
    if status in (HTTPStatus.NOT_FOUND, HTTPStatus.METHOD_NOT_ALLOWED, HTTPStatus.GONE):
        return ChatRejected(f"http_{status}", f"there is no {question.method} at FLYTE_SLACK_API_URL; correct that")
    if status >= HTTPStatus.BAD_REQUEST:
        return Unreachable(
            f"http_{status}",
            f"{question.method} was answered by something that is not Slack; check FLYTE_SLACK_API_URL and the proxy",
        )
    return unreadable_answer(question)


def _refusal(code: str, answer: _Answer, question: Question) -> ChatRejected:
    if question.method == _CLASSIC_ONLY and code in _WRONG_FOR_RTM:
        return ChatRejected(code, ALTERNATIVES_TO_RTM)
    is_about_token = _KINDS.get(code) is _Kind.AUTHENTICATION and not (
        code == "not_allowed_token_type" and question.method in _CHOOSY_METHODS
    )
    return (AuthenticationFailed if is_about_token else ChatRejected)(code, _explanation(code, answer, question))


def _explanation(code: str, answer: _Answer, question: Question) -> str:
    unknown = f"see the errors of {question.method} at https://docs.slack.dev/reference/methods/{question.method}"
    return EXPLANATIONS.get(code, unknown).format(
        subject=question.subject or "the channel",
        method=question.method,
        token=question.token_name,
        needed=_listed(answer.body.get("needed")),
        provided=_listed(answer.body.get("provided")),
    )


def _listed(scopes: object) -> str:
    return replace_surrogates(scopes).replace(",", ", ") if isinstance(scopes, str) and scopes else "not told"


def _lost(code: str, explanation: str, question: Question) -> ChatError:
    return (Unreachable if question.is_repeatable else InDoubt)(code, explanation)


def _retry_after_seconds(headers: Mapping[str, str]) -> float:
    try:
        seconds = float(headers.get("Retry-After", ""))
    except ValueError:
        return _DEFAULT_RETRY_AFTER_SECONDS
    return seconds if math.isfinite(seconds) and seconds > 0 else _DEFAULT_RETRY_AFTER_SECONDS
