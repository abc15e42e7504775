"""Reads flow tests, from YAML or JSON, and says what is wrong with one: the file, the line, the column and why."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final, TypeAlias

from entrypoints.flow_tests.model import FlowTest, FlowTestSetup
from entrypoints.flow_tests.parsing.fixtures import SCENE_KEYS, read_scene, read_settings
from entrypoints.flow_tests.parsing.steps import StepsReader
from entrypoints.flow_tests.parsing.strict_reader import StrictReader
from entrypoints.flow_tests.runtime.step_runner import StepTest, step_test
from entrypoints.simulation.flyte.documents import KeyPath, read_file, read_values

Test: TypeAlias = FlowTest | StepTest

_TELL_TALES: Final = ("tests", "step")
"""The keys by which a file of tests is told from a flow or a pack."""
_OTHERS: Final = {"flow": "steps", "pack": "commands"}
_TEST_KEYS: Final = ("name", "description", "settings", "steps")


def holds_tests(path: Path) -> bool:
    """Whether a file is one of tests at all. Raises InvalidDocument when it can't be read."""
    text, is_json = read_file(path)
    document, _ = read_values(text, str(path), is_json=is_json)
    return isinstance(document, dict) and any(key in document for key in _TELL_TALES)


def read_tests(path: Path) -> Sequence[Test]:
    """The tests in a file. Raises InvalidDocument, also when it can't be read."""
    text, is_json = read_file(path)
    document, node = read_values(text, str(path), is_json=is_json)
    reader = StrictReader(str(path), node)
    if isinstance(document, dict) and "step" in document:
        return [step_test(reader, document, node, path)]
    if isinstance(document, dict) and not any(key in document for key in _TELL_TALES):
        for kind, key in _OTHERS.items():
            if key in document:
                raise reader.refusal((), f"this is a {kind}, not a file of tests, which would name it under '{kind}s'")
    return _flow_tests(reader, reader.mapping(document, (), ("description", "tests", *SCENE_KEYS)), path)


def _flow_tests(reader: StrictReader, root: Mapping[str, object], path: Path) -> Sequence[FlowTest]:
    scene = read_scene(reader, root, path.parent)
    listed = reader.items(root.get("tests"), ("tests",), "tests")
    found = [_test(reader, raw, ("tests", index), scene, path) for index, raw in enumerate(listed)]
    names = [test.name for test in found]
    for index, name in enumerate(names):
        if name in names[:index]:
            raise reader.refusal(("tests", index, "name"), f"two tests are called '{name}'")
    return found


def _test(reader: StrictReader, raw: object, path: KeyPath, scene: FlowTestSetup, file: Path) -> FlowTest:
    keys = reader.mapping(raw, path, _TEST_KEYS)
    settings = {**scene.settings, **read_settings(reader, keys.get("settings"), (*path, "settings"))}
    scene = replace(scene, settings=settings)
    steps = StepsReader(reader, scene).steps(keys.get("steps"), (*path, "steps"))
    return FlowTest(reader.text(keys, "name", path), file, reader.line(path), scene, steps)
