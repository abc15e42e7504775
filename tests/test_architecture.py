"""The architecture: layers, docstrings, no state in modules, and import names that no other distribution uses."""

import ast
import re
import shutil
import subprocess
import sys
from importlib.metadata import distributions
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
LAYERS = ("domain", "application", "adapters", "entrypoints")
MODULES = sorted(path for layer in LAYERS for path in (ROOT / layer).rglob("*.py"))


def relative_names(modules: list[Path]) -> list[str]:
    return [str(module.relative_to(ROOT)) for module in modules]


def parse(module: Path) -> ast.Module:
    return ast.parse(module.read_text(encoding="utf-8"))


def run_linter(root: Path) -> subprocess.CompletedProcess[str]:
    linter = Path(sys.executable).parent / "lint-imports"
    command = [str(linter), "--no-logo", "--no-cache", "--config", str(root / "pyproject.toml")]
    return subprocess.run(command, cwd=root, capture_output=True, text=True, check=False, timeout=60)  # noqa: S603 - our own


def copy_packages(tmp_path: Path) -> Path:
    for layer in LAYERS:
        shutil.copytree(ROOT / layer, tmp_path / layer, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    return tmp_path


def test_imports_only_point_inward() -> None:
    result = run_linter(ROOT)

    assert result.returncode == 0, result.stdout + result.stderr
    assert "4 kept, 0 broken" in result.stdout


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
def test_an_import_that_points_outward_is_reported(module: str, forbidden: str, tmp_path: Path) -> None:
    root = copy_packages(tmp_path)
    with (root / module).open("a", encoding="utf-8") as file:
        file.write(f"\n{forbidden}\n")

    result = run_linter(root)

    assert result.returncode == 1
    assert "BROKEN" in result.stdout


def test_every_module_has_a_docstring_whose_first_line_is_a_sentence() -> None:
    undocumented = [
        module for module in MODULES if not (ast.get_docstring(parse(module)) or "").partition("\n")[0].endswith(".")
    ]

    assert relative_names(undocumented) == []


def test_no_module_has_mutable_state() -> None:
    state = {module: found for module in MODULES if (found := mutable_names(parse(module)))}

    assert state == {}


def test_mutable_state_in_a_module_is_found() -> None:
    source = "A = {}\nB: list[int] = []\nC = set()\nD = {1: 2}\nE = ('x',)\ndef f():\n    global D\n    D = 3\n"

    assert mutable_names(ast.parse(source)) == ["D", "A", "B", "C"]


def mutable_names(module: ast.Module) -> list[str]:
    """Module-level names that functions assign to, or that are bound to an empty container."""
    assigned = [name for node in ast.walk(module) if isinstance(node, ast.Global) for name in node.names]
    values = [node for node in module.body if isinstance(node, (ast.Assign, ast.AnnAssign)) and node.value]
    empty = [
        node.targets[0] if isinstance(node, ast.Assign) else node.target
        for node in values
        if re.match(r"(\{\}|\[\]|(dict|list|set)\(\)|(deque|defaultdict)\()", ast.unparse(node.value or node))
    ]
    return assigned + [ast.unparse(target) for target in empty]


def test_an_init_file_contains_only_a_docstring() -> None:
    offenders = [module for module in MODULES if module.name == "__init__.py" and len(parse(module).body) != 1]

    assert relative_names(offenders) == []


def test_only_the_command_line_and_http_sessions_read_the_environment() -> None:
    readers = [module for module in MODULES if {"environ", "getenv"} & attribute_names(parse(module))]

    assert relative_names(readers) == [
        "adapters/http/certificates.py",  # from the variables that every HTTP client reads
        "entrypoints/cli/commands.py",
    ]


def attribute_names(module: ast.Module) -> set[str]:
    return {node.attr for node in ast.walk(module) if isinstance(node, ast.Attribute)}


def test_no_other_distribution_installs_a_file_under_our_names() -> None:
    conflicts = {
        (distribution.name, file.parts[0])
        for distribution in distributions()
        if distribution.name != "flyte-slack"
        for file in distribution.files or ()
        if file.parts[0] in LAYERS or file.name in {f"{layer}.py" for layer in LAYERS if len(file.parts) == 1}
    }

    assert conflicts == set()


def test_our_packages_are_imported_from_this_repository() -> None:
    for layer in LAYERS:
        __import__(layer)
        assert Path(str(sys.modules[layer].__file__)).parent == ROOT / layer
