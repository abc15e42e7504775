"""Reads flows, from JSON or YAML, and says what is wrong with one: the file, the step and the place."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import yaml

from entrypoints.simulation.flyte.documents import (
    KeyPath,
    Reader,
    children,
    dotted,
    read_file,
    read_values,
)
from entrypoints.simulation.pongo2.template import Template

BUILT_IN = Path(__file__).parents[1] / "flows"


@dataclass(frozen=True, slots=True)
class FlowStep:
    """One step: the event it waits for, its templates, and the command it sends. `input` has Templates for strings."""

    id: str
    depends_on: tuple[str, ...]
    event_pack: str
    event_name: str
    event_labels: Mapping[str, Template]
    context: Mapping[str, Template]
    criteria: Template | None
    command_pack: str
    command_name: str
    command_labels: Mapping[str, Template]
    input: object

    @property
    def starts_run(self) -> bool:
        """Whether an event from outside can begin a run with this step."""
        return not self.depends_on


@dataclass(frozen=True, slots=True)
class Flow:
    """A flow, ready to run; `source` is what it was read from, as JSON values."""

    name: str
    description: str
    steps: tuple[FlowStep, ...]
    source: Mapping[str, object] = field(repr=False)


def flow_from_file(path: Path) -> Flow:
    """The flow in a file, JSON or YAML by its ending. Raises InvalidDocument, also when it can't be read."""
    text, is_json = read_file(path)
    return flow_from_text(text, where=str(path), is_json=is_json)


def flow_from_text(text: str, where: str, *, is_json: bool) -> Flow:
    """The flow that a text writes; `where` is what messages call it. Raises InvalidDocument."""
    document, node = read_values(text, where, is_json=is_json)
    return _FlowReader(where, node).flow(document)


def flow_from_values(document: object, where: str) -> Flow:
    """The flow that decoded JSON describes. Raises InvalidDocument."""
    return _FlowReader(where, None).flow(document)


def step_from_values(raw: object, where: str, node: yaml.Node | None) -> FlowStep:
    """The step that decoded values describe under the key `step`; `node`: the document. Raises InvalidDocument."""
    return _FlowReader(where, node).step(raw, ("step",))


class _FlowReader(Reader):
    """Turns decoded values into a Flow."""

    def flow(self, document: object) -> Flow:
        """The flow that the document describes. Raises InvalidDocument."""
        root = self.mapping(document, (), {"name", "description", "steps", "uuid", "links"})
        name = self.text(root, "name", ())
        description = self.text(root, "description", (), "")
        raw_steps = root.get("steps")
        if not isinstance(raw_steps, list) or not raw_steps:
            raise self.refusal(("steps",), "a list with at least one step expected")
        steps = tuple(self.step(raw, ("steps", index)) for index, raw in enumerate(raw_steps))
        self._check_ids(steps)
        return Flow(name, description, steps, root)

    def step(self, raw: object, path: KeyPath) -> FlowStep:
        """The step at a place. Raises InvalidDocument."""
        step = self.mapping(raw, path, {"id", "dependsOn", "event", "context", "criteria", "command", "description"})
        event_path, command_path = (*path, "event"), (*path, "command")
        event = self.mapping(step.get("event"), event_path, {"packName", "name", "packLabels"})
        command = self.mapping(step.get("command"), command_path, {"packName", "name", "packLabels", "input"})
        criteria = self.text(step, "criteria", path, "")
        return FlowStep(
            id=self.text(step, "id", path, ""),
            depends_on=self.names(step.get("dependsOn"), (*path, "dependsOn")),
            event_pack=self.text(event, "packName", event_path),
            event_name=self.text(event, "name", event_path),
            event_labels=self.templates(event.get("packLabels"), (*event_path, "packLabels")),
            context=self.templates(step.get("context"), (*path, "context")),
            criteria=self.template(criteria, (*path, "criteria")) if criteria else None,
            command_pack=self.text(command, "packName", command_path),
            command_name=self.text(command, "name", command_path),
            command_labels=self.templates(command.get("packLabels"), (*command_path, "packLabels")),
            input=self.tree(command.get("input"), (*command_path, "input")),
        )

    def _check_ids(self, steps: tuple[FlowStep, ...]) -> None:
        ids = [step.id for step in steps]
        for index, step in enumerate(steps):
            path: KeyPath = ("steps", index)
            if step.id and step.id in ids[:index]:
                raise self.refusal((*path, "id"), f"two steps are called '{step.id}'")
            for name in step.depends_on:
                if not name or name not in ids:
                    raise self.refusal((*path, "dependsOn"), f"there is no step '{name}'")

    def named(self, path: KeyPath) -> str:
        """See Reader: a step by its id, or its number."""
        if path[:1] == ("steps",) and len(path) > 1:
            step = f"step {_step_name(self._node, path)}"
            rest = dotted(path[2:])
            return f"{step}, {rest}: " if rest else f"{step}: "
        return f"{dotted(path)}: " if path else ""


def _step_name(node: yaml.Node | None, path: KeyPath) -> str:
    for key in (*path[:2], "id"):
        node = next((child for name, child in children(node) if name == key), None)
    number = int(path[1]) + 1
    return f"'{node.value}'" if isinstance(node, yaml.ScalarNode) else str(number)
