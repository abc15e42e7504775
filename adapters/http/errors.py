"""Descriptions of failed requests, for operators."""

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
    (TimeoutError, "timed out"),
    (InvalidURL, "the URL is invalid"),
    (ClientConnectorCertificateError, "the certificate is not trusted (set SSL_CERT_FILE to trust other authorities)"),
    (ClientSSLError, "no TLS connection; is it an http:// server?"),
    (ClientConnectorDNSError, "the host name is unknown"),
)
"""The first match counts: some are subclasses of later ones."""


def describe(error: Exception) -> str:
    """Describes an exception of aiohttp, without the URL or other content of the request."""
    for kind, description in _DESCRIPTIONS:
        if isinstance(error, kind):
            return description
    if isinstance(error, ClientHttpProxyError):
        return f"the proxy refused the connection (HTTP {error.status})"
    if isinstance(error, ClientConnectorError):
        number = error.errno if error.errno in errno.errorcode else 0
        return f"no connection ({os.strerror(number).lower() if number else type(error).__name__})"
    return f"the connection broke ({type(error).__name__})"
