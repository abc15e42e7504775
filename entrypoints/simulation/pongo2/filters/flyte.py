"""The filters that Flyte adds to pongo2's."""

from entrypoints.simulation.pongo2 import cron
from entrypoints.simulation.pongo2.errors import TemplateRuntimeError
from entrypoints.simulation.pongo2.regex import compile_pattern
from entrypoints.simulation.pongo2.rfc3339 import parse
from entrypoints.simulation.pongo2.values import describe, item_at, to_integer, to_text

_GO_SPACES = r"\s+"


def extract_match(value: object, argument: object) -> object:
    """The first group of the regular expression; the whole value when it does not match or has no group."""
    found = compile_pattern(to_text(argument)).search(to_text(value))
    if found is None or not found.groups():
        return to_text(value)
    return found.group(1) or ""


def index(value: object, argument: object) -> object:
    """The item or character at a position from 0."""
    if not isinstance(value, str | list) or not value:
        return ""
    return item_at(value, to_integer(argument))


def key(value: object, argument: object) -> object:
    """The value under a key of a map."""
    if value is None:
        return None
    if not isinstance(value, dict):
        raise TemplateRuntimeError(f"{describe(value)} has no keys")
    return value.get(to_text(argument))


def kvp(value: object) -> object:
    """The map that `a=1, b=2` writes."""
    pairs = (pair.split("=") for pair in to_text(value).split(","))
    return {pair[0].strip(): pair[1].strip() for pair in pairs if len(pair) == len(("key", "value"))}


def match(value: object, argument: object) -> object:
    """Whether the regular expression (RE2) matches anywhere."""
    try:
        pattern = compile_pattern(to_text(argument))
    except TemplateRuntimeError:
        # The server takes an expression that it can't read for one that does not match. One that is written out in
        # the flow is refused when the flow is read; this is one that was put together from values.
        return False
    return pattern.search(to_text(value)) is not None


def matches_cron(value: object, argument: object) -> object:
    """Whether a time (RFC 3339) falls into the minutes of a cron expression."""
    moment = parse(to_text(value))
    if moment is None:
        raise TemplateRuntimeError(f"'{to_text(value)}' is no RFC 3339 time")
    return cron.parse_schedule(to_text(argument)).includes(moment)


def removedupwhitespaces(value: object) -> object:
    """Makes one space of all white space in a row, and none at the end."""
    return compile_pattern(_GO_SPACES).sub(" ", to_text(value)).rstrip(" ")


def safecopypaste(value: object) -> object:
    """Makes plain spaces of non-breaking ones."""
    return to_text(value).replace("\u00a0", " ")
