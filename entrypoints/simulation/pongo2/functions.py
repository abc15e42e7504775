"""The functions that Flyte gives to templates."""

import base64
import binascii
import json
import re
import string
from collections.abc import Callable
from dataclasses import dataclass

from entrypoints.simulation.pongo2.errors import TemplateRuntimeError
from entrypoints.simulation.pongo2.rendering import RenderContext, check_size
from entrypoints.simulation.pongo2.values import describe, from_json, is_integer, to_text

_URL_ALPHABET = re.compile(r"[A-Za-z0-9_-]*")


@dataclass(frozen=True, slots=True)
class TemplateFunction:
    """A function, its name and how many arguments it takes."""

    name: str
    arity: int
    body: Callable[..., object]

    def __call__(self, context: RenderContext, *arguments: object) -> object:
        """Its value; raises TemplateRuntimeError."""
        if len(arguments) != self.arity:
            raise TemplateRuntimeError(f"'{self.name}' takes {self.arity} arguments, not {len(arguments)}")
        return self.body(context, *arguments)


def random_int(context: RenderContext, bound: object) -> object:
    """A whole number from 0 up to and without the bound."""
    limit = _whole(bound)
    if limit <= 0:
        raise TemplateRuntimeError(f"the bound has to be above 0, not {limit}")
    return context.environment.rng.randrange(limit)


def random_alpha(context: RenderContext, count: object) -> object:
    """So many letters, small ones and capitals."""
    if _whole(count) < 0:
        raise TemplateRuntimeError("word length must be non-negative")
    return "".join(context.environment.rng.choices(string.ascii_letters, k=check_size(_whole(count))))


def base64_encode(_: RenderContext, value: object) -> object:
    """A text in base64, with the alphabet for addresses and no padding."""
    return base64.urlsafe_b64encode(_text(value).encode()).decode().rstrip("=")


def base64_decode(_: RenderContext, value: object) -> object:
    """The text that base64 writes, with the alphabet for addresses and no padding."""
    written = _text(value)
    if not _URL_ALPHABET.fullmatch(written):
        raise TemplateRuntimeError("that is no base64 with the alphabet for addresses, unpadded")
    try:
        return base64.urlsafe_b64decode(written + "=" * (-len(written) % 4)).decode(errors="replace")
    except binascii.Error as error:
        raise TemplateRuntimeError("that is no base64 with the alphabet for addresses, unpadded") from error


def datastore(context: RenderContext, key: object) -> object:
    """What Flyte's datastore holds under a key."""
    items = context.environment.datastore
    if _text(key) not in items:
        raise TemplateRuntimeError(f"the datastore has no item '{to_text(key)}'")
    return from_json(items[_text(key)])


def unmarshal_json(_: RenderContext, value: object) -> object:
    """The map that a JSON object writes."""
    try:
        decoded = json.loads(_text(value))
    except (ValueError, RecursionError) as error:
        raise TemplateRuntimeError(f"that is no JSON: {error}") from error
    if decoded is None:
        return {}
    if not isinstance(decoded, dict):
        raise TemplateRuntimeError("that is no JSON object")
    return from_json(decoded)


def _whole(value: object) -> int:
    if not isinstance(value, int) or not is_integer(value):
        raise TemplateRuntimeError(f"an integer expected, not {describe(value)}; '|integer' makes one")
    return value


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TemplateRuntimeError(f"a text expected, not {describe(value)}")
    return value
