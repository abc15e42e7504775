"""Compares what was expected with what happened, and says in words what differs."""

import json
from collections.abc import Mapping
from typing import Final

from entrypoints.flow_tests.model import Expected, ExpectedCommand, ExpectedEvent, ExpectedMessage
from entrypoints.flow_tests.runtime.event_log import BotMessage, CommandSent, EventSent, Happened
from entrypoints.flow_tests.runtime.names import Names, same_channels
from entrypoints.simulation.pongo2.errors import TemplateError
from entrypoints.simulation.pongo2.regex import compiled

_MATCHERS: Final = ("matches", "contains")
_SHORT: Final = 200


def is_of_its_kind(expected: Expected, happened: Happened) -> bool:
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


def differences(expected: Expected, happened: Happened, names: Names, room: str) -> list[str]:
    """What keeps something of its kind from being what was expected; nothing when it is. `room`: the usual one."""
    match expected, happened:
        case ExpectedMessage(), BotMessage():
            return _of_message(expected, happened, names, room)
        case ExpectedCommand(), CommandSent():
            return _of(names, expected.input, happened.input, "input")
        case ExpectedEvent(), EventSent():
            return _of(names, expected.payload, happened.payload, "payload")
        case _:
            return ["it is something else"]


def _of_message(expected: ExpectedMessage, happened: BotMessage, names: Names, room: str) -> list[str]:
    spoken = happened.spoken
    found = []
    if spoken.channel_label != (expected.room or room):
        found.append(f"it came in {spoken.channel_label}, not in {expected.room or room}")
    elif spoken.thread_timestamp != names.thread(expected.thread):
        wanted = f"in the thread of '{expected.thread}'" if expected.thread else "in the channel itself"
        found.append(f"it came {'in another thread' if spoken.thread_timestamp else 'in no thread'}, not {wanted}")
    found += _of(names, expected.text, spoken.text, "the text")
    return found + _of(names, expected.fields, happened.fields, "fields")


def _of(names: Names, expected: object, happened: object, place: str) -> list[str]:
    if expected is None:
        return []
    wanted, given = same_channels(names.filled(expected)), same_channels(happened)
    return [str(names.readable(found)) for found in tree_differences(wanted, given, place)]


def tree_differences(wanted: object, given: object, place: str) -> list[str]:
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
                tree_differences(value, given[key], f"{place}.{key}") if key in given else [f"{place} has no '{key}'"]
            )
        ]
    if isinstance(wanted, list) and isinstance(given, list) and len(wanted) == len(given):
        pairs = enumerate(zip(wanted, given, strict=True))
        return [found for index, pair in pairs for found in tree_differences(*pair, f"{place}[{index}]")]
    if _is_same(wanted, given):
        return []
    return [f"{place} is {_shown(given)}, not {_shown(wanted)}"]


def _mismatch(matcher: Mapping[str, object], given: object, place: str) -> list[str]:
    ((kind, wanted),) = matcher.items()
    if not isinstance(given, str):
        return [f"{place} is {_shown(given)}, which is no text"]
    if kind == "contains":
        return [] if str(wanted) in given else [f"{place} is {_shown(given)}, and does not contain {_shown(wanted)}"]
    try:
        is_match = compiled(str(wanted)).search(given) is not None
    except TemplateError as error:
        return [error.message]
    return [] if is_match else [f"{place} is {_shown(given)}, and does not match {_shown(wanted)}"]


def _is_same(wanted: object, given: object) -> bool:
    """Whether two JSON values are the same; true is not 1."""
    return wanted == given and isinstance(wanted, bool) == isinstance(given, bool)


def _shown(value: object) -> str:
    written = json.dumps(value, ensure_ascii=False)
    return written if len(written) <= _SHORT else f"{written[:_SHORT]}..."
