"""The types of the values and outputs of templates, as far as they are known without an event."""

import re
from collections.abc import Callable, Iterable, Mapping
from enum import Enum
from itertools import product
from typing import Any, Final

from entrypoints.simulation.pongo2 import values
from entrypoints.simulation.pongo2.expressions import Binary, Expression, Filtered, Literal, Unary
from entrypoints.simulation.pongo2.parser import Block, Node, TagNode, TextNode, VariableNode


class Kind(Enum):
    """The type of a value, with a regular expression for what it renders as."""

    TEXT = ("a text", ".*")
    BOOLEAN = ("a boolean", "True|False")
    NEGATED = ("a value after not", ".*")
    """A boolean, or of a number a number."""
    INTEGER = ("an integer", r"-?\d+")
    NUMBER = ("a number of JSON", r"-?\d+\.\d+|NaN|[+-]Inf")
    OBJECT = ("an object", r"(?:map\[|<).*")
    LIST = ("a list", r"(?:\[|<).*")
    TIME = ("a time", r"\d{4}-.*")
    UNKNOWN = ("anything", ".*")

    def __init__(self, words: str, rendered: str) -> None:
        self.words = words
        self.rendered = rendered


KindOf = Callable[[Expression], Kind]
"""The type of a name's value."""

_ANY: Final = ".*"
_MOST_OUTPUTS: Final = 64
_COMPARISONS: Final = frozenset({"==", "!=", "<>", "<", ">", "<=", ">=", "in", "and", "&&", "or", "||"})
_BY_FILTER: Final[Mapping[str, Kind]] = {
    **dict.fromkeys(("match", "matchesCron", "divisibleby", "length_is"), Kind.BOOLEAN),
    **dict.fromkeys(("integer", "length", "wordcount"), Kind.INTEGER),
    **dict.fromkeys(("split", "make_list"), Kind.LIST),
    "float": Kind.NUMBER,
    "kvp": Kind.OBJECT,
    **dict.fromkeys(
        ("capfirst", "cut", "escape", "extractMatch", "join", "lower", "removedupwhitespaces", "safecopypaste"),
        Kind.TEXT,
    ),
    **dict.fromkeys(("striptags", "title", "truncatechars", "truncatewords", "upper", "yesno"), Kind.TEXT),
}


def kind_of(expression: Expression, kind_of_name: KindOf) -> Kind:
    """Returns the type of an expression's value."""
    match expression:
        case Literal(value):
            return _kind_of_literal(value)
        case Filtered(_, filters):
            return _BY_FILTER.get(filters[-1].name, Kind.UNKNOWN)
        case Binary(operator) if operator in _COMPARISONS:
            return Kind.BOOLEAN
        case Unary(is_negated=True, is_negative=False):
            return Kind.NEGATED
        case _:
            return kind_of_name(expression)


def kind_of_sample(sample: Any) -> Kind:
    """Returns the type of the value that a sample of a payload stands for."""
    if isinstance(sample, bool):
        return Kind.BOOLEAN
    kinds: Mapping[type, Kind] = {str: Kind.TEXT, int: Kind.NUMBER, float: Kind.NUMBER, list: Kind.LIST}
    return Kind.OBJECT if isinstance(sample, Mapping) else kinds.get(type(sample), Kind.UNKNOWN)


def can_render_as(document: Block, words: Iterable[str], kind_of_name: KindOf) -> bool:
    """Whether a template can render as one of the words."""
    outputs = _outputs(document.nodes, kind_of_name)
    return any(re.fullmatch(output, word, re.DOTALL) for output in outputs for word in words)


def _kind_of_literal(value: object) -> Kind:
    if isinstance(value, bool):
        return Kind.BOOLEAN
    return Kind.TEXT if isinstance(value, str) else Kind.NUMBER if isinstance(value, float) else Kind.INTEGER


def _outputs(nodes: Iterable[Node], kind_of_name: KindOf) -> frozenset[str]:
    """Returns regular expressions for everything that nodes can render as."""
    found = frozenset({""})
    for node in nodes:
        found = frozenset(map("".join, product(found, _output(node, kind_of_name))))
        if len(found) > _MOST_OUTPUTS:
            return frozenset({_ANY})
    return found


def _output(node: Node, kind_of_name: KindOf) -> frozenset[str]:
    match node:
        case TextNode(text):
            return frozenset({re.escape(text)})
        case VariableNode(Literal(value)):
            return frozenset({re.escape(values.to_text(value))})
        case VariableNode(expression):
            return frozenset({f"(?:{kind_of(expression, kind_of_name).rendered})"})
        case Block(nodes):
            return _outputs(nodes, kind_of_name)
        case TagNode(branches=tuple(branches)):
            return frozenset(output for branch in branches for output in _outputs(branch.nodes, kind_of_name))
    return frozenset({_ANY})
