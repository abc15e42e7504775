"""A flow as the checks see it: as written, and readable as far as possible although it may be wrong."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from entrypoints.lint.findings import Problem
from entrypoints.simulation.flyte import flow_schema
from entrypoints.simulation.flyte.document_schemas import KeyPath
from entrypoints.simulation.flyte.documents import Document
from entrypoints.simulation.pongo2.template import Template


@dataclass(frozen=True, slots=True)
class TemplateAt:
    """A template of a step, where it stands, and the part of the step that it belongs to."""

    path: KeyPath
    part: str
    """`context`, `criteria`, `event.packLabels`, `command.packLabels` or `command.input`."""
    template: Template


@dataclass(frozen=True, slots=True)
class Reference:
    """The event that a step waits for, or the command that it sends; empty strings for what is missing."""

    path: KeyPath
    pack: str
    name: str


@dataclass(frozen=True, eq=False)
class StepText:
    """A step, with the keys as the server reads them."""

    path: KeyPath
    keys: Mapping[str, Any]

    @cached_property
    def id(self) -> str:
        """The id; empty if it has none."""
        return _text(self.keys.get("id"))

    @cached_property
    def depends_on(self) -> tuple[str, ...]:
        """The ids of the steps that it depends on; also a single one that is no list."""
        names = self.keys.get("dependsOn")
        names = [names] if isinstance(names, str) else names
        return tuple(name for name in names if isinstance(name, str)) if isinstance(names, list) else ()

    @cached_property
    def event(self) -> Reference:
        """The event that it waits for."""
        return self._reference("event")

    @cached_property
    def command(self) -> Reference:
        """The command that it sends."""
        return self._reference("command")

    @cached_property
    def input(self) -> object:
        """The command's input; None if it has none."""
        return _object(self.keys.get("command")).get("input")

    @cached_property
    def context(self) -> Mapping[str, Any]:
        """The values that it adds to the context of the run."""
        return _object(self.keys.get("context"))

    @cached_property
    def has_criteria(self) -> bool:
        """Whether it has criteria, right or wrong."""
        return self.keys.get("criteria") not in (None, "")

    @cached_property
    def templates(self) -> tuple[TemplateAt, ...]:
        """All its templates, in the order in which the server evaluates them."""
        event, command = _object(self.keys.get("event")), _object(self.keys.get("command"))
        parts = {
            "context": self.context,
            "event.packLabels": _object(event.get("packLabels")),
            "criteria": self.keys.get("criteria"),
            "command.packLabels": _object(command.get("packLabels")),
            "command.input": command.get("input"),
        }
        return tuple(
            TemplateAt(path, part, Template(text, is_deferred=True))
            for part, tree in parts.items()
            for path, text in texts(tree, (*self.path, *part.split(".")))
        )

    def _reference(self, key: str) -> Reference:
        part = _object(self.keys.get(key))
        return Reference((*self.path, key), _text(part.get("packName")), _text(part.get("name")))


@dataclass(frozen=True, eq=False)
class FlowText:
    """A flow in a document. `repairs` are the mistakes without which it could not be read, by the id of their check."""

    document: Document
    repairs: Mapping[str, tuple[Problem, ...]] = field(default_factory=dict)
    steps_path: KeyPath | None = ("steps",)
    """Where its steps are; None for a single step at `step`."""

    @cached_property
    def is_whole(self) -> bool:
        """Whether it is a flow, and not a single step of one."""
        return self.steps_path is not None

    @cached_property
    def is_json(self) -> bool:
        """Whether it is written in JSON."""
        return self.document.text.lstrip().startswith("{")

    @cached_property
    def steps(self) -> tuple[StepText, ...]:
        """The steps that are objects."""
        paths = [("step",)] if self.steps_path is None else self._step_paths()
        values = ((path, self.document.value(path)) for path in paths)
        reading = flow_schema.Reading()
        return tuple(StepText(path, reading.step(value)) for path, value in values if isinstance(value, dict))

    def step_at(self, path: KeyPath) -> StepText | None:
        """Returns the step that a path leads into; None if it leads elsewhere."""
        return next((step for step in self.steps if path[: len(step.path)] == step.path), None)

    def _step_paths(self) -> list[KeyPath]:
        steps = self.document.value(("steps",))
        return [("steps", index) for index in range(len(steps))] if isinstance(steps, list) else []


def texts(tree: object, path: KeyPath) -> Iterator[tuple[KeyPath, str]]:
    """Yields every string in a JSON value, with its path."""
    if isinstance(tree, str):
        yield path, tree
    elif isinstance(tree, dict):
        for key, item in tree.items():
            yield from texts(item, (*path, key))
    elif isinstance(tree, list):
        for index, item in enumerate(tree):
            yield from texts(item, (*path, index))


def has_code(value: object) -> bool:
    """Whether a value is a text that a template changes."""
    return isinstance(value, str) and ("{{" in value or "{%" in value)


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


def _object(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}
