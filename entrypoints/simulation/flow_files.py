"""Reads flows, from JSON or YAML, and says what is wrong with one: the file, the step and the place."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import yaml

from entrypoints.simulation.templates.errors import TemplateError
from entrypoints.simulation.templates.template import Template

BUILT_IN = Path(__file__).parent / "flows"
SIZE_LIMIT = 1024 * 1024
_DEPTH_LIMIT = 60
_NODE_LIMIT = 20_000

KeyPath = tuple[str | int, ...]


class FlowRefusedError(Exception):
    """A flow can't be used; the message names the file, the step and what is wrong with it."""


@dataclass(frozen=True, slots=True)
class Step:
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
    def starts_a_run(self) -> bool:
        """Whether an event from outside can begin a run with this step."""
        return not self.depends_on


@dataclass(frozen=True, slots=True)
class Flow:
    """A flow, ready to run; `source` is what it was read from, as JSON values."""

    name: str
    description: str
    steps: tuple[Step, ...]
    source: Mapping[str, object] = field(repr=False)


def flow_from_file(path: Path) -> Flow:
    """The flow in a file, JSON or YAML by its ending. Raises FlowRefusedError, also when it can't be read."""
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise FlowRefusedError(f"{path}: can't be read: {error}") from error
    return flow_from_text(text, where=str(path), is_json=path.suffix.lower() == ".json")


def flow_from_text(text: str, where: str, *, is_json: bool) -> Flow:
    """The flow that a text writes; `where` is what messages call it. Raises FlowRefusedError."""
    if len(text) > SIZE_LIMIT:
        raise FlowRefusedError(f"{where}: longer than {SIZE_LIMIT} characters")
    try:
        document = json.loads(text) if is_json else _Loader(text).get_single_data()
        node = _composed(text)
    except yaml.MarkedYAMLError as error:
        raise FlowRefusedError(_yaml_message(where, error)) from error
    except RecursionError as error:
        raise FlowRefusedError(f"{where}: nested too deep") from error
    except (yaml.YAMLError, ValueError) as error:
        raise FlowRefusedError(f"{where}: {error}") from error
    return _Reader(where, node).flow(document)


def flow_from_values(document: object, where: str) -> Flow:
    """The flow that decoded JSON describes. Raises FlowRefusedError."""
    return _Reader(where, None).flow(document)


def _composed(text: str) -> yaml.Node | None:
    """The lines that everything stands on; None for the JSON that YAML can't read."""
    try:
        node: yaml.Node | None = yaml.compose(text, Loader=_Loader)
    except yaml.YAMLError:
        return None
    return node


class _Loader(yaml.SafeLoader):
    """YAML as far as JSON goes: no times, no key twice."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[object, object]:  # noqa: FBT001, FBT002 (PyYAML's signature)
        keys = [key.value for key, _ in node.value if isinstance(key, yaml.ScalarNode)]
        twice = next((key for key in keys if keys.count(key) > 1), None)
        if twice is not None:
            raise yaml.constructor.ConstructorError(None, None, f"the key '{twice}' stands twice", node.start_mark)
        return super().construct_mapping(node, deep=deep)


_Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if tag != "tag:yaml.org,2002:timestamp"]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


def _yaml_message(where: str, error: yaml.MarkedYAMLError) -> str:
    mark = error.problem_mark or error.context_mark
    place = f":{mark.line + 1}:{mark.column + 1}" if mark else ""
    return f"{where}{place}: {error.problem or error.context}"


class _Reader:
    """Turns decoded values into a Flow; `node` tells on which line of the file something stands."""

    def __init__(self, where: str, node: yaml.Node | None) -> None:
        self._where = where
        self._node = node
        self._nodes_left = _NODE_LIMIT

    def flow(self, document: object) -> Flow:
        root = self._mapping(document, (), {"name", "description", "steps", "uuid", "links"})
        name = self._text(root, "name", ())
        description = self._text(root, "description", (), "")
        raw_steps = root.get("steps")
        if not isinstance(raw_steps, list) or not raw_steps:
            raise self._refusal(("steps",), "a list with at least one step expected")
        steps = tuple(self._step(raw, ("steps", index)) for index, raw in enumerate(raw_steps))
        self._check_ids(steps)
        return Flow(name, description, steps, root)

    def _step(self, raw: object, path: KeyPath) -> Step:
        step = self._mapping(raw, path, {"id", "dependsOn", "event", "context", "criteria", "command", "description"})
        event_path, command_path = (*path, "event"), (*path, "command")
        event = self._mapping(step.get("event"), event_path, {"packName", "name", "packLabels"})
        command = self._mapping(step.get("command"), command_path, {"packName", "name", "packLabels", "input"})
        criteria = self._text(step, "criteria", path, "")
        return Step(
            id=self._text(step, "id", path, ""),
            depends_on=self._names(step.get("dependsOn"), (*path, "dependsOn")),
            event_pack=self._text(event, "packName", event_path),
            event_name=self._text(event, "name", event_path),
            event_labels=self._templates(event.get("packLabels"), (*event_path, "packLabels")),
            context=self._templates(step.get("context"), (*path, "context")),
            criteria=self._template(criteria, (*path, "criteria")) if criteria else None,
            command_pack=self._text(command, "packName", command_path),
            command_name=self._text(command, "name", command_path),
            command_labels=self._templates(command.get("packLabels"), (*command_path, "packLabels")),
            input=self._tree(command.get("input"), (*command_path, "input")),
        )

    def _check_ids(self, steps: tuple[Step, ...]) -> None:
        ids = [step.id for step in steps]
        for index, step in enumerate(steps):
            path: KeyPath = ("steps", index)
            if step.id and step.id in ids[:index]:
                raise self._refusal((*path, "id"), f"two steps are called '{step.id}'")
            for name in step.depends_on:
                if not name or name not in ids:
                    raise self._refusal((*path, "dependsOn"), f"there is no step '{name}'")

    def _mapping(self, value: object, path: KeyPath, keys: set[str]) -> Mapping[str, object]:
        if not isinstance(value, dict):
            raise self._refusal(path, "missing" if value is None else "an object expected")
        unknown = next((key for key in value if key not in keys), None)
        if unknown is not None:
            raise self._refusal((*path, str(unknown)), f"not a known key; known are {', '.join(sorted(keys))}")
        return value

    def _text(self, values: Mapping[str, object], key: str, path: KeyPath, default: str | None = None) -> str:
        value = values.get(key)
        if value is None and default is not None:
            return default
        if not isinstance(value, str) or (default is None and not value):
            raise self._refusal((*path, key), "missing" if value in (None, "") else "a string expected")
        return value

    def _names(self, value: object, path: KeyPath) -> tuple[str, ...]:
        if value is None:
            return ()
        if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
            raise self._refusal(path, "a list of step ids expected")
        return tuple(value)

    def _templates(self, value: object, path: KeyPath) -> Mapping[str, Template]:
        if value is None:
            return {}
        if not isinstance(value, dict):
            raise self._refusal(path, "an object expected")
        for key, item in value.items():
            if not isinstance(key, str) or not isinstance(item, str):
                raise self._refusal((*path, str(key)), "a string expected; write numbers and booleans in quotes")
        return {key: self._template(item, (*path, key)) for key, item in value.items()}

    def _tree(self, value: object, path: KeyPath) -> object:
        self._nodes_left -= 1
        if len(path) > _DEPTH_LIMIT or self._nodes_left < 0:
            raise self._refusal(path, "too large or nested too deep")
        if isinstance(value, str):
            return self._template(value, path)
        if isinstance(value, list):
            return [self._tree(item, (*path, index)) for index, item in enumerate(value)]
        if isinstance(value, dict):
            if not all(isinstance(key, str) for key in value):
                raise self._refusal(path, "all keys have to be strings; write them in quotes")
            return {key: self._tree(item, (*path, key)) for key, item in value.items()}
        if value is None or isinstance(value, bool | int | float):
            return value
        raise self._refusal(path, "not a value that JSON has")

    def _template(self, source: str, path: KeyPath) -> Template:
        try:
            return Template(source)
        except TemplateError as error:
            raise self._refusal(path, str(error)) from error

    def _refusal(self, path: KeyPath, message: str) -> FlowRefusedError:
        return FlowRefusedError(f"{self._where}{self._line(path)}: {self._named(path)}{message}")

    def _line(self, path: KeyPath) -> str:
        node = self._node
        for key in path:
            inner = next((child for name, child in _children(node) if name == key), None)
            if inner is None:
                break
            node = inner
        return "" if node is None else f":{node.start_mark.line + 1}"

    def _named(self, path: KeyPath) -> str:
        if path[:1] == ("steps",) and len(path) > 1:
            step = f"step {_step_name(self._node, path)}"
            rest = _dotted(path[2:])
            return f"{step}, {rest}: " if rest else f"{step}: "
        return f"{_dotted(path)}: " if path else ""


def _step_name(node: yaml.Node | None, path: KeyPath) -> str:
    for key in (*path[:2], "id"):
        node = next((child for name, child in _children(node) if name == key), None)
    number = int(path[1]) + 1
    return f"'{node.value}'" if isinstance(node, yaml.ScalarNode) else str(number)


def _children(node: yaml.Node | None) -> Iterator[tuple[str | int, yaml.Node]]:
    if isinstance(node, yaml.MappingNode):
        yield from ((key.value, value) for key, value in node.value if isinstance(key, yaml.ScalarNode))
    elif isinstance(node, yaml.SequenceNode):
        yield from enumerate(node.value)


def _dotted(path: KeyPath) -> str:
    return "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in path).lstrip(".")
