"""Looks into a storage in a directory."""

from adapters.filesystem.storage import FileStorage


async def executed_statements(storage: FileStorage) -> list[str]:
    """Returns a list that collects every statement SQLite executes from now on."""
    seen: list[str] = []
    await storage.database.run(lambda connection: connection.set_trace_callback(seen.append))
    return seen
