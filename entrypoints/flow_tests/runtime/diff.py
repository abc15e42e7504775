"""Compares expectations with what happened, and words the differences."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Final

from entrypoints.flow_tests.expected import (
    Expected,
    ExpectedCommand,
    ExpectedDeletion,
    ExpectedDirectMessage,
    ExpectedEphemeral,
    ExpectedEvent,
    ExpectedFile,
    ExpectedHome,
    ExpectedMessage,
    ExpectedModal,
    ExpectedReaction,
    ExpectedUpdate,
)
from entrypoints.flow_tests.runtime.formatting import format_json
from entrypoints.flow_tests.runtime.names import Names, Scene, normalize_channels
from entrypoints.flow_tests.runtime.observed import (
    BotDeletion,
    BotEphemeral,
    BotMessage,
    BotReaction,
    BotUpdate,
    BotView,
    CommandSent,
    EventSent,
    Observed,
    SharedFile,
)
from entrypoints.simulation.console.controls import describe
from entrypoints.simulation.pongo2.errors import TemplateError
from entrypoints.simulation.pongo2.regex import compile_pattern
from entrypoints.simulation.slack.app_use.elements import Element, elements, message_elements
from entrypoints.simulation.workspaces.message_text import view_text
from entrypoints.simulation.workspaces.workspace import BOT, ChatMessage, ViewShown

_MATCHERS: Final = ("matches", "contains")
_KINDS: Final[Mapping[type[Expected], type[Observed]]] = {
    ExpectedMessage: BotMessage,
    ExpectedEphemeral: BotEphemeral,
    ExpectedDirectMessage: BotMessage,
    ExpectedUpdate: BotUpdate,
    ExpectedDeletion: BotDeletion,
    ExpectedReaction: BotReaction,
    ExpectedModal: BotView,
    ExpectedHome: BotView,
    ExpectedFile: BotMessage,
    ExpectedCommand: CommandSent,
    ExpectedEvent: EventSent,
}


def is_same_kind(expected: Expected, observed: Observed) -> bool:
    """Whether something that happened is of the expected kind, whatever its content."""
    is_same = isinstance(observed, _KINDS[type(expected)])
    match expected, observed:
        case ExpectedDirectMessage(), BotMessage(message=message):
            is_same = message.channel_label == f"@{BOT}"
        case ExpectedFile(), BotMessage(files=files):
            is_same = bool(files)
        case ((ExpectedModal() | ExpectedHome()), BotView(notice=notice)):
            is_same = notice.view["type"] == ("modal" if isinstance(expected, ExpectedModal) else "home")
        case ExpectedCommand(command=name, pack=pack), CommandSent():
            is_same = name == observed.command and pack in ("", observed.pack)
        case ExpectedEvent(event=name, pack=pack), EventSent():
            is_same = name == observed.event and pack in ("", observed.pack)
    return is_same


def differences(expected: Expected, observed: Observed, names: Names, scene: Scene) -> list[str]:
    """Returns how something differs from an expectation of its kind; empty when it meets it."""
    return list(_Comparison(names, scene).differences(expected, observed))


class _Comparison:
    def __init__(self, names: Names, scene: Scene) -> None:
        self._names = names
        self._scene = scene

    def differences(self, expected: Expected, observed: Observed) -> Iterator[str]:
        match observed:
            case BotMessage() | BotEphemeral() | BotUpdate():
                yield from self._message(expected, observed)
            case BotView(notice=shown):
                yield from self._view(expected, shown)
            case _:
                yield from self._other(expected, observed)

    def _message(self, expected: Expected, observed: BotMessage | BotEphemeral | BotUpdate) -> Iterator[str]:
        message = observed.message
        match expected, observed:
            case ExpectedMessage(), BotMessage(fields=fields):
                yield from self._place(message, expected.room, expected.thread)
                yield from self._content(expected, message, fields)
            case ExpectedDirectMessage(), BotMessage(fields=fields):
                yield from self._recipient(expected.person, message)
                yield from self._place(message, message.channel_label, expected.thread)
                yield from self._content(expected, message, fields)
            case ExpectedFile(), BotMessage(files=files):
                yield from self._place(message, expected.room, expected.thread)
                yield from self.value(expected.text, message.text, "the text")
                yield from self._file(expected, files)
            case ExpectedEphemeral(), BotEphemeral():
                yield from self._viewer(expected.person, message.viewer)
                yield from self._place(message, expected.room, expected.thread)
                yield from self._content(expected, message, message.content)
            case ExpectedUpdate(), BotUpdate():
                yield from self._target(expected.message, message.channel_id, message.timestamp)
                yield from self._content(expected, message, message.content)

    def _view(self, expected: Expected, shown: ViewShown) -> Iterator[str]:
        if isinstance(expected, ExpectedModal | ExpectedHome):
            yield from self._viewer(expected.person, shown.viewer)
            if isinstance(expected, ExpectedModal):
                yield from self.value(expected.title, _plain(shown.view.get("title")), "the title")
            yield from self.value(expected.text, view_text(shown.view), "the text")
            yield from self.value(expected.fields, shown.view, "fields")
            yield from self._actions(expected.actions, list(elements(shown.view.get("blocks"))))

    def _other(self, expected: Expected, observed: Observed) -> Iterator[str]:
        match expected, observed:
            case ExpectedDeletion(), BotDeletion(notice=notice):
                yield from self._target(expected.message, notice.channel_id, notice.timestamp)
            case ExpectedReaction(), BotReaction(notice=reaction):
                emoji = expected.emoji.strip(":")
                if emoji != reaction.emoji:
                    yield f"it is :{reaction.emoji}:, not :{emoji}:"
                if expected.is_removed == reaction.is_added:
                    yield f"it is {'added' if reaction.is_added else 'removed'}"
                yield from self._target(expected.message, reaction.channel_id, reaction.timestamp)
            case ExpectedCommand(), CommandSent():
                yield from self.value(expected.input, observed.input, "input")
            case ExpectedEvent(), EventSent():
                yield from self.value(expected.payload, observed.payload, "payload")

    def value(self, expected: object, observed: object, place: str) -> Iterator[str]:
        if expected is not None:
            wanted, given = normalize_channels(self._names.render(expected)), normalize_channels(observed)
            yield from (str(self._names.with_names(found)) for found in json_differences(wanted, given, place))

    def _place(self, message: ChatMessage, room: str, thread: str) -> Iterator[str]:
        room = room or self._scene.room
        if message.channel_label != room:
            yield f"it came in {message.channel_label}, not in {room}"
        elif message.thread_timestamp != self._names.thread_timestamp(thread):
            wanted = f"in the thread of '{thread}'" if thread else "in the channel itself"
            yield f"it came {'in another thread' if message.thread_timestamp else 'in no thread'}, not {wanted}"

    def _content(
        self, expected: ExpectedMessage | ExpectedEphemeral | ExpectedDirectMessage | ExpectedUpdate,
        message: ChatMessage, fields: object,
    ) -> Iterator[str]:  # fmt: skip
        yield from self.value(expected.text, message.text, "the text")
        yield from self.value(expected.fields, fields, "fields")
        yield from self._actions(expected.actions, message_elements(message.content))

    def _actions(self, expected: object, given: list[Element]) -> Iterator[str]:
        wanted = self._names.render(expected)
        if not isinstance(wanted, list):
            return
        for label in wanted:
            if not any(_is_called(element, str(label)) for element in given):
                yield f"there is no '{label}'; {describe(given)}"
                return
        pairs = zip(wanted, given, strict=False)
        if len(wanted) != len(given) or not all(_is_called(element, str(label)) for label, element in pairs):
            yield f"{describe(given)}, not only {', '.join(map(str, wanted))} in this order"

    def _viewer(self, person: str, viewer: str) -> Iterator[str]:
        person = person or self._scene.person
        if viewer != person:
            yield f"{viewer} sees it, not {person}"

    def _recipient(self, person: str, message: ChatMessage) -> Iterator[str]:
        person = person or self._scene.person
        if message.channel_id != self._names.direct_messages(person):
            yield f"it did not go to {person}"

    def _target(self, name: str, channel_id: str, timestamp: str) -> Iterator[str]:
        target = self._names.message(name)
        if name and (target is None or (target.channel_id, target.timestamp) != (channel_id, timestamp)):
            yield f"it is about {self._names.label(channel_id, timestamp)}, not about '{name}'"

    def _file(self, expected: ExpectedFile, files: Iterable[SharedFile]) -> Iterator[str]:
        """Yields how the most similar of the files differs."""
        yield from min(([*self._file_differences(expected, file)] for file in files), key=len)

    def _file_differences(self, expected: ExpectedFile, file: SharedFile) -> Iterator[str]:
        yield from self.value(expected.filename, file.name, "the name")
        yield from self.value(expected.title, file.title, "the title")
        yield from self.value(expected.content, file.content, "the content")


def _is_called(element: Element, label: str) -> bool:
    return label == element.action_id or element.is_called(label)


def _plain(text: object) -> object:
    return text.get("text") if isinstance(text, Mapping) else text


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
