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
    ("{{ bogus(1) }}", "line 1, column 4: the function 'bogus' is not supported"),
    ("{{ randomInt() }}", "line 1, column 4: 'randomInt' takes 1 argument, not 0"),
    ("{{ Event.CreatedAt.Unix() }}", "line 1, column 20: 'Unix' can't be called: methods are not supported"),
    ("{{ letters[0] }}", "line 1, column 11: '[' is not allowed here"),
    ("{{ a ? b }}", "line 1, column 6: '?' is not allowed here"),
    (r"{{ x|match:'\s' }}", r"line 1, column 13: unknown escape sequence '\s'; only \" and \\ are allowed"),
    (r"{{ 'it\'s' }}", r"line 1, column 7: unknown escape sequence '\''; only \" and \\ are allowed"),
    ("{{ 'open }}", "line 1, column 4: the string is not closed on its line"),
    ("{{ x\n}}", "line 1, column 5: a tag or variable can't span lines"),
    ("a{# no end", "line 1, column 2: the comment is not closed; expected '#}'"),
    ("{# two\nlines #}", "line 1, column 1: a '{# #}' comment can't span lines"),
    ("{% verbatim %}x", "line 1, column 1: expected '{% endverbatim %}'"),
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
    ("{% macro m(a) %}{% endmacro %}{{ m(1, 2) }}", "line 1, column 34: 'm' takes at most 1 arguments, not 2"),
    ("{% if x", "line 1, column 1: the tag is not closed; expected '%}'"),
    ("{% 5 %}", "line 1, column 4: expected a name, not '5'"),
    ("{{ x|match:'(' }}", "line 1, column 12: filter 'match': '(' is not a valid regular expression: missing )"),
    ("{{ x|match:'(?=a)' }}", "filter 'match': '(?=a)' is not a valid regular expression"),
    (r"{{ x|extractMatch:'(a)\\1' }}", "is not a valid regular expression: invalid escape sequence"),
    ("{{ x|matchesCron:'61 * * * *' }}", "filter 'matchesCron': '61' is not a valid minute of a cron expression"),
    ("{{ x|matchesCron:'* *' }}", "filter 'matchesCron': the cron expression '* *' has 2 fields, not five or six"),
    ("{{ x|slice:'5' }}", "line 1, column 12: filter 'slice': expected 'from:to'"),
    ("{{ x }}{", "line 1, column 8: a template can't end with '{'"),
]


@pytest.mark.parametrize(("template", "message"), REFUSED)
def test_a_syntax_error_has_its_position(template: str, message: str) -> None:
    with pytest.raises(TemplateSyntaxError) as refusal:
        Template(template)

    assert message in str(refusal.value)


FAILED = [
    ("{{ 1 / 0 }}", "line 1, column 6: division by zero"),
    ("{{ 1 % 0 }}", "line 1, column 6: division by zero"),
    ("{{ -name }}", "line 1, column 4: only a number can have a minus sign, not a string"),
    ("{{ name.first }}", "line 1, column 4: 'name.first': a string has no fields"),
    ("{{ number.0 }}", "line 1, column 4: 'number.0': a number has no items"),
    ("{{ letters == letters }}", "line 1, column 12: two lists or two maps can't be compared"),
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
    ("{{ 'x'|stringformat:'%*d' }}", "filter 'stringformat': '*' in a format is not supported"),
    ("{{ half|stringformat:'%x' }}", "filter 'stringformat': '%x' of a float is not supported"),
    ("{{ randomInt(number) }}", "line 1, column 4: expected an integer, not a number; '|integer' makes one"),
    ("{{ randomInt(0) }}", "line 1, column 4: the bound must be above 0, not 0"),
    ("{{ randomAlpha(zero|integer - 1) }}", "line 1, column 4: word length must be non-negative"),
    ("{{ base64Encode(number) }}", "line 1, column 4: expected a string, not a number"),
    ("{{ base64Decode('a b') }}", "line 1, column 4: not base64 with the URL-safe alphabet"),
    ("{{ base64Decode('aaaaa') }}", "line 1, column 4: not base64 with the URL-safe alphabet"),
    ("{{ datastore('nope') }}", "line 1, column 4: the datastore has no item 'nope'"),
    ("{{ unmarshalJson('[1]') }}", "line 1, column 4: expected a JSON object"),
    ("{{ unmarshalJson('{') }}", "line 1, column 4: invalid JSON"),
    ("{{ template('{{ x|bogus }}', map) }}", "in the inner template, line 1, column 6: the filter 'bogus'"),
    ("{{ template('x', 'y') }}", "line 1, column 4: expected a map of names, not a string"),
    ("{% set f = randomInt %}{{ f }}", "line 1, column 12: 'randomInt' takes 1 arguments, not 0"),
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
