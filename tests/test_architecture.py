"""The house: layers, docstrings, no state in modules, and names that nobody else uses."""

import ast
import re
import shutil
import subprocess
import sys
from importlib.metadata import distributions
from pathlib import Path

import pytest

HOUSE = Path(__file__).parent.parent
LAYERS = ("domain", "application", "adapters", "entrypoints")
MODULES = sorted(path for layer in LAYERS for path in (HOUSE / layer).rglob("*.py"))


def names(modules: list[Path]) -> list[str]:
    return [str(module.relative_to(HOUSE)) for module in modules]


def tree(module: Path) -> ast.Module:
    return ast.parse(module.read_text(encoding="utf-8"))


def check_layers(house: Path) -> subprocess.CompletedProcess[str]:
    linter = Path(sys.executable).parent / "lint-imports"
    command = [str(linter), "--no-logo", "--no-cache", "--config", str(house / "pyproject.toml")]
    return subprocess.run(command, cwd=house, capture_output=True, text=True, check=False, timeout=60)  # noqa: S603 - our own


def copy_of_the_house(tmp_path: Path) -> Path:
    for layer in LAYERS:
        shutil.copytree(HOUSE / layer, tmp_path / layer, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(HOUSE / "pyproject.toml", tmp_path)
    return tmp_path


def test_arrows_only_point_inward() -> None:
    checked = check_layers(HOUSE)

    assert checked.returncode == 0, checked.stdout + checked.stderr
    assert "4 kept, 0 broken" in checked.stdout


@pytest.mark.parametrize(
    ("module", "forbidden"),
    [
        ("domain/messages.py", "import aiohttp"),
        ("domain/messages.py", "import application.use_cases.dispatcher"),
        ("application/use_cases/dispatcher.py", "from adapters.storage_urls import __doc__ as _"),
        ("adapters/slack/chat.py", "import adapters.flyte.workflow"),
        ("entrypoints/config/settings.py", "import dependency_injector"),
    ],
)
def test_an_arrow_that_points_outward_is_caught(module: str, forbidden: str, tmp_path: Path) -> None:
    house = copy_of_the_house(tmp_path)
    with (house / module).open("a", encoding="utf-8") as file:
        file.write(f"\n{forbidden}\n")

    checked = check_layers(house)

    assert checked.returncode == 1
    assert "BROKEN" in checked.stdout


def test_every_module_says_in_a_line_what_it_is_for() -> None:
    silent = [
        module for module in MODULES if not (ast.get_docstring(tree(module)) or "").partition("\n")[0].endswith(".")
    ]

    assert names(silent) == []


def test_no_module_keeps_state() -> None:
    state = {module: found for module in MODULES if (found := changeable_names(tree(module)))}

    assert state == {}


def test_state_in_a_module_is_caught() -> None:
    source = "A = {}\nB: list[int] = []\nC = set()\nD = {1: 2}\nE = ('x',)\ndef f():\n    global D\n    D = 3\n"

    assert changeable_names(ast.parse(source)) == ["D", "A", "B", "C"]


def changeable_names(module: ast.Module) -> list[str]:
    """Names that functions assign to, or that are bound to an empty container, which somebody means to fill."""
    assigned = [name for node in ast.walk(module) if isinstance(node, ast.Global) for name in node.names]
    values = [node for node in module.body if isinstance(node, (ast.Assign, ast.AnnAssign)) and node.value]
    empty = [
        node.targets[0] if isinstance(node, ast.Assign) else node.target
        for node in values
        if re.match(r"(\{\}|\[\]|(dict|list|set)\(\)|(deque|defaultdict)\()", ast.unparse(node.value or node))
    ]
    return assigned + [ast.unparse(target) for target in empty]


def test_an_init_file_holds_a_docstring_and_no_more() -> None:
    with_more = [module for module in MODULES if module.name == "__init__.py" and len(tree(module).body) != 1]

    assert names(with_more) == []


def test_only_the_command_line_and_http_sessions_read_the_environment() -> None:
    readers = [module for module in MODULES if {"environ", "getenv"} & attributes(tree(module))]

    assert names(readers) == [
        "adapters/http/session.py",  # proxies and certificates, by the variables that every HTTP client knows
        "entrypoints/cli/commands.py",
    ]


def attributes(module: ast.Module) -> set[str]:
    return {node.attr for node in ast.walk(module) if isinstance(node, ast.Attribute)}


def test_no_other_distribution_owns_a_file_under_our_names() -> None:
    intruders = {
        (distribution.name, file.parts[0])
        for distribution in distributions()
        if distribution.name != "flyte-slack"
        for file in distribution.files or ()
        if file.parts[0] in LAYERS or file.name in {f"{layer}.py" for layer in LAYERS if len(file.parts) == 1}
    }

    assert intruders == set()


def test_our_names_are_those_of_this_folder() -> None:
    for layer in LAYERS:
        __import__(layer)
        assert Path(str(sys.modules[layer].__file__)).parent == HOUSE / layer
