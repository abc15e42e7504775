"""An HTTP response from Flyte, or from a gateway in front of it."""

from dataclasses import dataclass
from datetime import datetime

from yarl import URL

_HTML = ("text/html", "application/xhtml+xml")


@dataclass(frozen=True, slots=True)
class FlyteResponse:
    """One HTTP response."""

    method: str
    url: URL
    status: int
    content_type: str = ""
    """Unreliable: Flyte sends JSON as `text/plain` after a registration."""
    location: str = ""
    """The target of a redirect; empty for other responses."""
    body: bytes = b""
    """Empty unless the status is 200 or 201: Flyte's other responses have no content."""
    server_time: datetime | None = None
    """None if the response does not tell."""

    @property
    def has_side_effects(self) -> bool:
        """Whether the request may have changed something, so that a repeat may do harm."""
        return self.method != "GET"

    @property
    def is_html(self) -> bool:
        """Whether it is a web page, which Flyte never sends: a login, a gateway's error, another site."""
        return self.content_type in _HTML or self.body.lstrip()[:1] == b"<"
