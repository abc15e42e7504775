"""The examples in the contributors' guide pass the contract suites that the guide shows."""

import re
import sys
import tomllib
from pathlib import Path
from types import ModuleType
from typing import Any

import entrypoints.testing
from entrypoints.testing.storage_contract import StorageContract
from tests.contracts.chat_contract import ChatContract
from tests.support.distributions import EXAMPLE_DISTRIBUTION
from tests.support.pages import code_spans, page, rows, section, titled_blocks

EXAMPLES = titled_blocks(page("contributors.md"))


def import_example(path: str, name: str) -> Any:
    """The module that this code block of the guide makes."""
    module = ModuleType(name)
    sys.modules[name] = module
    exec(compile(EXAMPLES[path], path, "exec"), module.__dict__)  # noqa: S102 - our own page
    return module


import_example("adapters/json_file/chat.py", "adapters.json_file.chat")
example = import_example("tests/adapters/test_json_file_chat.py", "tests.adapters.test_json_file_chat")
TestJsonFileChat: type[ChatContract] = example.TestJsonFileChat


def test_the_guide_runs_the_contract_of_storages_on_the_example_storage() -> None:
    guide = import_example("tests/test_example_storage.py of the other distribution", "test_example_storage")
    assert issubclass(guide.TestExampleStorage, StorageContract)


def test_the_guide_registers_the_example_storage_as_its_distribution_does() -> None:
    project = tomllib.loads(EXAMPLES["pyproject.toml of the other distribution"])["project"]
    [(group, points)] = project["entry-points"].items()
    [information] = EXAMPLE_DISTRIBUTION.glob("*.dist-info")
    assert information.name == f"{project['name'].replace('-', '_')}-{project['version']}.dist-info"
    lines = "".join(f"{name} = {value}\n" for name, value in points.items())
    assert (information / "entry_points.txt").read_text() == f"[{group}]\n{lines}"


def test_the_guide_names_suites_that_exist() -> None:
    table = rows(section(page("contributors.md"), "## A storage in another distribution"), r"`\w+\.\w+`")
    suites = [code_spans(cells[0])[0].split(".") for cells in table]
    assert len(suites) == 3
    for module, name in suites:
        [directory] = entrypoints.testing.__path__
        assert re.search(rf"^class {name}\(", Path(directory, f"{module}.py").read_text(), re.MULTILINE)
