"""The operators' guide and the metrics agree."""

import pytest
from prometheus_client.parser import text_string_to_metric_families

from application.ports.telemetry import Reconnection, Resolution, Window
from tests.support.metrics import instruments, shown
from tests.support.pages import code_spans, page, rows, section
from tests.support.virtual_time import TestTime

pytestmark = pytest.mark.virtual_time

OPERATORS = page("operators.md")
TABLE = {
    name: cells
    for cells in rows(section(page("monitoring.md"), "## Metrics"), r"`\w+`(, `\w+`)*")
    for name in code_spans(cells[0])
}
"""The rows of the catalogue by the names of their metrics."""


def documented_labels(cell: str) -> set[str]:
    """Returns the labels that a cell explains: `a`: its values; `b`: its values."""
    parts = [part for part in cell.split("; ") if part.startswith("`")]
    return {label for part in parts for label in code_spans(part.partition(":")[0])}


async def test_the_catalogue_has_every_metric_with_its_labels_and_no_others() -> None:
    exposed: dict[str, set[str]] = {}
    for family in text_string_to_metric_families(shown(instruments(TestTime())).text):
        name = f"{family.name}_total" if family.type == "counter" else family.name
        exposed[name] = {label for sample in family.samples for label in sample.labels} - {"le"}

    assert {name: documented_labels(cells[1]) for name, cells in TABLE.items()} == exposed


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("flyte_slack_doubts_total", {each.value for each in Resolution}),
        ("flyte_slack_windows_total", {each.value for each in Window}),
        ("flyte_slack_receiver_reconnects_total", {each.value for each in Reconnection}),
    ],
)
def test_the_catalogue_lists_the_values_of_a_label(name: str, values: set[str]) -> None:
    [*_, label] = TABLE[name][1].partition(":")
    assert set(code_spans(label)) == values
