"""Refuses keys without a value in documents that people write: mostly YAML has read the value as a comment."""

import re
from collections.abc import Iterator
from typing import Final

from entrypoints.simulation.flyte.document_schemas import KeyPath
from entrypoints.simulation.flyte.documents import Document, raise_all

EMPTY: Final = "is empty; give it a value, or remove the key"
_NOTHING_FOLLOWS: Final = re.compile(r"""("[^"]*"|'[^']*'|[^\s:#]+)\s*:[ \t]*(?:(#.*)|[,}]|$)""")
"""A key, and the comment behind it; an explicit `null` does not match."""
_MEANT_AS_VALUE: Final = re.compile(r"#\S+")


def refuse_empty_keys(document: Document) -> None:
    """Raises InvalidDocument for the keys that have no value, not even `null`."""
    errors = [(path, message) for path in _nulls(document.data, ()) if (message := _message(document, path))]
    raise_all([document.error(path, message) for path, message in errors])


def _nulls(value: object, path: KeyPath) -> Iterator[KeyPath]:
    """Yields the paths of the keys whose value is null."""
    if isinstance(value, dict):
        for key, inner in value.items():
            if inner is None:
                yield (*path, key)
            yield from _nulls(inner, (*path, key))
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from _nulls(inner, (*path, index))


def _message(document: Document, path: KeyPath) -> str:
    """Returns what is wrong with a key; empty if its null is written out."""
    key = document.error(path, "")
    written = _NOTHING_FOLLOWS.match(document.text.split("\n")[key.line - 1][key.column - 1 :]) if key.line else None
    if written is None:
        return ""
    comment = (written[2] or "").rstrip()
    if _MEANT_AS_VALUE.fullmatch(comment):
        return f"is empty; YAML reads # as a comment: write {path[-1]}: '{comment}'"
    return EMPTY
