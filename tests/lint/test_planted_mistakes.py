"""Each mistake planted in a flow is found, at its line, and nothing else is."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from entrypoints.lint.linter import lint_flow
from entrypoints.lint.packs import Packs
from entrypoints.simulation.flyte.scripted_pack import PackScript, ScriptedAnswer

HERE = Path(__file__).parent
GOOD = (HERE / "good_flow.yaml").read_text(encoding="utf-8")
MISTAKES = yaml.safe_load((HERE / "mistakes.yaml").read_text(encoding="utf-8"))
PACKS = Packs(scripts=(PackScript(name="Deployer", commands={"Deploy": (ScriptedAnswer(event="Deployed"),)}),))


def line_at(text: str, index: int) -> int:
    return text.count("\n", 0, index) + 1


def test_the_flow_without_a_mistake_has_no_findings() -> None:
    assert lint_flow(GOOD, "flow.yaml", PACKS) == []


def test_more_than_thirty_mistakes_are_planted() -> None:
    assert len(MISTAKES) > 30


@pytest.mark.parametrize("mistake", MISTAKES, ids=lambda mistake: f"{mistake['check']}: {mistake['bad'].strip()[:30]}")
def test_a_planted_mistake_is_found_at_its_line(mistake: dict[str, Any]) -> None:
    assert GOOD.count(mistake["good"]) == 1
    text = GOOD.replace(mistake["good"], mistake["bad"])
    index = text.index(mistake["line"]) if "line" in mistake else GOOD.index(mistake["good"])
    findings = lint_flow(text, "flow.yaml", PACKS)
    (found,) = (finding for finding in findings if finding.check == mistake["check"])

    assert found.line == line_at(text, index)
    assert mistake["message"] in found.message
    assert {finding.check for finding in findings} == {mistake["check"], *mistake.get("also", ())}
