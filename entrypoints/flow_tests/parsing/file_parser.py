"""Loads flow tests from YAML and JSON. Errors name the file, line and column."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, Final, TypeVar

from domain.users import User
from entrypoints.flow_tests.model import FlowTest, FlowTestSetup, PersonSetup, Test
from entrypoints.flow_tests.parsing.setup_schemas import FileSchema, TestSchema
from entrypoints.flow_tests.parsing.step_parser import StepParser
from entrypoints.flow_tests.parsing.step_test_parser import parse_step_test
from entrypoints.lint.loading import load_flow
from entrypoints.lint.packs import SLACK, Packs
from entrypoints.simulation.flyte.datastore import datastore_from_file
from entrypoints.simulation.flyte.document_schemas import KeyPath
from entrypoints.simulation.flyte.documents import Document, InvalidDocument, raise_all, read_document
from entrypoints.simulation.flyte.empty_keys import refuse_empty_keys
from entrypoints.simulation.flyte.file_kinds import other_kind
from entrypoints.simulation.flyte.flow_loader import Flow
from entrypoints.simulation.flyte.scripted_pack import pack_from_file
from entrypoints.simulation.workspaces.channels import ChannelSetup

T = TypeVar("T")

_TEST_KEYS: Final = ("tests", "step")
"""The keys that distinguish a file of tests from a flow or a pack."""


def holds_tests(path: Path) -> bool:
    """Whether a file is a file of tests. Raises InvalidDocument when it cannot be read."""
    return _has_key(read_document(path), *_TEST_KEYS)


def read_tests(path: Path) -> Sequence[Test]:
    """Loads the tests in a file. Raises InvalidDocument."""
    document = read_document(path)
    if _has_key(document, "step"):
        return [parse_step_test(document, path)]
    if kind := other_kind(document.data, "tests"):
        raise document.error((), kind)
    return _flow_tests(document, path)


def _has_key(document: Document, *keys: str) -> bool:
    return isinstance(document.data, dict) and any(key in document.data for key in keys)


def _flow_tests(document: Document, file: Path) -> Sequence[FlowTest]:
    refuse_empty_keys(document)
    root: Any = document.load(FileSchema(), document.data)
    setup = _setup(document, root, file.parent)
    tests: list[FlowTest] = []
    errors: list[InvalidDocument] = []
    for index, raw in enumerate(root["tests"]):
        try:
            test = _test(document, raw, ("tests", index), setup, file)
            if test.name in [other.name for other in tests]:
                raise document.error(("tests", index, "name"), f"duplicate test name '{test.name}'")
            tests.append(test)
        except InvalidDocument as error:
            errors.append(error)
    raise_all(errors)
    return tests


def _test(document: Document, raw: object, path: KeyPath, setup: FlowTestSetup, file: Path) -> FlowTest:
    test: Any = document.load(TestSchema(), raw, path)
    setup = replace(setup, settings={**setup.settings, **test["settings"]})
    steps = StepParser(document, setup).parse(test["steps"], (*path, "steps"))
    return FlowTest(test["name"], file, document.line(path), setup, steps)


def _setup(document: Document, root: Mapping[str, Any], folder: Path) -> FlowTestSetup:
    """Builds the setup; flows and packs are files in the folder."""
    given = {key: root[key] for key in ("settings", "datastore", "start") if key in root}
    if isinstance(given.get("datastore"), str):
        given["datastore"] = _load_file(document, ("datastore",), folder / given["datastore"], datastore_from_file)
    if "people" in root:
        given["people"] = [_person(handle, about) for handle, about in root["people"].items()]
    if "channels" in root:
        given["channels"] = [ChannelSetup(label, **about) for label, about in root["channels"].items()]
    packs = _load_files(document, root, "packs", folder, pack_from_file)
    known = Packs(slack=root.get("settings", {}).get("PACK_NAME", SLACK), scripts=packs)
    loaded = _load_files(document, root, "flows", folder, partial(load_flow, packs=known))
    flows, findings = [flow for flow, _ in loaded], [finding for _, found in loaded for finding in found]
    _check_names(document, flows)
    return FlowTestSetup(flows=flows, findings=findings, packs=packs, **given)


def _person(handle: str, about: Mapping[str, str]) -> PersonSetup:
    known: dict[str, Any] = {key: value for key, value in about.items() if value}
    return PersonSetup(handle, User(**{"id": "", "name": handle.capitalize(), **known}) if about else None)


def _load_files(
    document: Document, root: Mapping[str, Any], key: str, folder: Path, load: Callable[[Path], T]
) -> Sequence[T]:
    names = enumerate(root.get(key, ()))
    return [_load_file(document, (key, index), folder / name, load) for index, name in names]


def _load_file(document: Document, place: KeyPath, path: Path, load: Callable[[Path], T]) -> T:
    if not path.is_file():
        raise document.error(place, f"there is no file {path}")
    try:
        return load(path)
    except InvalidDocument as error:
        raise document.error(place, f"the file cannot be used:\n  {error}") from error


def _check_names(document: Document, flows: Sequence[Flow]) -> None:
    names = [flow.name for flow in flows]
    for index, name in enumerate(names):
        if name in names[:index]:
            raise document.error(("flows", index), f"duplicate flow name '{name}'")
