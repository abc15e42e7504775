"""Why a flow did or did not run: the values that a step's criteria saw."""

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
    """The names in a template's source, each with what it stood for: a text in quotes, as templates see it."""
    names = dict.fromkeys(_NAME.findall(_LITERAL.sub("''", source)))
    scope = {"Event": event.as_struct(), "Context": dict(context)}
    return [(name, _value(name, scope)) for name in names]


def _value(name: str, scope: Mapping[str, object]) -> str:
    try:
        return json.dumps(Template(f"{{{{ {name} }}}}").render(scope), ensure_ascii=False)
    except TemplateError as error:
        return f"({error.message})"
