"""Scripted packs: files that say how a pack answers its commands, so that flows with other packs run."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from entrypoints.simulation.flyte import step_evaluator
from entrypoints.simulation.flyte.documents import KeyPath, Reader, read_file, read_values
from entrypoints.simulation.flyte.engine import Flyte
from entrypoints.simulation.flyte.local_pack import LocalPack
from entrypoints.simulation.flyte.models import FATAL, Action, Pack
from entrypoints.simulation.pongo2.rendering import TemplateEnvironment
from entrypoints.simulation.pongo2.template import Template
from entrypoints.simulation.pongo2.values import from_json


@dataclass(frozen=True, slots=True)
class ScriptedAnswer:
    """One way to answer a command: with this event, when `when` is true. `payload` has Templates for strings."""

    when: Template | None
    event: str
    payload: object
    after_seconds: float = 0.0
    """How long the pack takes."""


@dataclass(frozen=True, slots=True)
class PackScript:
    """A pack: its name and labels, and the answers to each of its commands, of which the first that suits is given."""

    name: str
    labels: Mapping[str, str]
    commands: Mapping[str, tuple[ScriptedAnswer, ...]]


def pack_from_file(path: Path) -> PackScript:
    """The pack that a file describes, JSON or YAML by its ending. Raises InvalidDocument."""
    text, is_json = read_file(path)
    document, node = read_values(text, str(path), is_json=is_json)
    return _PackReader(str(path), node).pack(document)


class ScriptedPack:
    """A pack that answers as its script says. Templates see the command's input as `Input`."""

    def __init__(self, script: PackScript, flyte: Flyte, environment: TemplateEnvironment | None = None) -> None:
        self._script = script
        self._environment = environment or TemplateEnvironment()
        self._pack = LocalPack(flyte, Pack.create(script.name, script.labels), self._work)

    def _work(self, action: Action) -> None:
        try:
            event, payload, seconds = self._answer(action)
        except step_evaluator.RenderError as failure:
            event, payload = FATAL, f"the script of {self._script.name} failed: {failure.part}: {failure.error}"
            seconds = 0.0
        if seconds:
            asyncio.get_running_loop().call_later(seconds, self._pack.complete, action, event, payload)
        else:
            self._pack.complete(action, event, payload)

    def _answer(self, action: Action) -> tuple[str, object, float]:
        """What to answer, and after how many seconds. Raises RenderError."""
        if action.name not in self._script.commands:
            return FATAL, f'no handler could be found for command "{action.name}"', 0.0
        names = {"Input": from_json(action.input)}
        for answer in self._script.commands[action.name]:
            if answer.when is None or step_evaluator.is_true("when", answer.when, names, self._environment):
                payload = step_evaluator.render("payload", answer.payload, names, self._environment)
                return answer.event, payload, answer.after_seconds
        return FATAL, f"the script of {self._script.name} has no answer to this {action.name}", 0.0


class _PackReader(Reader):
    """Turns decoded values into a PackScript."""

    def pack(self, document: object) -> PackScript:
        """The pack that the document describes. Raises InvalidDocument."""
        root = self.mapping(document, (), {"name", "description", "labels", "commands"})
        self.text(root, "description", (), "")
        commands = root.get("commands")
        if not isinstance(commands, dict) or not commands:
            raise self.refusal(("commands",), "an object with at least one command expected")
        return PackScript(
            name=self.text(root, "name", ()),
            labels={key: value.source for key, value in self.templates(root.get("labels"), ("labels",)).items()},
            commands={str(name): self._answers(raw, ("commands", str(name))) for name, raw in commands.items()},
        )

    def _answers(self, raw: object, path: KeyPath) -> tuple[ScriptedAnswer, ...]:
        """One answer, or a list of them."""
        if isinstance(raw, list) and raw:
            return tuple(self._answer(one, (*path, index)) for index, one in enumerate(raw))
        return (self._answer(raw, path),)

    def _answer(self, raw: object, path: KeyPath) -> ScriptedAnswer:
        answer = self.mapping(raw, path, {"when", "event", "payload", "after"})
        when = self.text(answer, "when", path, "")
        return ScriptedAnswer(
            when=self.template(when, (*path, "when")) if when else None,
            event=self.text(answer, "event", path),
            payload=self.tree(answer.get("payload"), (*path, "payload")),
            after_seconds=self.seconds(answer, "after", path) or 0.0,
        )
