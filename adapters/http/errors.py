"""Why a request brought no answer, in words for who runs the pack."""

import errno
import os
from typing import Final

from aiohttp import (
    ClientConnectorCertificateError,
    ClientConnectorDNSError,
    ClientConnectorError,
    ClientHttpProxyError,
    ClientSSLError,
    InvalidURL,
)

_DESCRIPTIONS: Final[tuple[tuple[type[Exception], str], ...]] = (
    (TimeoutError, "the time ran out"),
    (InvalidURL, "its URL is none"),
    (ClientConnectorCertificateError, "its certificate is not trusted (SSL_CERT_FILE names the trusted ones)"),
    (ClientSSLError, "no TLS connection; is its URL one with http://?"),
    (ClientConnectorDNSError, "its host name is unknown"),
)
"""The first that fits: some are kinds of those below them."""


def describe(error: Exception) -> str:
    """What aiohttp's error means. No text shows a URL, or anything else that the request held."""
    for kind, description in _DESCRIPTIONS:
        if isinstance(error, kind):
            return description
    if isinstance(error, ClientHttpProxyError):
        return f"the proxy refused the way (HTTP {error.status})"
    if isinstance(error, ClientConnectorError):
        number = error.errno if error.errno in errno.errorcode else 0
        return f"no connection ({os.strerror(number).lower() if number else type(error).__name__})"
    return f"the connection broke ({type(error).__name__})"
