"""Uses the app by the labels of its buttons and fields, for the console and for flow tests."""

from collections.abc import Callable, Iterable, Mapping
from typing import Final

from entrypoints.simulation.console.transcript import Transcript
from entrypoints.simulation.slack.app_use.choices import Choice
from entrypoints.simulation.slack.app_use.elements import Element
from entrypoints.simulation.slack.app_use.forms import FormIncomplete
from entrypoints.simulation.slack.models import JsonObject
from entrypoints.simulation.slack.server import SlackServer
from entrypoints.simulation.workspaces.workspace import ChatMessage, Conversation, NotAllowed, UnknownName

_BUTTON: Final = "button"
_FIELD: Final = "field"


class Controls:
    """The app's elements as people see and use them. Raises UnknownName and NotAllowed, which list the alternatives."""

    def __init__(self, slack: SlackServer, transcript: Transcript) -> None:
        self._slack = slack
        self._transcript = transcript

    def click(self, person: str, room: Conversation, name: str, message: ChatMessage | None = None) -> None:
        """Clicks a button; see `choose`."""
        self._use(person, room, message, (_BUTTON, name), None)

    def choose(
        self, person: str, room: Conversation, choice: Choice, name: str = "", message: ChatMessage | None = None
    ) -> None:
        """Chooses something in a field of a message, by default of the person's open modal.

        Without a modal it is the latest message that has any field, or the Home tab. Without a name it is the only
        field there.
        """
        self._use(person, room, message, (_FIELD, name), choice)

    def submit(self, person: str, values: Mapping[str, Choice]) -> None:
        """Fills in the person's open modal, and submits it."""
        view_id = self._view_id(person)
        known = self._slack.elements_of_view(view_id)
        for field, value in [(_find(known, (_FIELD, name), "the modal"), value) for name, value in values.items()]:
            self._slack.click_in_view(person, view_id, field.action_id, value, block_id=field.block_id)
        try:
            self._slack.submit(person, view_id)
        except FormIncomplete as error:
            labels = {element.block_id: element.label for element in known}
            problems = (f"{labels.get(block_id, block_id)}: {text}" for block_id, text in error.errors.items())
            raise NotAllowed(f"the form cannot be submitted: {'; '.join(problems)}") from error

    def close(self, person: str, *, is_cleared: bool = False) -> None:
        """Closes the person's open modal, or all that lie on one another."""
        self._slack.close_view(person, self._view_id(person), is_cleared=is_cleared)

    def usable(self, person: str, room: Conversation) -> list[Element]:
        """Returns what a person can use without naming a message.

        That is in the open modal, or else in the latest message and the Home tab.
        """
        modal = self._slack.modal(person)
        if modal is not None:
            return self._slack.elements_of_view(str(modal.view["id"]))
        message, home = self._latest(person, room), self._slack.home(person)
        in_message = self._slack.elements(person, room.id, message.timestamp) if message else []
        return [*in_message, *(self._slack.elements_of_view(str(home["id"])) if home else ())]

    def _use(
        self, person: str, room: Conversation, message: ChatMessage | None, wanted: tuple[str, str], choice: Choice
    ) -> None:
        if message is None and self._slack.modal(person) is not None:
            self._use_in_view(person, self._view_id(person), wanted, choice, "the modal")
            return
        home = self._slack.home(person) if message is None else None
        message = message or self._latest(person, room)
        if message is not None and not (home and self._is_only_in_home(person, message, home, wanted)):
            self._use_in_message(person, message, wanted, choice)
        elif home is not None:
            self._use_in_view(person, str(home["id"]), wanted, choice, "the Home tab")
        else:
            raise UnknownName(f"no message in {room.label} has anything to click or choose")

    def _use_in_view(self, person: str, view_id: str, wanted: tuple[str, str], choice: Choice, place: str) -> None:
        used = _find(self._slack.elements_of_view(view_id), wanted, place)
        self._slack.click_in_view(person, view_id, used.action_id, choice, block_id=used.block_id)

    def _use_in_message(self, person: str, message: ChatMessage, wanted: tuple[str, str], choice: Choice) -> None:
        known = self._slack.elements(person, message.channel_id, message.timestamp)
        number = self._transcript.number(message.channel_id, message.timestamp)
        used = _find(known, wanted, f"message [{number}]")
        ids = message.channel_id, message.timestamp, used.action_id
        self._slack.click(person, *ids, choice, block_id=used.block_id)

    def _is_only_in_home(self, person: str, message: ChatMessage, home: JsonObject, wanted: tuple[str, str]) -> bool:
        in_message = self._slack.elements(person, message.channel_id, message.timestamp)
        return not _has(in_message, wanted) and _has(self._slack.elements_of_view(str(home["id"])), wanted)

    def _latest(self, person: str, room: Conversation) -> ChatMessage | None:
        """Returns the latest message in which a person can use anything."""
        messages = self._transcript.messages(room.id, person)
        return next((message for message in messages if self._is_usable(person, message)), None)

    def _is_usable(self, person: str, message: ChatMessage) -> bool:
        try:
            return bool(self._slack.elements(person, message.channel_id, message.timestamp))
        except UnknownName:  # it is deleted
            return False

    def _view_id(self, person: str) -> str:
        modal = self._slack.modal(person)
        if modal is None:
            raise UnknownName(f"{person} sees no modal")
        return str(modal.view["id"])


def describe(given: Iterable[Element]) -> str:
    """Describes the elements to click and choose, by block."""
    blocks: dict[str, list[str]] = {}
    for element in given:
        name = element.label if element.label == element.action_id else f"{element.label} ({element.action_id})"
        blocks.setdefault(element.block_id, []).append(name)
    if not blocks:
        return "there is nothing to click or choose"
    return "there is " + ", ".join(f"{', '.join(names)} in block '{block_id}'" for block_id, names in blocks.items())


def _is_button(element: Element) -> bool:
    return "button" in element.kind and element.kind != "radio_buttons"


def _checked(element: Element, kind: str) -> Element:
    """Returns the element if it is of this kind. Raises NotAllowed."""
    if kind == _BUTTON and not _is_button(element):
        raise NotAllowed(f"'{element.label}' is no button: choose something in it")
    if kind == _FIELD and _is_button(element):
        raise NotAllowed(f"'{element.label}' is a button: click it")
    return element


def _has(known: list[Element], wanted: tuple[str, str]) -> bool:
    try:
        _find(known, wanted, "")
    except UnknownName:
        return False
    return True


def _find(known: list[Element], wanted: tuple[str, str], place: str) -> Element:
    """Returns the element with an `action_id`, a label or the id of its block; for no name the only field.

    Raises UnknownName.
    """
    kind, name = wanted
    ways: tuple[Callable[[Element], bool], ...] = (
        lambda element: element.action_id == name,
        lambda element: element.is_called(name),
        lambda element: element.block_id == name,
    )
    if not name:
        ways = (lambda element: not _is_button(element),)
    found = next(filter(None, ([element for element in known if way(element)] for way in ways)), [])
    if found and (name or len(found) == 1):
        return _checked(found[0], kind)
    missing = f"no {kind} '{name}'" if name else f"more than one {kind}" if found else f"no {kind}"
    raise UnknownName(f"there is {missing} in {place}; {describe(known)}")
