"""Compares what was expected with what happened, and says in words what differs."""

import json
from collections.abc import Mapping
from typing import Final

from entrypoints.flow_tests.model import Expected, ExpectedCommand, ExpectedEvent, ExpectedMessage
from entrypoints.flow_tests.runtime.event_log import BotMessage, CommandSent, EventSent, Observed
from entrypoints.flow_tests.runtime.names import Names, normalize_channels
from entrypoints.simulation.pongo2.errors import TemplateError
from entrypoints.simulation.pongo2.regex import compile_pattern

_MATCHERS: Final = ("matches", "contains")
_SHORT: Final = 200


def is_same_kind(expected: Expected, happened: Observed) -> bool:
    """Whether something that happened could be what was expected, whatever it holds."""
    match expected, happened:
        case ExpectedMessage(), BotMessage():
            return True
        case ExpectedCommand(), CommandSent():
            return expected.command == happened.command and expected.pack in ("", happened.pack)
        case ExpectedEvent(), EventSent():
            return expected.event == happened.event and expected.pack in ("", happened.pack)
        case _:
            return False


def differences(expected: Expected, happened: Observed, names: Names, room: str) -> list[str]:
    """What keeps something of its kind from being what was expected; nothing when it is. `room`: the usual one."""
    match expected, happened:
        case ExpectedMessage(), BotMessage():
            return _message_differences(expected, happened, names, room)
        case ExpectedCommand(), CommandSent():
            return _value_differences(names, expected.input, happened.input, "input")
        case ExpectedEvent(), EventSent():
            return _value_differences(names, expected.payload, happened.payload, "payload")
        case _:
            return ["it is something else"]


def _message_differences(expected: ExpectedMessage, happened: BotMessage, names: Names, room: str) -> list[str]:
    spoken = happened.spoken
    found = []
    if spoken.channel_label != (expected.room or room):
        found.append(f"it came in {spoken.channel_label}, not in {expected.room or room}")
    elif spoken.thread_timestamp != names.thread_timestamp(expected.thread):
        wanted = f"in the thread of '{expected.thread}'" if expected.thread else "in the channel itself"
        found.append(f"it came {'in another thread' if spoken.thread_timestamp else 'in no thread'}, not {wanted}")
    found += _value_differences(names, expected.text, spoken.text, "the text")
    return found + _value_differences(names, expected.fields, happened.fields, "fields")


def _value_differences(names: Names, expected: object, happened: object, place: str) -> list[str]:
    if expected is None:
        return []
    wanted, given = normalize_channels(names.render(expected)), normalize_channels(happened)
    return [str(names.with_names(found)) for found in json_differences(wanted, given, place)]


def json_differences(wanted: object, given: object, place: str) -> list[str]:
    """What keeps one JSON value from being what another asks for; `place` is what the words call it.

    Objects need only have the keys that are wanted; of texts one can ask that they match or contain something.
    """
    if isinstance(wanted, Mapping) and len(wanted) == 1 and next(iter(wanted)) in _MATCHERS:
        return _mismatch(wanted, given, place)
    if isinstance(wanted, Mapping) and isinstance(given, Mapping):
        return [
            found
            for key, value in wanted.items()
            for found in (
                json_differences(value, given[key], f"{place}.{key}") if key in given else [f"{place} has no '{key}'"]
            )
        ]
    if isinstance(wanted, list) and isinstance(given, list) and len(wanted) == len(given):
        pairs = enumerate(zip(wanted, given, strict=True))
        return [found for index, pair in pairs for found in json_differences(*pair, f"{place}[{index}]")]
    if _equal(wanted, given):
        return []
    return [f"{place} is {_truncate(given)}, not {_truncate(wanted)}"]


def _mismatch(matcher: Mapping[str, object], given: object, place: str) -> list[str]:
    ((kind, wanted),) = matcher.items()
    if not isinstance(given, str):
        return [f"{place} is {_truncate(given)}, which is no text"]
    if kind == "contains":
        return (
            [] if str(wanted) in given else [f"{place} is {_truncate(given)}, and does not contain {_truncate(wanted)}"]
        )
    try:
        is_match = compile_pattern(str(wanted)).search(given) is not None
    except TemplateError as error:
        return [error.message]
    return [] if is_match else [f"{place} is {_truncate(given)}, and does not match {_truncate(wanted)}"]


def _equal(wanted: object, given: object) -> bool:
    """Whether two JSON values are the same; true is not 1."""
    return wanted == given and isinstance(wanted, bool) == isinstance(given, bool)


def _truncate(value: object) -> str:
    written = json.dumps(value, ensure_ascii=False)
    return written if len(written) <= _SHORT else f"{written[:_SHORT]}..."
