"""Explains why a flow step ran or not: the values that its criteria refers to."""

import json
import re
from collections.abc import Mapping
from typing import Final

from entrypoints.simulation.flyte.models import Event
from entrypoints.simulation.pongo2.errors import TemplateError
from entrypoints.simulation.pongo2.template import Template

_NAME: Final = re.compile(r"\b(?:Event|Context)(?:\.\w+)+")
_LITERAL: Final = re.compile(r"'(?:[^'\\]|\\.)*'|\"(?:[^\"\\]|\\.)*\"")


def referenced_values(source: str, event: Event, context: Mapping[str, str]) -> list[tuple[str, str]]:
    """Returns the names in a template's source with their rendered values, as JSON strings."""
    names = dict.fromkeys(_NAME.findall(_LITERAL.sub("''", source)))
    scope = {"Event": event.as_struct(), "Context": dict(context)}
    return [(name, _render(name, scope)) for name in names]


def _render(name: str, scope: Mapping[str, object]) -> str:
    try:
        return json.dumps(Template(f"{{{{ {name} }}}}").render(scope), ensure_ascii=False)
    except TemplateError as error:
        return f"({error.message})"
