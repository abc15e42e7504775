"""When a JWT ends, as far as it says so itself. Nobody's signature is checked: Flyte does that."""

import json
from base64 import urlsafe_b64decode
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Final

_SOON: Final = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class Jwt:
    """A JSON web token, or any other text that is used as one."""

    text: str = field(repr=False)

    @property
    def expiry(self) -> datetime | None:
        """When it ends; None when it does not say."""
        try:
            content = json.loads(urlsafe_b64decode(self.text.split(".")[1] + "=="))
            return datetime.fromtimestamp(content["exp"], UTC)
        except (ValueError, LookupError, TypeError, OverflowError, OSError, RecursionError):
            return None

    def is_expired(self, now: datetime) -> bool:
        """Whether it says that it has ended."""
        return self.expiry is not None and self.expiry <= now

    def expires_soon(self, now: datetime) -> bool:
        """Whether it says that it ends within a week, or has ended."""
        return self.expiry is not None and self.expiry <= now + _SOON
