"""An HTTP response from Flyte, or from a gateway in front of it."""

from dataclasses import dataclass
from datetime import datetime
from http import HTTPStatus

from yarl import URL

_UNROUTED = b"not found"
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
    """The body, only its beginning for a 404. Empty for statuses other than 200, 201 and 404, which have none in
    Flyte."""
    server_time: datetime | None = None
    """None if the response does not tell."""

    @property
    def has_side_effects(self) -> bool:
        """Whether the request may have changed something, so that a repeat may do harm."""
        return self.method != "GET"

    @property
    def is_unrouted(self) -> bool:
        """Whether Flyte's router does not know the path. The 404 for an unknown pack or action has no content."""
        return self.status == HTTPStatus.NOT_FOUND and self.body.strip().lower() == _UNROUTED

    @property
    def is_html(self) -> bool:
        """Whether it is a web page, which Flyte never sends: a login, a gateway's error, another site."""
        return self.content_type in _HTML or self.body.lstrip()[:1] == b"<"
