"""Arbitrary templates and values: each template is refused, fails with a position, or renders."""

from hypothesis import given
from hypothesis import strategies as st

from entrypoints.simulation.pongo2.errors import TemplateError, TemplateSyntaxError
from entrypoints.simulation.pongo2.filters.registry import FILTERS
from entrypoints.simulation.pongo2.go_json import from_json
from entrypoints.simulation.pongo2.tags.registry import TAGS
from entrypoints.simulation.pongo2.template import FUNCTIONS, Template
from tests.simulation.template_names import ENVIRONMENT, EVENT, VALUES

SYNTAX = r"""
    {{ }} {% %} {# #} - | : . , ( ) == < in and not = ^ % 'a' "b" '1:' 0 7 2.5 true x Event as else end endfor endif \
"""
PIECES = [*SYNTAX.split(), "\n", " ", *VALUES, *FILTERS, *TAGS, *FUNCTIONS]
NAMES = {key: from_json(value) for key, value in VALUES.items()} | {"Event": EVENT}
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4),
    max_leaves=10,
)
FILTER_CALLS = st.lists(
    st.tuples(st.sampled_from(sorted(FILTERS)), st.sampled_from(["", ":1", ":'2'", ":'a,b'", ":':1'", ":y", ":'%v'"])),
    max_size=4,
)


def outcome(source: str, names: dict[str, object]) -> str | TemplateError:
    """Returns the rendered text, or the error."""
    try:
        return Template(source).render(names, ENVIRONMENT)
    except TemplateError as error:
        return error


@given(st.lists(st.sampled_from(PIECES), max_size=30).map(" ".join) | st.text(max_size=60))
def test_any_source_is_refused_fails_or_renders(source: str) -> None:
    result = outcome(source, NAMES)

    assert isinstance(result, str) or result.message
    assert not isinstance(result, TemplateSyntaxError) or result.position is not None


@given(FILTER_CALLS, JSON, JSON)
def test_filters_accept_any_value(calls: list[tuple[str, str]], value: object, argument: object) -> None:
    chain = "".join(f"|{name}{argument_source}" for name, argument_source in calls)

    result = outcome("{{ x" + chain + " }}", {"x": from_json(value), "y": from_json(argument)})

    assert isinstance(result, str) or result.position is not None
