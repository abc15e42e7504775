"""The server's rules for a flow: its JSON schema, and the keys that it reads, in any case."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from entrypoints.simulation.flyte.document_fields import NOT_A_STRING, NOT_AN_OBJECT, unknown
from entrypoints.simulation.flyte.document_schemas import KeyPath
from entrypoints.suggestions import most_similar

Problem = tuple[KeyPath, str]

_LINE_BREAK: Final = "a line break is not allowed: the server refuses the flow"
_ALL_KEYS: Final = frozenset(
    (
        "name",
        "description",
        "steps",
        "id",
        "dependsOn",
        "event",
        "context",
        "criteria",
        "command",
        "packName",
        "packLabels",
    )
)
_NULL: Final = "null is not allowed: the server refuses the flow; leave the key out"


def schema_errors(flow: object) -> Iterator[Problem]:
    """Yields where a flow violates the server's schema, which knows keys in their own case only."""
    if not isinstance(flow, dict):
        yield (), NOT_AN_OBJECT
        return
    yield from _text_errors(flow, (), "name", is_required=True)
    yield from _text_errors(flow, (), "description")
    if not isinstance(flow.get("steps", []), list):
        yield ("steps",), "expected a list of steps"
    elif "steps" not in flow:
        yield _missing(flow, (), "steps")
    else:
        for index, step in enumerate(flow["steps"]):
            yield from step_errors(step, ("steps", index))


def step_errors(step: object, path: KeyPath = ()) -> Iterator[Problem]:
    """Yields where a step violates the schema."""
    if not isinstance(step, dict):
        yield path, NOT_AN_OBJECT
        return
    for key in ("event", "command"):
        part = step.get(key)
        if key not in step:
            yield _missing(step, path, key)
        elif not isinstance(part, dict):
            yield (*path, key), NOT_AN_OBJECT
        else:
            yield from _text_errors(part, (*path, key), "packName", is_required=True)
            yield from _text_errors(part, (*path, key), "name", is_required=True)
    if not isinstance(step.get("context", {}), dict):
        yield (*path, "context"), _NULL if step["context"] is None else NOT_AN_OBJECT
    yield from _text_errors(step, path, "criteria")


def _missing(parent: Mapping[str, object], path: KeyPath, key: str) -> Problem:
    others = [other for other in parent if other not in _ALL_KEYS]
    if similar := most_similar(key, others):
        return (*path, similar), f"unknown key '{similar}'; did you mean '{key}'?"
    return (*path, key), "missing"


def _text_errors(
    parent: Mapping[str, object], path: KeyPath, key: str, *, is_required: bool = False
) -> Iterator[Problem]:
    value = parent.get(key, "")
    if key not in parent:
        if is_required:
            yield _missing(parent, path, key)
    elif not isinstance(value, str):
        yield (*path, key), _NULL if value is None else NOT_A_STRING
    elif "\n" in value:
        yield (*path, key), _LINE_BREAK


@dataclass(frozen=True, slots=True)
class _Keys:
    """The keys of an object, with those of the objects in it. `silent` ones are ignored without a warning."""

    keys: Mapping[str, "_Keys | None"]
    silent: frozenset[str] = frozenset()


_TEXTS: Final = _Keys({})
_EVENT: Final = _Keys({"packName": None, "name": None, "packLabels": _TEXTS})
_COMMAND: Final = _Keys({**_EVENT.keys, "input": None})
_STEP: Final = _Keys(
    {"id": None, "dependsOn": _TEXTS, "event": _EVENT, "context": _TEXTS, "criteria": None, "command": _COMMAND},
    frozenset({"description"}),
)
_FLOW: Final = _Keys({"name": None, "description": None, "steps": _STEP}, frozenset({"uuid", "links"}))


@dataclass(slots=True)
class Reading:
    """Reads the keys as the server does: in any case, the last one wins, and unknown ones are left out."""

    warnings: list[Problem] = field(default_factory=list)

    def flow(self, flow: Mapping[str, object]) -> dict[str, Any]:
        """Returns a flow with the keys that the server reads."""
        return self._object(flow, _FLOW, ())

    def step(self, step: Mapping[str, object]) -> dict[str, Any]:
        """Returns a step with the keys that the server reads."""
        return self._object(step, _STEP, ())

    def _object(self, value: Mapping[str, object], known: _Keys, path: KeyPath) -> dict[str, Any]:
        by_fold = {key.casefold(): key for key in known.keys}
        read: dict[str, Any] = {}
        for written, item in value.items():
            key = written if written in known.keys else by_fold.get(written.casefold())
            if key is not None:
                read[key] = self._value(item, known.keys[key], (*path, written))
            elif written not in known.silent:
                self.warnings.append(((*path, written), unknown("key", written, [*known.keys, *known.silent])))
        return read

    def _value(self, value: object, known: _Keys | None, path: KeyPath) -> object:
        if known is None:
            return value
        if known is _TEXTS:
            return _without_nulls(value)
        if isinstance(value, list):
            return [self._value(item, known, (*path, index)) for index, item in enumerate(value)]
        return self._object(value, known, path) if isinstance(value, dict) else value


def _without_nulls(texts: object) -> object:
    """Replaces null by an empty text, as Go does in a map or list of texts."""
    if isinstance(texts, dict):
        return {key: "" if text is None else text for key, text in texts.items()}
    return ["" if text is None else text for text in texts] if isinstance(texts, list) else texts
