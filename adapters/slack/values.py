"""Reads fields of Slack's JSON, which can hold anything: what has another type counts as missing."""

from collections.abc import Mapping

from domain.json_values import Json, JsonObject


def text(value: object) -> str:
    """Returns the text; empty for anything else."""
    return value if isinstance(value, str) else ""


def json_object(value: Json) -> JsonObject:
    """Returns the object; an empty one for anything else."""
    return value if isinstance(value, dict) else {}


def json_list(value: object) -> list[Json]:
    """Returns the list; an empty one for anything else."""
    return value if isinstance(value, list) else []


def object_list(body: Mapping[str, Json], name: str) -> list[JsonObject]:
    """Returns the objects of a list, without anything else in it."""
    return [item for item in json_list(body.get(name)) if isinstance(item, dict)]


def required_text(body: Mapping[str, Json], name: str) -> str:
    """Returns a text. Raises ValueError if it is missing, empty or no text."""
    if found := text(body.get(name)):
        return found
    raise ValueError(f"missing or not a text: {name}")
