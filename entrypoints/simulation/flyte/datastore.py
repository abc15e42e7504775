"""The datastore of a simulated Flyte: what packs and people store for the templates of flows."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from entrypoints.simulation.flyte.document_fields import NOT_AN_OBJECT
from entrypoints.simulation.flyte.documents import read_document

NOT_AN_ITEM: Final = "expected a text or an object: the server's datastore() fails for anything else"
_JSON: Final = "application/json"
_JSON_TYPES: Final = (_JSON, "text/json")
_TEXT: Final = "text/plain; charset=utf-8"


@dataclass(frozen=True, slots=True)
class DatastoreItem:
    """An item as it was stored."""

    value: bytes
    content_type: str
    description: str = ""

    def for_templates(self) -> object:
        """Returns the value that templates see: decoded if it is JSON, None if it is JSON that can't be read."""
        if not self.content_type.startswith(_JSON_TYPES):
            return self.value.decode(errors="replace")
        try:
            decoded: object = json.loads(self.value)
        except (ValueError, RecursionError):
            return None
        return decoded


class Datastore(Mapping[str, object]):
    """The items by key; as a mapping, their values for templates."""

    def __init__(self, items: Mapping[str, object]) -> None:
        """`items` are texts, or what is stored as JSON."""
        self.items_by_key: Final[dict[str, DatastoreItem]] = {key: _stored(item) for key, item in items.items()}

    def __getitem__(self, key: str) -> object:
        return self.items_by_key[key].for_templates()

    def __iter__(self) -> Iterator[str]:
        return iter(self.items_by_key)

    def __len__(self) -> int:
        return len(self.items_by_key)

    def put(self, key: str, item: DatastoreItem) -> bool:
        """Stores an item; returns whether it is new."""
        is_new = key not in self.items_by_key
        self.items_by_key[key] = item
        return is_new

    def remove(self, key: str) -> bool:
        """Removes an item; returns False if there is none."""
        return self.items_by_key.pop(key, None) is not None


def datastore_from_file(path: Path) -> Mapping[str, object]:
    """Loads the items in a JSON (`.json`) or YAML file, an object by key. Raises InvalidDocument."""
    document = read_document(path)
    document.refuse_unread()
    if not isinstance(document.data, dict):
        raise document.error((), NOT_AN_OBJECT)
    for key, item in document.data.items():
        if not is_item(item):
            raise document.error((key,), NOT_AN_ITEM)
    return document.data


def is_item(value: object) -> bool:
    """Whether templates can use the value."""
    return isinstance(value, str | dict)


def _stored(item: object) -> DatastoreItem:
    if isinstance(item, str):
        return DatastoreItem(item.encode(), _TEXT)
    return DatastoreItem(json.dumps(item).encode(), _JSON)
