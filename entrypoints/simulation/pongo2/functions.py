"""The functions that Flyte provides to templates."""

import base64
import binascii
import json
import re
import string
from contextlib import suppress

from entrypoints.simulation.pongo2.errors import TemplateRuntimeError
from entrypoints.simulation.pongo2.rendering import RenderContext, check_size
from entrypoints.simulation.pongo2.values import describe, from_json, is_integer

_URL_ALPHABET = re.compile(r"[A-Za-z0-9_-]*")


def random_int(context: RenderContext, bound: object) -> object:
    """Returns a random integer from 0 up to, but not including, the bound."""
    limit = _require_integer(bound)
    if limit <= 0:
        raise TemplateRuntimeError(f"the bound must be above 0, not {limit}")
    return context.environment.rng.randrange(limit)


def random_alpha(context: RenderContext, count: object) -> object:
    """Returns the given number of random letters, lower and upper case."""
    if _require_integer(count) < 0:
        raise TemplateRuntimeError("word length must be non-negative")
    return "".join(context.environment.rng.choices(string.ascii_letters, k=check_size(_require_integer(count))))


def base64_encode(_: RenderContext, value: object) -> object:
    """Encodes a string as base64, with the URL-safe alphabet and without padding."""
    return base64.urlsafe_b64encode(_require_string(value).encode()).decode().rstrip("=")


def base64_decode(_: RenderContext, value: object) -> object:
    """Decodes base64 with the URL-safe alphabet and without padding."""
    encoded = _require_string(value)
    with suppress(binascii.Error):
        if _URL_ALPHABET.fullmatch(encoded):
            return base64.urlsafe_b64decode(encoded + "=" * (-len(encoded) % 4)).decode(errors="replace")
    raise TemplateRuntimeError("not base64 with the URL-safe alphabet and without padding")


def datastore(context: RenderContext, key: object) -> object:
    """Returns the datastore's item with a key."""
    items, name = context.environment.datastore, _require_string(key)
    if name not in items:
        raise TemplateRuntimeError(f"the datastore has no item '{name}'")
    return from_json(items[name])


def unmarshal_json(_: RenderContext, value: object) -> object:
    """Parses a JSON object into a map."""
    try:
        decoded = json.loads(_require_string(value))
    except (ValueError, RecursionError) as error:
        raise TemplateRuntimeError(f"invalid JSON: {error}") from error
    if decoded is None:
        return {}
    if not isinstance(decoded, dict):
        raise TemplateRuntimeError("expected a JSON object")
    return from_json(decoded)


def _require_integer(value: object) -> int:
    if not is_integer(value):
        raise TemplateRuntimeError(f"expected an integer, not {describe(value)}; '|integer' makes one")
    return value


def _require_string(value: object) -> str:
    if not isinstance(value, str):
        raise TemplateRuntimeError(f"expected a string, not {describe(value)}")
    return value
