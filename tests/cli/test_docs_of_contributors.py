"""The example adapter in the contributors' guide passes the contract suite that the guide shows."""

import sys
from types import ModuleType
from typing import Any

from tests.contracts.chat_contract import ChatContract
from tests.support.pages import page, titled_blocks

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
