"""Template errors have positions: syntax errors when parsing, runtime errors when rendering."""

import pytest

from entrypoints.simulation.pongo2.errors import TemplateRuntimeError, TemplateSyntaxError
from entrypoints.simulation.pongo2.template import Template
from tests.simulation.template_names import render

REFUSED = [
    ("{% bogus %}", "line 1, column 4: the tag 'bogus' is not supported"),
    ("{% include 'x' %}", "line 1, column 4: the tag 'include' is not supported: it needs template files"),
    ("{% extends 'x' %}", "line 1, column 4: the tag 'extends' is not supported: it needs template files"),
    ("a\n  {{ x|bogus }}", "line 2, column 8: the filter 'bogus' is not supported"),
    ("{% filter bogus %}x{% endfilter %}", "line 1, column 11: the filter 'bogus' is not supported"),
    ("{{ letters[0] }}", "line 1, column 11: '[' is not allowed here"),
    ("{{ a ? b }}", "line 1, column 6: '?' is not allowed here"),
    (r"{{ x|match:'\s' }}", r"line 1, column 13: unknown escape sequence '\s'; only \" and \\ are allowed"),
    (r"{{ 'it\'s' }}", r"line 1, column 7: unknown escape sequence '\''; only \" and \\ are allowed"),
    ("{{ 'open }}", "line 1, column 4: the string is not closed on its line"),
    ("{{ x\n}}", "line 1, column 5: a tag or variable can't span lines"),
    ("a{# no end", "line 1, column 2: the comment is not closed; expected '#}'"),
    ("{# two\nlines #}", "line 1, column 1: a '{# #}' comment can't span lines"),
    ("{% verbatim %}x", "line 1, column 1: expected text and '{% endverbatim %}'"),
    ("{% verbatim %}{% endverbatim %}", "line 1, column 1: expected text and '{% endverbatim %}'"),
    ("{% verbatim %}a{% endverbatim %}{% verbatim %}b{% endverbatim %}", "line 1, column 33: two '{% verbatim %}'"),
    (
        "{% macro m() export %}{% endmacro %}{% macro m() export %}{% endmacro %}",
        "there is an exported macro 'm' already",
    ),
    ("{% block a %}{% endblock %}{% block a %}{% endblock %}", "line 1, column 37: there is a block 'a' already"),
    ("{% block a %}{% endblock b %}", "line 1, column 26: expected 'a', not 'b'"),
    ("{{ x", "line 1, column 4: expected '}}', but the tag or template ends here"),
    ("{{ }}", "line 1, column 4: expected a number, string or name, not '}}'"),
    ("{{ x y }}", "line 1, column 6: expected '}}', not 'y'"),
    ("{{ x| }}", "line 1, column 7: expected a name, not '}}'"),
    ("{{ x|add: }}", "line 1, column 11: expected a number, string or name, not '}}'"),
    ("{{ x|add:-1 }}", "line 1, column 10: expected a number, string or name, not '-'"),
    ("{{ (x }}", "line 1, column 7: expected ')', not '}}'"),
    ("{{ x == }}", "line 1, column 9: expected a number, string or name, not '}}'"),
    ("{{ and }}", "line 1, column 4: expected a number, string or name, not 'and'"),
    ("{{ a.'b' }}", "line 1, column 6: expected a name or number after the dot, not 'b'"),
    ("{{ 3. }}", "line 1, column 7: expected a number, not '}}'"),
    ("{{ 9223372036854775808 }}", "line 1, column 4: the number does not fit into 64 bits"),
    ("{% if x %}a", "line 1, column 4: the tag 'if' is not closed; expected {% elif %} or {% else %} or {% endif %}"),
    ("{% if %}{% endif %}", "line 1, column 4: expected more, but the tag or template ends here"),
    ("{% if x y %}{% endif %}", "line 1, column 9: expected the end of the tag, not 'y'"),
    ("{% if x %}{% else y %}{% endif %}", "line 1, column 19: expected the end of the tag, not 'y'"),
    ("{% else %}", "line 1, column 4: the tag 'else' has no opening tag"),
    ("{% endfor %}", "line 1, column 4: the tag 'endfor' has no opening tag"),
    ("{% for %}{% endfor %}", "line 1, column 4: expected a name, but the tag or template ends here"),
    ("{% for x of y %}{% endfor %}", "line 1, column 10: expected 'in', not 'of'"),
    ("{% set x 1 %}", "line 1, column 10: expected '=', not '1'"),
    ("{% now x %}", "line 1, column 8: expected a string, not 'x'"),
    ("{% autoescape maybe %}{% endautoescape %}", "line 1, column 15: expected 'on' or 'off', not 'maybe'"),
    ("{% comment %}x", "line 1, column 4: the tag 'comment' is not closed; expected {% endcomment %}"),
    ("{% if x", "line 1, column 1: the tag is not closed; expected '%}'"),
    ("{% 5 %}", "line 1, column 4: expected a name, not '5'"),
    ("{{ x }}{", "line 1, column 8: a template can't end with '{'"),
]


@pytest.mark.parametrize(("template", "message"), REFUSED)
def test_a_syntax_error_has_its_position(template: str, message: str) -> None:
    with pytest.raises(TemplateSyntaxError) as refusal:
        Template(template)

    assert message in str(refusal.value)


PROBLEMS = [
    ("{{ bogus(1) }}", "line 1, column 4: the function 'bogus' is not supported"),
    ("{{ randomInt() }}", "line 1, column 4: 'randomInt' takes 1 argument, not 0"),
    ("{% macro m(a) %}{% endmacro %}{{ m(1, 2) }}", "line 1, column 34: 'm' takes at most 1 arguments, not 2"),
    ("{{ x|match:'(' }}", "line 1, column 12: filter 'match': '(' is not a valid regular expression: missing )"),
    ("{{ x|match:'(?=a)' }}", "filter 'match': '(?=a)' is not a valid regular expression"),
    (r"{{ x|extractMatch:'(a)\\1' }}", "is not a valid regular expression: invalid escape sequence"),
    ("{{ x|matchesCron:'61 * * * *' }}", "filter 'matchesCron': '61' is not a valid minute of a cron expression"),
    ("{{ x|matchesCron:'* *' }}", "filter 'matchesCron': the cron expression '* *' has 2 fields, not five or six"),
    ("{{ x|slice:'5' }}", "line 1, column 12: filter 'slice': expected 'from:to'"),
    ("{{ x|match:'(?<name>a)' }}", "is not a valid regular expression: the server's Go knows '(?P<name>...)' only"),
    (r"{{ x|match:'[(?<]\\C' }}", r"is not a valid regular expression: Go does not know '\C'"),
    ("{{ x|matchesCron:'5 9 * * 7' }}", "filter 'matchesCron': '7' is not a valid day of week of a cron expression"),
]


@pytest.mark.parametrize(("template", "message"), PROBLEMS)
def test_what_the_server_accepts_although_it_can_not_work_is_a_problem(template: str, message: str) -> None:
    assert message in str(*Template(template).problems)


FAILED = [
    ("{{ 1 / 0 }}", "line 1, column 6: division by zero"),
    ("{{ 1 % 0 }}", "line 1, column 6: division by zero"),
    ("{{ -name }}", "line 1, column 4: only a number can have a minus sign, not a string"),
    ("{{ name.first }}", "line 1, column 4: 'name.first': a string has no fields"),
    ("{{ number.0 }}", "line 1, column 4: 'number.0': a number has no items"),
    ("{{ letters == letters }}", "line 1, column 12: two lists or two maps can't be compared"),
    ("{{ Event.Pack != Event.Pack }}", "line 1, column 15: two values of the type execution.Pack can't be compared"),
    ("{{ 1 in map }}", "line 1, column 6: the keys of a map are strings, not integers"),
    ("{{ name|key:'x' }}", "line 1, column 9: filter 'key': a string has no keys"),
    ("{{ letters|index:'-1' }}", "line 1, column 12: filter 'index': the position -1 is before the start"),
    ("{{ letters|slice:'-2:' }}", "filter 'slice': pongo2 can't slice from the end: -2"),
    ("{{ name|date:'2006' }}", "filter 'date': only a time can be formatted"),
    ("{{ name|pluralize }}", "filter 'pluralize': only numbers have a plural"),
    ("{{ name|yesno:'a' }}", "filter 'yesno': expected two or three words, separated by commas"),
    ("{{ words|wordwrap:3 }}|{{ 'a b c d e'|wordwrap:3 }}", "filter 'wordwrap': pongo2 can't wrap 5 words at 3"),
    ("{{ name|truncatechars:'-1' }}", "filter 'truncatechars': can't truncate to -1 characters"),
    ("{{ name|matchesCron:'* * * * *' }}", "filter 'matchesCron': 'Zoë O'Neil' is not an RFC 3339 time"),
    (
        "{{ name|extractMatch:nothing|extractMatch:html|extractMatch:'a'|removetags:'(' }}",
        "is not a valid regular expression",
    ),
    (
        "{{ randomInt(number) }}",
        "line 1, column 4: 'randomInt' takes a value of type int, not float64; '|integer' makes",
    ),
    ("{{ randomInt(0) }}", "line 1, column 4: the bound must be above 0, not 0"),
    ("{{ randomAlpha(zero|integer - 1) }}", "line 1, column 4: word length must be non-negative"),
    ("{{ base64Encode(number) }}", "line 1, column 4: 'base64Encode' takes a value of type string, not float64"),
    ("{{ base64Decode('a b') }}", "line 1, column 4: not base64 with the URL-safe alphabet"),
    ("{{ base64Decode('aaaaa') }}", "line 1, column 4: not base64 with the URL-safe alphabet"),
    ("{{ datastore('nope') }}", "line 1, column 4: the datastore has no item 'nope'"),
    (r"""{{ unmarshalJson('{\"a\":NaN}') }}""", "line 1, column 4: invalid JSON"),
    (r"""{{ unmarshalJson('{\"a\":1e400}') }}""", "line 1, column 4: invalid JSON"),
    (
        r"""{{ template('x', unmarshalJson('{\"a-b\":1}')) }}""",
        "'a-b' can't be the name of a variable",
    ),
    ("{{ datastore('flag') }}", "the item 'flag' of the datastore is neither a text nor a JSON object"),
    ("{{ Event.CreatedAt.Date }}", "line 1, column 4: this method can't be called in templates"),
    ("{{ Event.CreatedAt.Format(1) }}", "'Event.CreatedAt.Format' takes a value of type string, not int"),
    ("{% macro Event() export %}{% endmacro %}", "the exported macro 'Event' has the name of another value"),
    ("{{ unmarshalJson('[1]') }}", "line 1, column 4: expected a JSON object"),
    ("{{ unmarshalJson('{') }}", "line 1, column 4: invalid JSON"),
    ("{{ template('{{ x|bogus }}', map) }}", "in the inner template, line 1, column 6: the filter 'bogus'"),
    ("{{ template('x', 'y') }}", "line 1, column 4: 'template' takes a value of type map"),
    ("{% set f = randomInt %}{{ f }}", "line 1, column 12: 'randomInt' takes 1 argument, not 0"),
    ("{% for c in 'ab' sorted %}{% endfor %}", "pongo2 can't sort the characters of a string"),
    ("{% for c in 'aa' %}{% ifchanged c %}{% endifchanged %}{% endfor %}", "an unchanged 'ifchanged'"),
]


@pytest.mark.parametrize(("template", "message"), FAILED)
def test_a_runtime_error_has_its_position(template: str, message: str) -> None:
    with pytest.raises(TemplateRuntimeError) as failure:
        render(template)

    assert message in str(failure.value)


def test_an_invalid_pattern_from_a_value_does_not_match() -> None:
    assert render("{{ name|match:html }} {% set broken = '(' %}{{ name|match:broken }}") == "False False"


IN_MACROS = [
    (
        "{{ a.b }}",
        " (where: execution) in <string> | Line 1 Col 40 near 'a'] Can't access a field by name on",
    ),
    (
        "{{ a|pluralize }}",
        " (where: filter:pluralize) | Line 1 Col 42 near 'pluralize'] filter 'pluralize' does",
    ),
    ("{{ a|matchesCron:'x' }}", None),
    (
        "{{ randomInt('x') }}",
        "near 'randomInt'] Function input argument 0 of 'randomInt' must be of type int or",
    ),
    ("{{ a() }}", "near 'a'] 'a' is not a function (it is string)"),
    ("{{ -a }}", "] Negative sign on a non-number expression"),
    ("{{ m(1, 2) }}", "near 'macro'] Macro 'm' called with too many arguments (2 instead of 1)."),
    ("{{ randomInt(0) }}", None),
]


@pytest.mark.parametrize(("body", "message"), IN_MACROS)
def test_the_server_writes_some_errors_of_a_macro_into_the_text(body: str, message: str | None) -> None:
    template = f"{{% macro m(a) %}}{body}{{% endmacro %}}<{{{{ m('x') }}}}>!"

    if message is None:
        with pytest.raises(TemplateRuntimeError):
            render(template)
    else:
        assert render(template).startswith("<[Error")
        assert message in render(template)
        assert render(template).endswith(">!")


def test_an_unknown_function_renders_as_nothing() -> None:
    assert render("<{{ nope('x') }}>") == "<>"


def test_template_writes_its_functions_into_the_map_that_it_gets() -> None:
    assert render("{{ template('{{ key }}', map) }} {{ map|length }}") == "value 9"
