"""Reads when a JWT expires. The signature is not verified: Flyte does that."""

import json
from base64 import urlsafe_b64decode
from datetime import UTC, datetime


def jwt_expiry(token: str) -> datetime | None:
    """Returns when the token expires; None when it does not say, or is not a JWT."""
    try:
        content = json.loads(urlsafe_b64decode(token.split(".")[1] + "=="))
        return datetime.fromtimestamp(content["exp"], UTC)
    except (ValueError, LookupError, TypeError, OverflowError, OSError, RecursionError):
        return None
