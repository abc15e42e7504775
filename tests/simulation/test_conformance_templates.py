"""Templates render as the server's own code rendered them."""

import json
from typing import Any

import pytest

from entrypoints.simulation.flyte.models import Event, Pack
from entrypoints.simulation.pongo2.errors import TemplateError
from entrypoints.simulation.pongo2.go_json import from_json
from entrypoints.simulation.pongo2.rendering import TemplateEnvironment
from entrypoints.simulation.pongo2.rfc3339 import parse
from entrypoints.simulation.pongo2.template import Template
from tests.simulation.conformance_cases import CASES, differences_in_documentation

RECORDED = json.loads((CASES / "templates.json").read_text(encoding="utf-8"))
CHUNK = 250


def render(case: list[Any]) -> str | None:
    template, context, event_index, datastore, _ = case
    names = {} if context is None else RECORDED["contexts"][context]
    environment = TemplateEnvironment(datastore={} if datastore is None else RECORDED["datastores"][datastore])
    try:
        return Template(template).render(
            {**{name: from_json(value) for name, value in names.items()}, "Event": event(event_index).as_struct()},
            environment,
        )
    except TemplateError:
        return None


def event(index: int) -> Event:
    recorded = RECORDED["events"][index]
    pack = Pack.create(recorded["pack"], recorded["labels"])
    created = parse(recorded["createdAt"])
    assert created is not None
    return Event(pack, recorded["name"], recorded["payload"], created, created)


@pytest.mark.parametrize("start", range(0, len(RECORDED["cases"]), CHUNK))
def test_templates_render_as_on_the_server(start: int) -> None:
    """A chunk of cases at a time: a test for each takes a minute more."""
    cases = RECORDED["cases"][start : start + CHUNK]

    assert {case[0]: render(case) for case in cases if render(case) != case[-1]} == {}


def test_the_documentation_counts_the_differences() -> None:
    assert differences_in_documentation()["templates"] == (len(RECORDED["cases"]), 0)
