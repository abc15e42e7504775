"""The certificates that the pack trusts, read once, while the program loads."""

import os
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from threading import Lock, Thread
from typing import Final

_VARIABLES: Final = ("SSL_CERT_FILE", "SSL_CERT_DIR")
_reading = Lock()


def read_certificates() -> None:
    """Starts to read the certificates in a thread. It takes 40 ms, without the lock of the interpreter."""
    Thread(target=trusted_certificates, name="read certificates", daemon=True).start()


def trusted_certificates() -> ssl.SSLContext:
    """Returns a context with the system's certificates, or those of `SSL_CERT_FILE` and `SSL_CERT_DIR`."""
    with _reading:
        return _context(*map(os.environ.get, _VARIABLES))


@lru_cache(maxsize=4)
def _context(*_variables: str | None) -> ssl.SSLContext:
    return ssl.create_default_context()


@contextmanager
def without_certificates() -> Iterator[None]:
    """Keeps imports from reading certificates: aiohttp would read them twice, for contexts that the pack never uses."""
    variables = {name: os.environ.get(name) for name in _VARIABLES}
    os.environ.update(dict.fromkeys(_VARIABLES, os.devnull))
    try:
        yield
    finally:
        for name, value in variables.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value
