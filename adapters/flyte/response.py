"""What came back from Flyte, or from whatever stands in its place."""

from dataclasses import dataclass
from datetime import datetime

from yarl import URL

_MARKUP = ("text/html", "application/xhtml+xml")


@dataclass(frozen=True, slots=True)
class FlyteResponse:
    """One answer over HTTP."""

    method: str
    url: URL
    status: int
    content_type: str = ""
    """Says little: Flyte sends a registered pack's JSON as `text/plain`."""
    body: bytes = b""
    """Empty unless the status is 200 or 201: Flyte says nothing in other answers."""
    server_time: datetime | None = None
    """By the server's own clock; None where it does not tell."""

    @property
    def changes_something(self) -> bool:
        """Whether the request was one that must not be repeated lightly."""
        return self.method != "GET"

    @property
    def is_html(self) -> bool:
        """Whether it is a page for people, which Flyte never sends: a login, a gateway's error, another site."""
        return self.content_type in _MARKUP or self.body.lstrip()[:1] == b"<"
