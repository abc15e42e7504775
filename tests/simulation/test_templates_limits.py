"""Templates are held to limits, and have no access to Python objects."""

import time

import pytest

from entrypoints.simulation.pongo2.errors import TemplateRuntimeError, TemplateSyntaxError
from entrypoints.simulation.pongo2.go_json import from_json
from entrypoints.simulation.pongo2.template import SOURCE_LIMIT, Template
from tests.simulation.template_names import render

EXCEEDING = [
    ("{% set s = 'xxxxxxxx' %}" + "{% set s = s|add:s %}" * 20, "a string exceeds"),
    ("{{ 'x'|ljust:99999999 }}", "a string exceeds"),
    ("{{ 'x'|rjust:'-99999999' }}", "a string exceeds"),
    ("{{ 'x'|center:99999999 }}", "a string exceeds"),
    ("{{ 2.5|floatformat:99999999 }}", "a string exceeds"),
    ("{{ randomAlpha(99999999) }}", "a string exceeds"),
    ("{% set s = 'x'|ljust:9999 %}{{ s|make_list|join:s }}", "a string exceeds"),
    ("{% lorem 99999 p %}", "a string exceeds"),
    ("{% set s = 'x'|ljust:999999 %}{{ s }}{{ s }}", "the output exceeds"),
    ("{% set s = 'x'|ljust:999999 %}{% filter upper %}{{ s }}{{ s }}{% endfilter %}", "the output exceeds"),
    ("{% set s = 'x'|ljust:99999 %}{% for a in s %}{{ a }}{% endfor %}", "takes more than"),
    ("{% set s = 'x'|ljust:999 %}{% for a in s %}{% for b in s %}{% endfor %}{% endfor %}", "takes more than"),
    ("{% macro m(x) %}{{ m(x) }}{% endmacro %}{{ m(1) }}", "macros and templates nest deeper than"),
    ("{{ template(text, map) }}{{ template(code, codes) }}", "nest deeper than"),
]


@pytest.mark.parametrize(("template", "message"), EXCEEDING)
def test_a_template_that_exceeds_a_limit_fails_fast(template: str, message: str) -> None:
    code = "{{ template(code, codes) }}"
    codes: dict[str, object] = {"code": code}
    codes["codes"] = codes
    started = time.monotonic()

    with pytest.raises(TemplateRuntimeError, match=message):
        Template(template).render({"code": code, "codes": codes, "text": "x", "map": {}})

    assert time.monotonic() - started < 2


@pytest.mark.parametrize(
    "template",
    [
        "{{ " + "(" * 500 + "1" + ")" * 500 + " }}",
        "{{ " + "1 == " * 500 + "1 }}",
        "{{ " + "2 ^ " * 500 + "2 }}",
        "{{ " + "a and " * 500 + "a }}",
        "{{ " + "randomInt(" * 500 + "1" + ")" * 500 + " }}",
        "{% if 1 %}" * 500 + "{% endif %}" * 500,
        "x" * (SOURCE_LIMIT + 1),
    ],
)
def test_a_template_that_nests_too_deep_or_is_too_long_is_refused(template: str) -> None:
    with pytest.raises(TemplateSyntaxError):
        Template(template)


def test_a_pattern_that_makes_other_engines_backtrack_is_fast() -> None:
    started = time.monotonic()

    assert Template("{{ s|match:'^(a+)+$' }}").render({"s": "a" * 5000 + "!"}) == "False"

    assert time.monotonic() - started < 1


@pytest.mark.parametrize("name", ["__class__", "upper", "format", "keys", "items", "__len__", "Payload.__class__"])
def test_attributes_of_python_objects_are_not_accessible(name: str) -> None:
    for start in ("map", "Event"):
        assert render(f"{{{{ {start}.{name} }}}}") == ""


def test_template_syntax_in_a_value_is_not_evaluated() -> None:
    assert Template("{{ text }}").render({"text": "{{ Event }} {% now '2006' %}"}) == "{{ Event }} {% now '2006' %}"


def test_json_numbers_are_floats_however_large() -> None:
    assert Template("{{ n }} {{ m|integer }}").render({"n": from_json(10**400), "m": from_json(2**53)}) == (
        "+Inf 9007199254740992"
    )


def test_a_template_without_tags_renders_unchanged() -> None:
    assert Template("#36a64f {a} %b").render({}) == "#36a64f {a} %b"
