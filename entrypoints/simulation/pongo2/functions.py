"""The functions that Flyte provides to templates."""

import base64
import binascii
import re
import string
from contextlib import suppress

from entrypoints.simulation.pongo2.errors import TemplateRuntimeError
from entrypoints.simulation.pongo2.go_json import decode_json, from_json
from entrypoints.simulation.pongo2.rendering import RenderContext, check_size

_URL_ALPHABET = re.compile(r"[A-Za-z0-9_-]*")


def random_int(context: RenderContext, bound: int) -> object:
    """Returns a random integer from 0 up to, but not including, the bound."""
    if bound <= 0:
        raise TemplateRuntimeError(f"the bound must be above 0, not {bound}")
    return context.environment.rng.randrange(bound)


def random_alpha(context: RenderContext, count: int) -> object:
    """Returns the given number of random letters, lower and upper case."""
    if count < 0:
        raise TemplateRuntimeError("word length must be non-negative")
    return "".join(context.environment.rng.choices(string.ascii_letters, k=check_size(count)))


def base64_encode(_: RenderContext, value: str) -> object:
    """Encodes a string as base64, with the URL-safe alphabet and without padding."""
    return base64.urlsafe_b64encode(value.encode()).decode().rstrip("=")


def base64_decode(_: RenderContext, encoded: str) -> object:
    """Decodes base64 with the URL-safe alphabet and without padding."""
    with suppress(binascii.Error):
        if _URL_ALPHABET.fullmatch(encoded):
            return base64.urlsafe_b64decode(encoded + "=" * (-len(encoded) % 4)).decode(errors="replace")
    raise TemplateRuntimeError("not base64 with the URL-safe alphabet and without padding")


def datastore(context: RenderContext, key: str) -> object:
    """Returns the datastore's item with a key: a text, or a JSON object."""
    items = context.environment.datastore
    if key not in items:
        raise TemplateRuntimeError(f"the datastore has no item '{key}'")
    item = items[key]
    if not isinstance(item, str | dict):
        raise TemplateRuntimeError(f"the item '{key}' of the datastore is neither a text nor a JSON object")
    return from_json(item)


def unmarshal_json(_: RenderContext, value: str) -> object:
    """Parses a JSON object into a map."""
    try:
        decoded = decode_json(value)
    except (ValueError, RecursionError) as error:
        raise TemplateRuntimeError(f"invalid JSON: {error}") from error
    if decoded is None:
        return {}
    if not isinstance(decoded, dict):
        raise TemplateRuntimeError("expected a JSON object")
    return decoded
