"""What the texts of a flow test mean in its world: names become ids, and ids in what happened become names again."""

import re
from collections.abc import Callable, Mapping
from typing import Final

from entrypoints.flow_tests.runtime.environment import FlowTestEnvironment
from entrypoints.simulation.flyte import step_evaluator
from entrypoints.simulation.pongo2.template import Template
from entrypoints.simulation.workspaces.workspace import ChatMessage

_NOT_YET: Final = "not yet"
_MENTION: Final = re.compile(r"<([@#])([\w.-]+)(?:\|[^<>]*)?>")


class Names:
    """The names of a world, and of the messages that a test has named so far."""

    def __init__(self, world: FlowTestEnvironment) -> None:
        self._world = world
        rooms = {room.label.removeprefix("#"): room.id for room in world.workspace.conversations()}
        self._ids = {"@": dict(world.workspace.user_ids), "#": rooms}
        self._handles = {sign: {found: name for name, found in ids.items()} for sign, ids in self._ids.items()}
        self._messages: dict[str, ChatMessage] = {}
        self.round = 0
        """`n` in templates: which round of the innermost repetition it is."""

    def define(self, name: str, message: ChatMessage | None) -> None:
        """Let a message be known by a name; without one nothing happens."""
        if name and message:
            self._messages[name] = message

    def thread_timestamp(self, name: str) -> str:
        """The `ts` of the thread of a message; empty for no name, and no real one for a message still to come."""
        return "" if not name else _thread(self._messages[name]) if name in self._messages else _NOT_YET

    def thread_label(self, name: str) -> str:
        """How a thread is written beside a message that stands in it; empty for no name."""
        message = self._messages.get(name)
        if message is None:
            return name and f"(thread of '{name}') "
        number = self._world.transcript.number(message.channel_id, _thread(message))
        return f"(thread of [{number}]) "

    def render(self, tree: object) -> object:
        """The tree with its templates rendered, and ids in the place of names in mentions. Raises RenderError."""
        return self._with_ids(step_evaluator.render("text", tree, self._scope(), self._world.surroundings))

    def render_text(self, template: Template) -> str:
        """The same for a text."""
        return str(self.render(template))

    def render_typed(self, template: Template) -> str:
        """What somebody types, as Slack passes it on. Mentions may stand in Slack's brackets or not."""
        typed = step_evaluator.render("text", template, self._scope(), self._world.surroundings)
        return self._world.workspace.encode_text(_MENTION.sub(r"\1\2", str(typed)))

    def with_names(self, value: object) -> object:
        """What happened, with names in the place of ids in mentions, and a `?` before those that mention nobody."""
        return _replace_mentions(
            value, lambda found: f"<{found[1]}{self._handles[found[1]].get(found[2], '?' + found[2])}>"
        )

    def _with_ids(self, value: object) -> object:
        return _replace_mentions(value, lambda found: f"<{found[1]}{self._ids[found[1]].get(found[2], found[2])}>")

    def _scope(self) -> Mapping[str, object]:
        messages = {
            name: {"timestamp": spoken.timestamp, "thread": _thread(spoken), "text": spoken.text}
            for name, spoken in self._messages.items()
        }
        return {"n": self.round, "people": self._ids["@"], "channels": self._ids["#"], **messages}


def _thread(spoken: ChatMessage) -> str:
    return spoken.thread_timestamp or spoken.timestamp


def _replace_mentions(value: object, written: Callable[[re.Match[str]], str]) -> object:
    if isinstance(value, str):
        return _MENTION.sub(written, value)
    if isinstance(value, list):
        return [_replace_mentions(item, written) for item in value]
    if isinstance(value, Mapping):
        return {key: _replace_mentions(item, written) for key, item in value.items()}
    return value


def normalize_channels(value: object) -> object:
    """The value with mentions of channels as ids alone: `<#C1|ops>` and `<#C1>` mean the same."""
    return _replace_mentions(value, lambda found: f"<{found[1]}{found[2]}>")
