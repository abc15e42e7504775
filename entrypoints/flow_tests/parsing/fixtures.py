"""Reads what a flow test says of the world before anything happens: flows, packs, people, channels, settings."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Final, TypeVar

from domain.users import User
from entrypoints.config.settings import SettingsError
from entrypoints.flow_tests.clock.virtual_time import START
from entrypoints.flow_tests.model import ChannelSetup, FlowTestSetup, PersonSetup
from entrypoints.flow_tests.parsing.strict_reader import StrictReader
from entrypoints.flow_tests.settings import ALLOWED_VARIABLES, pack_settings
from entrypoints.simulation.flyte.documents import InvalidDocument, KeyPath
from entrypoints.simulation.flyte.flow_loader import Flow, flow_from_file
from entrypoints.simulation.flyte.scripted_pack import pack_from_file
from entrypoints.simulation.pongo2.rfc3339 import parse
from entrypoints.simulation.workspaces.workspace import BOT

T = TypeVar("T")

SCENE_KEYS: Final = ("flows", "packs", "people", "channels", "settings", "datastore", "start")
_PERSON_KEYS: Final = ("id", "name", "email", "title", "firstName", "lastName")
_CHANNEL_KEYS: Final = ("id", "joined", "private")


def read_scene(reader: StrictReader, root: Mapping[str, object], folder: Path) -> FlowTestSetup:
    """The world that a file describes; flows and packs are files beside it. Raises InvalidDocument."""
    usual = FlowTestSetup()
    return FlowTestSetup(
        flows=_flows(reader, root, folder),
        packs=_files(reader, root, "packs", folder, pack_from_file),
        people=_people(reader, root.get("people")) if root.get("people") is not None else usual.people,
        channels=_channels(reader, root.get("channels")) if root.get("channels") is not None else usual.channels,
        settings=read_settings(reader, root.get("settings"), ("settings",)),
        datastore=_object(reader, root, "datastore"),
        start=_start(reader, root),
    )


def read_settings(reader: StrictReader, value: object, path: KeyPath) -> Mapping[str, str]:
    """The pack's settings at a place, checked; empty where nothing stands."""
    if value is None:
        return {}
    given = reader.mapping(value, path, ALLOWED_VARIABLES)
    settings = {name: _written(reader, item, (*path, name)) for name, item in given.items()}
    try:
        pack_settings(settings)
    except SettingsError as error:
        mistake = error.issues[0]
        raise reader.refusal((*path, mistake.variable), mistake.message) from error
    return settings


def _written(reader: StrictReader, value: object, path: KeyPath) -> str:
    """A setting as one would write it into the environment."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str | int | float):
        return str(value)
    raise reader.refusal(path, "a text or a number expected")


def _flows(reader: StrictReader, root: Mapping[str, object], folder: Path) -> Sequence[Flow]:
    flows = _files(reader, root, "flows", folder, flow_from_file)
    names = [flow.name for flow in flows]
    for index, name in enumerate(names):
        if name in names[:index]:
            raise reader.refusal(("flows", index), f"a second flow called '{name}'")
    return flows


def _files(
    reader: StrictReader, root: Mapping[str, object], key: str, folder: Path, read: Callable[[Path], T]
) -> Sequence[T]:
    found = []
    for index, name in enumerate(reader.texts(root.get(key), (key,))):
        path = folder / name
        if not path.is_file():
            raise reader.refusal((key, index), f"there is no file {path}")
        try:
            found.append(read(path))
        except InvalidDocument as error:
            raise reader.refusal((key, index), f"can't be used:\n  {error}") from error
    return found


def _people(reader: StrictReader, value: object) -> Sequence[PersonSetup]:
    entries = _named(reader, value, ("people",), _PERSON_KEYS)
    for handle in entries:
        if not handle or handle.startswith(("@", "#")) or handle == BOT:
            raise reader.refusal(("people", handle), f"a name without @ expected, and not {BOT}, the bot's")
    return [_person(reader, handle, keys) for handle, keys in entries.items()]


def _person(reader: StrictReader, handle: str, keys: Mapping[str, object]) -> PersonSetup:
    if not keys:
        return PersonSetup(handle)
    path = ("people", handle)
    identifier, name, email, title, first, last = (reader.text(keys, key, path, "") for key in _PERSON_KEYS)
    return PersonSetup(handle, User(identifier, name or handle.capitalize(), email, title, first, last))


def _channels(reader: StrictReader, value: object) -> Sequence[ChannelSetup]:
    entries = _named(reader, value, ("channels",), _CHANNEL_KEYS)
    for label in entries:
        if not label.startswith("#") or label == "#":
            raise reader.refusal(("channels", label), 'a name with # expected, in quotes: "#ops"')
    return [
        ChannelSetup(
            label,
            reader.text(keys, "id", ("channels", label), ""),
            is_joined=reader.flag(keys, "joined", ("channels", label), default=True),
            is_private=reader.flag(keys, "private", ("channels", label), default=False),
        )
        for label, keys in entries.items()
    ]


def _named(
    reader: StrictReader, value: object, path: KeyPath, keys: Sequence[str]
) -> Mapping[str, Mapping[str, object]]:
    """A list of names, or an object in which each name has an id, or several keys."""
    if isinstance(value, list):
        return {name: {} for name in reader.texts(value, path)}
    if not isinstance(value, dict) or not value:
        raise reader.refusal(path, "a list of names expected, or an object by names")
    return {
        str(name): {"id": about} if isinstance(about, str) else reader.mapping(about or {}, (*path, str(name)), keys)
        for name, about in value.items()
    }


def _object(reader: StrictReader, root: Mapping[str, object], key: str) -> Mapping[str, object]:
    value = root.get(key)
    if value is not None and not isinstance(value, dict):
        raise reader.refusal((key,), "an object expected")
    return value or {}


def _start(reader: StrictReader, root: Mapping[str, object]) -> datetime:
    written = reader.text(root, "start", (), "")
    moment = parse(written) if written else START
    if moment is None:
        raise reader.refusal(("start",), "a time such as 2026-01-05T09:00:00Z expected")
    return moment
