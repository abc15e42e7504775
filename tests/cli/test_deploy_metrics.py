"""Alerts, dashboard and chart agree with the metrics and the guide; tests/alerts has Prometheus read them."""

import json
import re
from typing import Any

import pytest
import yaml

from adapters.slack.errors import AUTHENTICATION_CODES
from tests.cli.test_docs_of_metrics import OPERATORS, TABLE
from tests.support.pages import ROOT, code_spans, rows, section

DEPLOY = ROOT / "deploy"
CHART = DEPLOY / "helm" / "flyte-slack"
RULES_FILE = DEPLOY / "prometheus" / "rules.yaml"
RULES: list[dict[str, Any]] = [
    rule for group in yaml.safe_load(RULES_FILE.read_text())["groups"] for rule in group["rules"]
]
DASHBOARD = json.loads((DEPLOY / "grafana" / "dashboard.json").read_text())
RUNBOOKS = "https://github.com/ExpediaGroup/flyte-slack/blob/master/docs/operators.md#"
EVERY_ALERT = pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule["alert"])


def metrics_in(text: str) -> set[str]:
    """The metrics that queries name; the series of a histogram count as the histogram."""
    names = re.findall(r"\b(?:flyte_slack|process)_[a-z_]+", text)
    return {name if name in TABLE else re.sub(r"_(bucket|count|sum)$", "", name) for name in names}


def anchors() -> set[str]:
    """The anchors of the headings of the operators' guide."""
    headings = re.findall(r"^#+ (.+)$", OPERATORS, re.MULTILINE)
    return {re.sub(r"[^\w\s-]", "", heading.lower()).strip().replace(" ", "-") for heading in headings}


@EVERY_ALERT
def test_an_alert_uses_metrics_that_the_pack_has(rule: dict[str, Any]) -> None:
    assert metrics_in(rule["expr"]) - TABLE.keys() == set()
    assert metrics_in(rule["expr"])


@EVERY_ALERT
def test_an_alert_has_a_severity_and_a_runbook_that_exists(rule: dict[str, Any]) -> None:
    assert rule["labels"]["severity"] in ("critical", "warning", "info")
    url = rule["annotations"]["runbook_url"]
    assert url.startswith(RUNBOOKS)
    assert url.removeprefix(RUNBOOKS) in anchors()


@EVERY_ALERT
def test_the_guide_lists_an_alert_with_its_runbook(rule: dict[str, Any]) -> None:
    [cells] = rows(section(OPERATORS, "### Alerts and dashboard"), f"`{rule['alert']}`")
    assert rule["annotations"]["runbook_url"].partition("#")[2] in cells[2]


def test_the_guide_lists_no_other_alerts() -> None:
    table = rows(section(OPERATORS, "### Alerts and dashboard"), r"`FlyteSlack\w+`")
    assert [code_spans(cells[0])[0] for cells in table] == [rule["alert"] for rule in RULES]


def test_the_alert_about_a_refused_token_knows_the_codes() -> None:
    [rule] = [rule for rule in RULES if rule["alert"] == "FlyteSlackTokenRefused"]
    [codes] = re.findall(r'code=~"([^"]+)"', rule["expr"])
    assert set(codes.split("|")) == set(AUTHENTICATION_CODES) - {"not_allowed_token_type"}  # of some methods only


def test_the_dashboard_uses_metrics_that_the_pack_has() -> None:
    used = metrics_in(json.dumps(DASHBOARD))
    assert used - TABLE.keys() == set()
    missing = {name for name in TABLE if name.startswith("flyte_slack")} - used
    assert missing == set()


def test_each_panel_of_the_dashboard_says_what_it_shows_and_none_covers_another() -> None:
    panels = [panel for panel in DASHBOARD["panels"] if panel["type"] != "row"]
    assert all(panel["title"] and panel["description"] for panel in panels)
    taken: set[tuple[int, int]] = set()
    for panel in DASHBOARD["panels"]:
        place = panel["gridPos"]
        cells = {
            (x, y)
            for x in range(place["x"], place["x"] + place["w"])
            for y in range(place["y"], place["y"] + place["h"])
        }
        assert not taken & cells, panel["title"]
        taken |= cells
    assert max(x for x, _ in taken) == 23


def test_the_chart_has_the_same_alerts() -> None:
    assert (CHART / "files" / "prometheus-rules.yaml").read_text() == RULES_FILE.read_text()


def test_the_chart_asks_for_nothing_of_the_prometheus_operator_unless_told_to() -> None:
    values = yaml.safe_load((CHART / "values.yaml").read_text())
    assert values["serviceMonitor"]["enabled"] is False
    assert values["prometheusRule"]["enabled"] is False
    properties = json.loads((CHART / "values.schema.json").read_text())["properties"]
    for name in ("serviceMonitor", "prometheusRule"):
        assert set(values[name]) == set(properties[name]["properties"])
