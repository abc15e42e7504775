"""The reference of the template language: every filter, tag, function and operator, as a table for the docs."""

from collections.abc import Mapping
from dataclasses import dataclass

from entrypoints.simulation.pongo2.expression_parser import Filter
from entrypoints.simulation.pongo2.filters.registry import FLYTE_FILTERS, PONGO2_FILTERS
from entrypoints.simulation.pongo2.tags.registry import TAGS
from entrypoints.simulation.pongo2.template import FUNCTIONS

OPERATORS: Mapping[str, str] = {
    "==": "Equal, and of the same type: a JSON number equals no integer until `|integer` makes it one.",
    "!=": "Not equal.",
    "<>": "Not equal.",
    "<": "Less than. Strings are compared as integers; times are neither less nor greater.",
    ">": "Greater than.",
    "<=": "Less than or equal.",
    ">=": "Greater than or equal.",
    "+": "Sum of numbers; strings are converted to numbers (the filter `add` joins strings).",
    "-": "Difference; or the sign of a number.",
    "*": "Product.",
    "/": "Quotient; of two integers, an integer.",
    "%": "Remainder of an integer division.",
    "^": "Power; always a float.",
    "and": "Both are true: not empty, zero or missing. `and` and `or` group from the right.",
    "&&": "The same as `and`.",
    "or": "At least one is true.",
    "||": "The same as `or`.",
    "not": "Not true. Binds closer than comparisons, `+` and `-`: `not a == b` is `(not a) == b`.",
    "!": "The same as `not`.",
    "in": "A substring, an item of a list or a key of a map.",
}

SYNTAX: Mapping[str, str] = {
    "( )": "Grouping.",
    ".": "A field of a map, an item of a list (`replies.0.text`) or a method of a time. Missing values are empty.",
    "|": "Applies a filter, with or without spaces; the argument after a colon is a literal or a name.",
    "{% verbatim %}": "Text up to `{% endverbatim %}` is not interpreted.",
    "{# #}": "A comment on one line.",
    "{{- -}}": "A minus inside the braces removes the white space outside.",
}


@dataclass(frozen=True, slots=True)
class ReferenceRow:
    """One filter, function, tag, operator or piece of syntax."""

    kind: str
    name: str
    origin: str
    summary: str


def reference_rows() -> tuple[ReferenceRow, ...]:
    """Returns everything that is supported; anything else is refused when a flow file is loaded."""
    return (
        *_filters("Flyte", FLYTE_FILTERS),
        *_filters("pongo2", PONGO2_FILTERS),
        *_rows("function", "Flyte", {name: _summary(one.body) for name, one in sorted(FUNCTIONS.items())}),
        *_rows("tag", "pongo2", {name: _summary(parse) for name, parse in sorted(TAGS.items())}),
        *_rows("operator", "pongo2", OPERATORS),
        *_rows("syntax", "pongo2", SYNTAX),
    )


def markdown() -> str:
    """Formats the rows as a Markdown table."""
    lines = ["| kind | name | origin | description |", "|---|---|---|---|"]
    for row in reference_rows():
        name, summary = (text.replace("|", "\\|").replace("\n", " ") for text in (row.name, row.summary))
        lines.append(f"| {row.kind} | `{name}` | {row.origin} | {summary} |")
    return "\n".join(lines)


def _filters(origin: str, filters: Mapping[str, Filter]) -> list[ReferenceRow]:
    return _rows("filter", origin, {name: _summary(one.apply) for name, one in sorted(filters.items())})


def _rows(kind: str, origin: str, summaries: Mapping[str, str]) -> list[ReferenceRow]:
    return [ReferenceRow(kind, name, origin, summary) for name, summary in summaries.items()]


def _summary(documented: object) -> str:
    return (documented.__doc__ or "").strip().split("\n\n")[0]
