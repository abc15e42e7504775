"""Names in the texts of a flow test: they become ids when a text is sent, and ids become names in reports."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from entrypoints.flow_tests.runtime.environment import FlowTestEnvironment
from entrypoints.simulation.flyte import step_evaluator
from entrypoints.simulation.pongo2.template import Template
from entrypoints.simulation.workspaces.workspace import BOT, ChatMessage

_UNKNOWN_THREAD: Final = "unknown"
"""The `ts` of a thread whose first message does not exist yet."""
_MENTION: Final = re.compile(r"<([@#])([\w.-]+)(?:\|[^<>]*)?>")


@dataclass(frozen=True, slots=True)
class Scene:
    """The place and the person of the last step, which are the defaults of expectations."""

    room: str
    person: str


class Names:
    """The names of people and channels, and of the messages that a test has named so far."""

    def __init__(self, environment: FlowTestEnvironment) -> None:
        self._environment = environment
        self._messages: dict[str, ChatMessage] = {}
        self.round = 0
        """`n` in templates: the number of the round in the innermost repetition."""

    def define(self, name: str, message: ChatMessage | None) -> None:
        """Names a message; does nothing without a name or a message."""
        if name and message:
            self._messages[name] = message

    def message(self, name: str) -> ChatMessage | None:
        """Returns the message with this name; None if there is none."""
        return self._messages.get(name)

    def label(self, channel_id: str, timestamp: str) -> str:
        """Returns how reports refer to a message."""
        number = self._environment.transcript.number(channel_id, timestamp)
        return f"message [{number}]" if number else "another message"

    def direct_messages(self, person: str) -> str:
        """Returns the id of the bot's conversation with a person."""
        return self._environment.workspace.conversation(f"@{BOT}", person).id

    def thread_timestamp(self, name: str) -> str:
        """Returns the `ts` of a named message's thread; empty for no name."""
        if name in self._messages:
            return _thread(self._messages[name])
        return _UNKNOWN_THREAD if name else ""

    def thread_label(self, name: str) -> str:
        """Returns how reports show a named message's thread; empty for no name."""
        message = self._messages.get(name)
        if message is None:
            return name and f"(thread of '{name}') "
        return f"(thread of [{self._environment.transcript.number(message.channel_id, _thread(message))}]) "

    def render(self, tree: object) -> object:
        """Renders the templates in a tree, with ids in place of names in mentions. Raises RenderError."""
        ids = self._ids()
        return _replace_mentions(self._render(tree), lambda sign, name: ids[sign].get(name, name))

    def render_typed(self, template: Template) -> str:
        """Renders what a person types, as Slack delivers it; mentions may have Slack's brackets. Raises RenderError."""
        return self._environment.workspace.encode_text(_MENTION.sub(r"\1\2", str(self._render(template))))

    def with_names(self, value: object) -> object:
        """Replaces ids in mentions by names; marks unknown ids with a `?`."""
        names = {sign: {id_: name for name, id_ in ids.items()} for sign, ids in self._ids().items()}
        return _replace_mentions(value, lambda sign, id_: names[sign].get(id_, f"?{id_}"))

    def _render(self, tree: object) -> object:
        messages = {
            name: {"timestamp": message.timestamp, "thread": _thread(message), "text": message.text}
            for name, message in self._messages.items()
        }
        ids = self._ids()
        scope = {"n": self.round, "people": ids["@"], "channels": ids["#"], **messages}
        return step_evaluator.render("text", tree, scope, self._environment.templates)

    def _ids(self) -> Mapping[str, Mapping[str, str]]:
        """Returns the ids of people (`@`) and channels (`#`) by name; flows can create channels."""
        workspace = self._environment.workspace
        channels = {channel.label.removeprefix("#"): channel.id for channel in workspace.conversations()}
        return {"@": dict(workspace.user_ids), "#": channels}


def normalize_channels(value: object) -> object:
    """Reduces mentions to ids: `<#C1|ops>` and `<#C1>` mean the same."""
    return _replace_mentions(value, lambda _, id_: id_)


def _thread(message: ChatMessage) -> str:
    return message.thread_timestamp or message.timestamp


def _replace_mentions(value: object, replace: Callable[[str, str], str]) -> object:
    if isinstance(value, str):
        return _MENTION.sub(lambda found: f"<{found[1]}{replace(found[1], found[2])}>", value)
    if isinstance(value, list):
        return [_replace_mentions(item, replace) for item in value]
    if isinstance(value, Mapping):
        return {key: _replace_mentions(item, replace) for key, item in value.items()}
    return value
