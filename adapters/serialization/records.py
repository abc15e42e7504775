"""The JSON form in which storages keep commands, results and outcomes: lossless, and with the domain's field names."""

from collections.abc import Mapping
from functools import cache
from typing import Any, cast, get_args

from marshmallow import ValidationError

from adapters.serialization.dataclass_schema import DataclassSchema, schema_for
from domain.actions import StepResult
from domain.commands import Command
from domain.events import Outcome
from domain.json_values import JsonObject
from domain.messages import Receipt

_COMMANDS = {kind.__name__: kind for kind in get_args(Command)}
_RECEIPTS = {Receipt.__name__: Receipt}
_OUTCOMES = {kind.__name__: kind for kind in get_args(Outcome)}
_KINDS = _COMMANDS | _RECEIPTS | _OUTCOMES


@cache
def _schema(kind: str) -> DataclassSchema:
    """Returns the schema, made at its first use: a pack uses few of them."""
    return schema_for(_KINDS[kind], DataclassSchema)


def dump_command(command: Command) -> JsonObject:
    """Returns the command as a JSON object."""
    return _dump(command)


def load_command(record: Mapping[str, Any]) -> Command:
    """Returns the command that `dump_command` wrote. Raises ValueError for anything else."""
    return cast("Command", _load(_COMMANDS, record))


def dump_outcome(outcome: Outcome) -> JsonObject:
    """Returns an action's outcome as a JSON object."""
    return _dump(outcome)


def load_outcome(record: Mapping[str, Any]) -> Outcome:
    """Returns the outcome that `dump_outcome` wrote. Raises ValueError for anything else."""
    return cast("Outcome", _load(_OUTCOMES, record))


def dump_step_result(result: StepResult) -> JsonObject:
    """Returns what a step produced as a JSON object."""
    return _dump(result) if isinstance(result, Receipt) else {"type": "JsonObject", "value": result}


def load_step_result(record: Mapping[str, Any]) -> StepResult:
    """Returns the result that `dump_step_result` wrote. Raises ValueError for anything else."""
    if record.get("type") == "JsonObject" and isinstance(record.get("value"), dict):
        return cast("JsonObject", record["value"])
    return cast("Receipt", _load(_RECEIPTS, record))


def _dump(value: Command | Outcome | Receipt) -> JsonObject:
    kind = type(value).__name__
    return {"type": kind, **_schema(kind).dump(value)}


def _load(kinds: Mapping[str, object], record: Mapping[str, Any]) -> Any:
    values = dict(record)
    kind = str(values.pop("type", ""))
    if kind not in kinds:
        raise ValueError(f"there is no record of the type {kind!r}")
    try:
        return _schema(kind).load(values)
    except ValidationError as error:
        # marshmallow's own message would quote values of the record.
        invalid = ", ".join(map(str, error.messages_dict))
        raise ValueError(f"a record of the type {kind} is wrong in {invalid}") from None
