"""Scripted packs: files that define how a pack answers commands, so that flows with other packs run."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

from marshmallow import fields, validate

from entrypoints.simulation.flyte import step_evaluator
from entrypoints.simulation.flyte.document_fields import MappingField, Text
from entrypoints.simulation.flyte.document_schemas import schema_for
from entrypoints.simulation.flyte.documents import read_document
from entrypoints.simulation.flyte.empty_keys import refuse_empty_keys
from entrypoints.simulation.flyte.engine import Flyte
from entrypoints.simulation.flyte.file_kinds import other_kind
from entrypoints.simulation.flyte.local_pack import LocalPack
from entrypoints.simulation.flyte.models import FATAL, Action, Pack
from entrypoints.simulation.pongo2.go_json import from_json
from entrypoints.simulation.pongo2.rendering import TemplateEnvironment
from entrypoints.simulation.pongo2.template import Template


@dataclass(frozen=True, slots=True, kw_only=True)
class ScriptedAnswer:
    """An answer to a command, given when `when` renders to true."""

    when: Template | None = None
    event: str
    payload: object = None
    """A JSON value with a Template in place of each string."""
    after_seconds: float = 0.0
    """How long the pack takes to answer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PackScript:
    """A pack's name, labels, and answers to each of its commands; the first that applies is given."""

    name: str
    labels: Mapping[str, str] = field(default_factory=dict)
    commands: Mapping[str, tuple[ScriptedAnswer, ...]]


def pack_from_file(path: Path) -> PackScript:
    """Loads the script in a JSON (`.json`) or YAML file. Raises InvalidDocument."""
    document = read_document(path)
    if kind := other_kind(document.data, "commands"):
        raise document.error((), kind)
    refuse_empty_keys(document)
    return cast("PackScript", document.load(_PACK, document.data))


class ScriptedPack:
    """A pack that answers by its script. In templates, `Input` is the command's input."""

    def __init__(self, script: PackScript, flyte: Flyte, environment: TemplateEnvironment | None = None) -> None:
        self._script = script
        self._flyte = flyte
        self._environment = environment or TemplateEnvironment()
        self._pack = self._register()

    @property
    def script(self) -> PackScript:
        """The script that gives the answers of the pack now."""
        return self._script

    def replace_script(self, script: PackScript) -> None:
        """Answers by another script from now on. A pack whose name or labels differ registers anew."""
        is_same = (script.name, script.labels) == (self._script.name, self._script.labels)
        self._script = script
        if not is_same:
            self._pack.unregister()
            self._pack = self._register()

    def _register(self) -> LocalPack:
        return LocalPack(self._flyte, Pack.create(self._script.name, self._script.labels), self._answer)

    def _answer(self, action: Action) -> None:
        try:
            event, payload, seconds = self._select(action)
        except step_evaluator.RenderError as failure:
            event, payload = FATAL, f"the script of {self._script.name} failed: {failure.part}: {failure.error.message}"
            seconds = 0.0
        if seconds:
            asyncio.get_running_loop().call_later(seconds, self._pack.complete, action, event, payload)
        else:
            self._pack.complete(action, event, payload)

    def _select(self, action: Action) -> tuple[str, object, float]:
        """Returns the answer's event and payload, and its delay in seconds. Raises RenderError."""
        if action.name not in self._script.commands:
            return FATAL, f'no handler could be found for command "{action.name}"', 0.0
        names = {"Input": from_json(action.input)}
        for answer in self._script.commands[action.name]:
            if answer.when is None or step_evaluator.is_true("when", answer.when, names, self._environment):
                payload = step_evaluator.render("payload", answer.payload, names, self._environment)
                return answer.event, payload, answer.after_seconds
        return FATAL, f"the script of {self._script.name} has no answer to this {action.name}", 0.0


_ANSWER = schema_for(ScriptedAnswer, after_seconds="after")
_ANSWER_LIST = fields.List(fields.Nested(_ANSWER))


class _Answers(fields.Field[tuple[ScriptedAnswer, ...]]):
    """One answer or a list of answers."""

    def _deserialize(self, value: Any, *_: object, **__: object) -> tuple[ScriptedAnswer, ...]:
        if isinstance(value, list) and value:
            answers: Any = _ANSWER_LIST.deserialize(value)
            return tuple(answers)
        return (_ANSWER.load(value),)


_COMMANDS = MappingField(
    keys=Text(),
    values=_Answers(),
    required=True,
    validate=validate.Length(min=1, error="expected an object with at least one command"),
)
_PACK = schema_for(PackScript, ignored=("description",), commands=_COMMANDS)
