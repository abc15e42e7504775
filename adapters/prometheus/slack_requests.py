"""Counts the requests to Slack's Web API."""

from collections.abc import Callable, Collection
from typing import Any, Final

from adapters.prometheus.children import Children
from adapters.prometheus.metrics import Metrics
from adapters.prometheus.stopwatch import Stopwatch
from application.resilience.observation import Observe
from domain.errors import ChatError, RateLimited

_OK: Final = "ok"
_RATE_LIMITED: Final = "ratelimited"
_OTHER: Final = "other"
_ALWAYS_SHOWN: Final = ("auth.test", "chat.postMessage")
"""Methods whose errors that matter to operators are shown before the first occurs: a new series has no increase."""


class SlackRequests:
    """Observes a client whose every call is one request, with an argument that has the `method`.

    Methods and codes that are not known count as `other`.
    """

    def __init__(
        self,
        metrics: Metrics,
        monotonic: Callable[[], float],
        methods: Collection[str],
        codes: Collection[str],
        refusals: Collection[str],
    ) -> None:
        """`refusals` are the codes of an invalid token."""
        self._codes = frozenset((*codes, _RATE_LIMITED))
        shown = [(method, code) for method in _ALWAYS_SHOWN for code in (_OK, _RATE_LIMITED, *refusals)]
        self._counts = Children(metrics.slack_requests, shown)
        self._seconds = Children(metrics.slack_request, _ALWAYS_SHOWN)
        self._throttles = {method: Stopwatch(monotonic) for method in (*methods, _OTHER)}
        metrics.add_seconds(
            "slack_throttled", "For how long Slack has asked to wait with a method.", "method", self._throttles
        )

    def observer_of(self, name: str) -> Observe | None:
        """Implements ObserverOf."""
        return self._observe if name in ("call", "read", "call_with_headers", "send") else None

    def _observe(self, arguments: tuple[Any, ...], seconds: float, result: Any, error: Exception | None) -> None:
        method = next((argument.method for argument in arguments if hasattr(argument, "method")), _OTHER)
        if method not in self._throttles:
            method = _OTHER
        self._counts.get(method, self._code(result, error)).inc()
        self._seconds.get(method).observe(seconds)
        if isinstance(error, RateLimited):
            self._throttles[method].run(error.retry_after_seconds)

    def _code(self, result: Any, error: Exception | None) -> str:
        if error is None:
            return _OK if getattr(result, "is_success", True) else _OTHER
        return error.code if isinstance(error, ChatError) and error.code in self._codes else _OTHER
