"""What the template language has, row by row: filters, tags, functions and operators. Documentation is made from it."""

from collections.abc import Mapping
from dataclasses import dataclass

from entrypoints.simulation.pongo2.filters.registry import FLYTE_FILTERS, PONGO2_FILTERS
from entrypoints.simulation.pongo2.tags.registry import TAGS
from entrypoints.simulation.pongo2.template import FUNCTIONS

OPERATORS: Mapping[str, str] = {
    "==": "The same, in type as well: a number out of JSON equals no whole number until `|integer` makes it one.",
    "!=": "Not the same.",
    "<>": "Not the same.",
    "<": "Less. Texts are read as whole numbers; times can be compared with times.",
    ">": "Greater.",
    "<=": "Less or equal.",
    ">=": "Greater or equal.",
    "+": "Sum of numbers; texts are read as numbers (the filter `add` joins texts).",
    "-": "Difference, and a sign before a number.",
    "*": "Product.",
    "/": "Quotient; of whole numbers, a whole one.",
    "%": "Rest of a division of whole numbers.",
    "^": "Power; always with decimals.",
    "and": "Both true: not empty, not zero, not missing. `and` and `or` group from the right.",
    "&&": "The same as `and`.",
    "or": "One of them true.",
    "||": "The same as `or`.",
    "not": "Not true; stands closer than everything but a dot, a filter and `* / % ^`: `not a == b` is `(not a) == b`.",
    "!": "The same as `not`.",
    "in": "Part of a text, item of a list, key of a map.",
}

SYNTAX: Mapping[str, str] = {
    "( )": "What belongs together.",
    ".": "Field of a map, or item of a list by its number: `replies.0.text`. What is missing is empty.",
    "|": "A filter, with or without spaces; its argument after a colon is a literal or a name.",
    "{% verbatim %}": "Between `{% verbatim %}` and `{% endverbatim %}` nothing is read.",
    "{# #}": "A comment on one line.",
    "{{- -}}": "A minus inside the braces takes away the white space outside.",
}


@dataclass(frozen=True, slots=True)
class Row:
    """One filter, function, tag, operator or piece of syntax."""

    kind: str
    name: str
    origin: str
    summary: str


def reference_rows() -> tuple[Row, ...]:
    """All that is supported; everything else is refused when a flow is read."""
    return (
        *_rows("filter", "Flyte", {name: one.apply for name, one in FLYTE_FILTERS.items()}),
        *_rows("filter", "pongo2", {name: one.apply for name, one in PONGO2_FILTERS.items()}),
        *_rows("function", "Flyte", FUNCTIONS),
        *_rows("tag", "pongo2", TAGS),
        *(Row("operator", name, "pongo2", summary) for name, summary in OPERATORS.items()),
        *(Row("syntax", name, "pongo2", summary) for name, summary in SYNTAX.items()),
    )


def markdown() -> str:
    """The rows as a table."""
    lines = ["| | name | of | what it does |", "|---|---|---|---|"]
    lines += [
        f"| {row.kind} | `{_in_table(row.name)}` | {row.origin} | {_in_table(row.summary)} |"
        for row in reference_rows()
    ]
    return "\n".join(lines)


def _rows(kind: str, origin: str, named: Mapping[str, object]) -> list[Row]:
    return [Row(kind, name, origin, _summary(one)) for name, one in sorted(named.items())]


def _summary(one: object) -> str:
    described = getattr(one, "body", one)
    return (described.__doc__ or "").strip().split("\n\n")[0]


def _in_table(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")
