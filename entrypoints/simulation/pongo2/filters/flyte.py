"""The filters that Flyte adds to pongo2's."""

from entrypoints.simulation.pongo2 import cron
from entrypoints.simulation.pongo2.errors import TemplateRuntimeError
from entrypoints.simulation.pongo2.regex import compile_pattern
from entrypoints.simulation.pongo2.rfc3339 import parse
from entrypoints.simulation.pongo2.values import describe, item_at, to_integer, to_text


def extract_match(value: object, argument: object) -> object:
    """The first group of the regular expression; the whole value if it does not match or has no group."""
    found = compile_pattern(to_text(argument)).search(to_text(value))
    if found is None or not found.groups():
        return to_text(value)
    return found.group(1) or ""


def index(value: object, argument: object) -> object:
    """The item or character at a position from 0."""
    return item_at(value, to_integer(argument)) if isinstance(value, str | list) and value else ""


def key(value: object, argument: object) -> object:
    """The value of a key in a map."""
    if value is None:
        return None
    if not isinstance(value, dict):
        raise TemplateRuntimeError(f"{describe(value)} has no keys")
    return value.get(to_text(argument))


def kvp(value: object) -> object:
    """Parses `a=1, b=2` into a map."""
    pairs = [pair.split("=") for pair in to_text(value).split(",")]
    return {pair[0].strip(): pair[1].strip() for pair in pairs if len(pair) == len(("key", "value"))}


def match(value: object, argument: object) -> object:
    """Whether the regular expression (RE2) matches anywhere."""
    try:
        pattern = compile_pattern(to_text(argument))
    except TemplateRuntimeError:
        return False
    return pattern.search(to_text(value)) is not None


def matches_cron(value: object, argument: object) -> object:
    """Whether an RFC 3339 time matches a cron expression, to the minute."""
    time = parse(to_text(value))
    if time is None:
        raise TemplateRuntimeError(f"'{to_text(value)}' is not an RFC 3339 time")
    return cron.matches(to_text(argument), time)


def removedupwhitespaces(value: object) -> object:
    """Replaces each run of white space by one space, and removes it from the end."""
    return compile_pattern(r"\s+").sub(" ", to_text(value)).rstrip(" ")


def safecopypaste(value: object) -> object:
    """Replaces non-breaking spaces by plain ones."""
    return to_text(value).replace("\u00a0", " ")
