"""Templates are held to limits, and see nothing but JSON values."""

import time

import pytest

from entrypoints.simulation.pongo2.errors import TemplateRuntimeError, TemplateSyntaxError
from entrypoints.simulation.pongo2.template import SOURCE_LIMIT, Template
from entrypoints.simulation.pongo2.values import from_json
from tests.simulation.template_names import render

TOO_MUCH = [
    ("{% set s = 'xxxxxxxx' %}" + "{% set s = s|add:s %}" * 20, "a string exceeds"),
    ("{{ 'x'|ljust:99999999 }}", "a string exceeds"),
    ("{{ 'x'|rjust:'-99999999' }}", "a string exceeds"),
    ("{{ 'x'|center:99999999 }}", "a string exceeds"),
    ("{{ 'x'|stringformat:'%99999999d' }}", "a string exceeds"),
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


@pytest.mark.parametrize(("template", "message"), TOO_MUCH)
def test_a_template_that_takes_too_much_fails_soon(template: str, message: str) -> None:
    code = "{{ template(code, codes) }}"
    codes: dict[str, object] = {"code": code}
    codes["codes"] = codes
    began = time.monotonic()

    with pytest.raises(TemplateRuntimeError, match=message):
        Template(template).render({"code": code, "codes": codes, "text": "x", "map": {}})

    assert time.monotonic() - began < 2


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


def test_a_pattern_that_takes_other_engines_for_ever_takes_no_time() -> None:
    began = time.monotonic()

    assert Template("{{ s|match:'^(a+)+$' }}").render({"s": "a" * 5000 + "!"}) == "False"

    assert time.monotonic() - began < 1


@pytest.mark.parametrize("name", ["__class__", "upper", "format", "keys", "items", "__len__", "Payload.__class__"])
def test_nothing_of_python_shows(name: str) -> None:
    for start in ("map", "Event"):
        assert render(f"{{{{ {start}.{name} }}}}") == ""


def test_values_of_users_pass_through_unevaluated() -> None:
    assert Template("{{ said }}").render({"said": "{{ Event }} {% now '2006' %}"}) == "{{ Event }} {% now '2006' %}"


def test_numbers_out_of_json_are_floats_however_large() -> None:
    assert Template("{{ n }} {{ m|integer }}").render({"n": from_json(10**400), "m": from_json(2**53)}) == (
        "+Inf 9007199254740992"
    )


def test_a_template_without_braces_is_its_own_text() -> None:
    assert Template("#36a64f {a} %b").render({}) == "#36a64f {a} %b"
