"""Counts the requests to Slack's Web API."""

from collections.abc import Collection
from typing import Any, Final

from adapters.prometheus.metrics import Metrics
from application.resilience.observation import Observer
from domain.errors import ChatError, RateLimited

_OK: Final = "ok"
_RATE_LIMITED: Final = "ratelimited"
_OTHER: Final = "other"
_ALWAYS_SHOWN: Final = ("auth.test", "chat.postMessage")
"""Methods whose errors that matter to operators are shown before the first occurs: a new series has no increase."""


class SlackRequests:
    """Observes a client whose every call is one request.

    Methods and codes that are not known count as `other`.
    """

    def __init__(
        self, metrics: Metrics, methods: Collection[str], codes: Collection[str], refusals: Collection[str]
    ) -> None:
        """`refusals` are the codes of an invalid token."""
        self._counts = metrics.slack_requests
        self._seconds = metrics.slack_request
        self._throttled = metrics.slack_throttled
        self._methods = frozenset(methods)
        self._codes = frozenset((*codes, _RATE_LIMITED))
        for method in _ALWAYS_SHOWN:
            self._seconds.at(method)
            for code in (_OK, _RATE_LIMITED, *refusals):
                self._counts.at(method, code)
        for method in (*methods, _OTHER):
            self._throttled.at(method)

    def observer_of(self, name: str) -> Observer | None:
        """Implements ObserverOf."""
        if name in ("call", "read", "call_with_headers"):
            return Observer(self._on_answer, self._on_error)
        return Observer(self._on_sent, self._on_send_error) if name == "send" else None

    def _on_answer(self, arguments: tuple[Any, ...], _result: Any, seconds: float) -> None:
        self._on_request(arguments[0].method, _OK, seconds)

    def _on_error(self, arguments: tuple[Any, ...], error: Exception, seconds: float) -> None:
        method = arguments[0].method
        self._on_request(method, self._code(error), seconds)
        if isinstance(error, RateLimited):
            self._throttled.at(self._label(method)).run(error.retry_after_seconds)

    def _on_sent(self, arguments: tuple[Any, ...], response: Any, seconds: float) -> None:
        self._on_request(arguments[1].method, _OK if response.is_success else _OTHER, seconds)

    def _on_send_error(self, arguments: tuple[Any, ...], error: Exception, seconds: float) -> None:
        self._on_error(arguments[1:], error, seconds)

    def _on_request(self, method: str, code: str, seconds: float) -> None:
        method = self._label(method)
        self._counts.at(method, code).inc()
        self._seconds.at(method).observe(seconds)

    def _label(self, method: str) -> str:
        return method if method in self._methods else _OTHER

    def _code(self, error: Exception) -> str:
        return error.code if isinstance(error, ChatError) and error.code in self._codes else _OTHER
