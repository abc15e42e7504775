"""Every filter, tag, function and operator of the template language works as on the real server."""

from pathlib import Path

import pytest
import yaml

from entrypoints.simulation.pongo2.reference import markdown, reference_rows
from tests.simulation.template_names import render

ROOT = Path(__file__).parents[2]
TABLE = yaml.safe_load((Path(__file__).parent / "template_cases.yaml").read_text(encoding="utf-8"))
CASES = [
    pytest.param(template, output, id=f"{kind} {name} {number}")
    for kind, names in TABLE.items()
    for name, cases in names.items()
    for number, (template, output) in enumerate(cases, 1)
]


@pytest.mark.parametrize(("template", "output"), CASES)
def test_a_template_renders_as_on_the_server(template: str, output: str) -> None:
    assert render(template) == output


def test_every_row_of_the_reference_has_a_case() -> None:
    assert {(row.kind, row.name) for row in reference_rows()} == {
        (kind, name) for kind in TABLE for name in TABLE[kind]
    }


def test_every_row_of_the_reference_has_a_summary() -> None:
    assert [row for row in reference_rows() if not row.summary.endswith(".")] == []


def test_the_documentation_contains_the_reference() -> None:
    assert markdown() in (ROOT / "docs" / "templates.md").read_text(encoding="utf-8")
