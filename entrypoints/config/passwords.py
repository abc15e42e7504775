"""Finds the passwords in URLs, so that they can be kept out of logs and messages."""

import re
from collections.abc import Iterator
from typing import Final
from urllib.parse import unquote, unquote_plus, urlsplit

_USER: Final = re.compile(r"://[^:@/]*:([^@/]+)@")
"""The user's part of a URL as libpq reads it: a password may contain a question mark or a number sign."""
_PARAMETER: Final = re.compile(
    r"[?&;](?:\w*(?:password|passwd|pwd|secret|token)|scram_\w+_key)=([^&;]+)", re.IGNORECASE
)


def passwords_in(url: str) -> list[str]:
    """Returns all passwords in a URL, also those among its parameters, as written and decoded."""
    return sorted({form for text in _written(url) for form in (text, unquote(text), unquote_plus(text))})


def without_passwords(url: str) -> str:
    """Returns a URL without its passwords, for a line that an operator types."""
    scheme, separator, rest = url.partition("://")
    authority, slash, path = rest.partition("/")
    credentials, at, hosts = authority.rpartition("@")
    parameters = _PARAMETER.sub("", f"{hosts}{slash}{path}")
    shown = parameters if "?" in parameters else parameters.replace("&", "?", 1)
    return f"{scheme}{separator}{credentials.partition(':')[0]}{at}{shown}"


def _written(url: str) -> Iterator[str]:
    try:
        password = urlsplit(url if "://" in url else f"//{url}").password
    except ValueError:
        password = None
    if password:
        yield password
    for pattern in (_USER, _PARAMETER):
        yield from pattern.findall(url)
