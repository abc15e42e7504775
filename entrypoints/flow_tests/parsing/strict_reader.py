"""Reads the values of a document that people write: each mistake with line and column, and what was meant perhaps."""

import difflib
from collections.abc import Iterable, Mapping, Sequence

import yaml

from entrypoints.simulation.flyte.documents import InvalidDocument, KeyPath, Reader


class StrictReader(Reader):
    """A Reader that points at the very character, and guesses at misspelt words."""

    def __init__(self, where: str, node: yaml.Node | None) -> None:
        super().__init__(where, node)
        self._root = node

    def mapping(self, value: object, path: KeyPath, keys: Iterable[str]) -> Mapping[str, object]:
        """See Reader."""
        known = sorted(keys)
        if isinstance(value, dict):
            for key in value:
                self.known(key, known, (*path, str(key)), "key")
        return super().mapping(value, path, set(known))

    def known(self, word: object, words: Iterable[str], path: KeyPath, kind: str) -> str:
        """The word, if it is one of these; refused otherwise."""
        known = list(words)
        if isinstance(word, str) and word in known:
            return word
        similar = difflib.get_close_matches(str(word), known, n=1)
        hint = f"did you mean '{similar[0]}'?" if similar else f"known are {', '.join(known) or 'none'}"
        raise self.refusal(path, f"there is no {kind} '{word}'; {hint}")

    def choice(self, values: Mapping[str, object], key: str, path: KeyPath, words: Sequence[str], default: str) -> str:
        """One of these words."""
        return self.known(values.get(key, default), words, (*path, key), "choice")

    def flag(self, values: Mapping[str, object], key: str, path: KeyPath, *, default: bool) -> bool:
        """True or false."""
        value = values.get(key, default)
        if not isinstance(value, bool):
            raise self.refusal((*path, key), "true or false expected")
        return value

    def count(self, values: Mapping[str, object], key: str, path: KeyPath) -> int | None:
        """A whole number from 1 on; None where nothing stands."""
        value = values.get(key)
        if value is None:
            return None
        if not isinstance(value, int) or isinstance(value, bool) or value < 1:
            raise self.refusal((*path, key), "a whole number from 1 on expected")
        return value

    def items(self, value: object, path: KeyPath, what: str) -> Sequence[object]:
        """A list, not empty."""
        if not isinstance(value, list) or not value:
            raise self.refusal(path, f"a list of {what} expected, with at least one")
        return value

    def texts(self, value: object, path: KeyPath) -> Sequence[str]:
        """A list of strings; empty where nothing stands."""
        if value is None:
            return ()
        if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
            raise self.refusal(path, "a list of strings expected")
        return value

    def line(self, path: KeyPath) -> int:
        """The line that something stands on, from 1 on; 0 when nobody knows."""
        mark = self._mark(path)
        return mark.line + 1 if mark else 0

    def refusal(self, path: KeyPath, message: str) -> InvalidDocument:
        """See Reader."""
        mark = self._mark(path)
        place = f":{mark.line + 1}:{mark.column + 1}" if mark else ""
        return InvalidDocument(f"{self._where}{place}: {self.named(path)}{message}")

    def _mark(self, path: KeyPath) -> yaml.Mark | None:
        """Where something begins: a value in a mapping with its key. Of the deepest part that is there."""
        node, mark = self._root, self._root.start_mark if self._root else None
        for key in path:
            found = _entry(node, key)
            if found is None:
                break
            mark, node = found
        return mark


def _entry(node: yaml.Node | None, key: str | int) -> tuple[yaml.Mark, yaml.Node] | None:
    if isinstance(node, yaml.MappingNode):
        entries = ((name, value) for name, value in node.value if isinstance(name, yaml.ScalarNode))
        return next(((name.start_mark, value) for name, value in entries if name.value == str(key)), None)
    if isinstance(node, yaml.SequenceNode) and isinstance(key, int) and key < len(node.value):
        return node.value[key].start_mark, node.value[key]
    return None
