"""Compares expectations with what happened, and words the differences."""

from collections.abc import Mapping
from typing import Final

from entrypoints.flow_tests.model import Expected, ExpectedCommand, ExpectedEvent, ExpectedMessage
from entrypoints.flow_tests.runtime.event_log import BotMessage, CommandSent, EventSent, Observed
from entrypoints.flow_tests.runtime.formatting import format_json
from entrypoints.flow_tests.runtime.names import Names, normalize_channels
from entrypoints.simulation.pongo2.errors import TemplateError
from entrypoints.simulation.pongo2.regex import compile_pattern

_MATCHERS: Final = ("matches", "contains")


def is_same_kind(expected: Expected, observed: Observed) -> bool:
    """Whether something that happened is of the expected kind, whatever its content."""
    match expected, observed:
        case ExpectedMessage(), BotMessage():
            return True
        case ExpectedCommand(), CommandSent():
            return expected.command == observed.command and expected.pack in ("", observed.pack)
        case ExpectedEvent(), EventSent():
            return expected.event == observed.event and expected.pack in ("", observed.pack)
        case _:
            return False


def differences(expected: Expected, observed: Observed, names: Names, room: str) -> list[str]:
    """Returns how something differs from an expectation of its kind; empty when it meets it.

    `room` is the default of messages.
    """
    match expected, observed:
        case ExpectedMessage(), BotMessage():
            return _message_differences(expected, observed, names, room)
        case ExpectedCommand(), CommandSent():
            return _value_differences(names, expected.input, observed.input, "input")
        case ExpectedEvent(), EventSent():
            return _value_differences(names, expected.payload, observed.payload, "payload")
        case _:
            return ["it is something else"]


def _message_differences(expected: ExpectedMessage, observed: BotMessage, names: Names, room: str) -> list[str]:
    message, room = observed.message, expected.room or room
    found = []
    if message.channel_label != room:
        found.append(f"it came in {message.channel_label}, not in {room}")
    elif message.thread_timestamp != names.thread_timestamp(expected.thread):
        wanted = f"in the thread of '{expected.thread}'" if expected.thread else "in the channel itself"
        found.append(f"it came {'in another thread' if message.thread_timestamp else 'in no thread'}, not {wanted}")
    found += _value_differences(names, expected.text, message.text, "the text")
    return found + _value_differences(names, expected.fields, observed.fields, "fields")


def _value_differences(names: Names, expected: object, observed: object, place: str) -> list[str]:
    if expected is None:
        return []
    wanted, given = normalize_channels(names.render(expected)), normalize_channels(observed)
    return [str(names.with_names(found)) for found in json_differences(wanted, given, place)]


def json_differences(wanted: object, given: object, place: str) -> list[str]:
    """Returns how a JSON value differs from the wanted one; `place` names the value.

    Objects may have more keys than wanted. Wanted strings may be matchers: `{matches: ...}` or `{contains: ...}`.
    """
    if isinstance(wanted, Mapping) and len(wanted) == 1 and next(iter(wanted)) in _MATCHERS:
        return _mismatch(wanted, given, place)
    if isinstance(wanted, Mapping) and isinstance(given, Mapping):
        found = []
        for key, value in wanted.items():
            missing = [f"{place} has no '{key}'"]
            found += json_differences(value, given[key], f"{place}.{key}") if key in given else missing
        return found
    if isinstance(wanted, list) and isinstance(given, list) and len(wanted) == len(given):
        pairs = enumerate(zip(wanted, given, strict=True))
        return [found for index, pair in pairs for found in json_differences(*pair, f"{place}[{index}]")]
    if wanted == given and isinstance(wanted, bool) == isinstance(given, bool):  # true is not 1
        return []
    return [f"{place} is {format_json(given)}, not {format_json(wanted)}"]


def _mismatch(matcher: Mapping[str, object], given: object, place: str) -> list[str]:
    ((kind, wanted),) = matcher.items()
    if not isinstance(given, str):
        return [f"{place} is {format_json(given)}, not a text"]
    if kind == "contains":
        is_match, verb = str(wanted) in given, "contain"
    else:
        try:
            is_match, verb = compile_pattern(str(wanted)).search(given) is not None, "match"
        except TemplateError as error:
            return [error.message]
    return [] if is_match else [f"{place} is {format_json(given)}, and does not {verb} {format_json(wanted)}"]
