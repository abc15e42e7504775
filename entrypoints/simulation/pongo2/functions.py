"""The functions that Flyte gives to templates."""

import base64
import binascii
import json
import re
import string
from collections.abc import Callable
from dataclasses import dataclass

from entrypoints.simulation.pongo2.errors import TemplateFailedError
from entrypoints.simulation.pongo2.rendering import Run, bounded
from entrypoints.simulation.pongo2.values import described, from_json, is_integer, text

_URL_ALPHABET = re.compile(r"[A-Za-z0-9_-]*")


@dataclass(frozen=True, slots=True)
class FlyteFunction:
    """A function, its name and how many arguments it takes."""

    name: str
    arity: int
    body: Callable[..., object]

    def __call__(self, run: Run, *arguments: object) -> object:
        """Its value; raises TemplateFailedError."""
        if len(arguments) != self.arity:
            raise TemplateFailedError(f"'{self.name}' takes {self.arity} arguments, not {len(arguments)}")
        return self.body(run, *arguments)


def random_int(run: Run, bound: object) -> object:
    """A whole number from 0 up to and without the bound."""
    limit = _whole(bound)
    if limit <= 0:
        raise TemplateFailedError(f"the bound has to be above 0, not {limit}")
    return run.surroundings.dice.randrange(limit)


def random_alpha(run: Run, count: object) -> object:
    """So many letters, small ones and capitals."""
    if _whole(count) < 0:
        raise TemplateFailedError("word length must be non-negative")
    return "".join(run.surroundings.dice.choices(string.ascii_letters, k=bounded(_whole(count))))


def base64_encode(_: Run, value: object) -> object:
    """A text in base64, with the alphabet for addresses and no padding."""
    return base64.urlsafe_b64encode(_text(value).encode()).decode().rstrip("=")


def base64_decode(_: Run, value: object) -> object:
    """The text that base64 writes, with the alphabet for addresses and no padding."""
    written = _text(value)
    if not _URL_ALPHABET.fullmatch(written):
        raise TemplateFailedError("that is no base64 with the alphabet for addresses, unpadded")
    try:
        return base64.urlsafe_b64decode(written + "=" * (-len(written) % 4)).decode(errors="replace")
    except binascii.Error as error:
        raise TemplateFailedError("that is no base64 with the alphabet for addresses, unpadded") from error


def datastore(run: Run, key: object) -> object:
    """What Flyte's datastore holds under a key."""
    items = run.surroundings.datastore
    if _text(key) not in items:
        raise TemplateFailedError(f"the datastore has no item '{text(key)}'")
    return from_json(items[_text(key)])


def unmarshal_json(_: Run, value: object) -> object:
    """The map that a JSON object writes."""
    try:
        decoded = json.loads(_text(value))
    except (ValueError, RecursionError) as error:
        raise TemplateFailedError(f"that is no JSON: {error}") from error
    if decoded is None:
        return {}
    if not isinstance(decoded, dict):
        raise TemplateFailedError("that is no JSON object")
    return from_json(decoded)


def _whole(value: object) -> int:
    if not isinstance(value, int) or not is_integer(value):
        raise TemplateFailedError(f"an integer expected, not {described(value)}; '|integer' makes one")
    return value


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TemplateFailedError(f"a text expected, not {described(value)}")
    return value
