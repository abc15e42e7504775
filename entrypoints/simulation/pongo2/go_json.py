"""Decodes JSON to the values that Go's decoder makes of it."""

import json
import math
import re
from typing import Final

from entrypoints.simulation.pongo2.values import is_integer, to_float

_LONE_SURROGATES: Final = re.compile("[\ud800-\udfff]")


def decode_json(text: str) -> object:
    """Decodes JSON to Go's types, as the server does. Raises ValueError or RecursionError."""
    decoded: object = json.loads(
        text, parse_int=_parse_json_number, parse_float=_parse_json_number, parse_constant=_refuse_constant
    )
    return _without_surrogates(decoded) if "\\u" in text else decoded


def from_json(value: object) -> object:
    """Converts a decoded JSON document to Go's types: every number becomes a float."""
    if isinstance(value, list):
        return [from_json(item) for item in value]
    if isinstance(value, dict):
        return {key: from_json(item) for key, item in value.items()}
    return to_float(value) if is_integer(value) else value


def _parse_json_number(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError(f"cannot represent the number {text[:50]}")
    return number


def _refuse_constant(text: str) -> float:
    raise ValueError(f"invalid character '{text[:1]}'")


def _without_surrogates(value: object) -> object:
    if isinstance(value, str):
        return _LONE_SURROGATES.sub("\ufffd", value)
    if isinstance(value, list):
        return [_without_surrogates(item) for item in value]
    if isinstance(value, dict):
        return {_without_surrogates(key): _without_surrogates(item) for key, item in value.items()}
    return value
