"""A storage of another distribution: in the memory of this process, by names like `example://name`."""

from typing import Final

from adapters.memory.storage import MemoryStorage
from application.ports.clock import Clock
from application.ports.storage import Storage, StorageDescription
from application.ports.storage_scheme import StorageScheme


class ExampleStorage(MemoryStorage):
    """Implements Storage, by what the memory storage does."""

    def __init__(self, name: str, clock: Clock) -> None:
        super().__init__(clock)
        self._name = name

    def describe(self) -> StorageDescription:
        return StorageDescription(f"the example {self._name}", is_durable=False, is_shared=False)


class ExampleScheme:
    """Implements StorageScheme. The same name leads to the same storage."""

    def __init__(self) -> None:
        self._storages: dict[str, ExampleStorage] = {}

    def create(self, url: str, clock: Clock, *, lease_seconds: float) -> Storage:
        del lease_seconds  # no other process can use the storage
        name = url.partition("://")[2]
        if not name:
            raise ValueError("example: needs a name: example://name")
        return self._storages.setdefault(name, ExampleStorage(name, clock))

    def attach(self, url: str, clock: Clock) -> Storage:
        del url, clock
        raise ValueError("example: is in the pack's own process, and other processes can't access it")


scheme: Final[StorageScheme] = ExampleScheme()
