"""Texts with NUL characters, which PostgreSQL can't store: they are escaped on the way there, and back."""

from psycopg.abc import AdaptContext, Buffer
from psycopg.types.string import StrDumperUnknown, TextLoader

_ESCAPE = "\x1a"
_ESCAPED = str.maketrans({"\0": f"{_ESCAPE}0", _ESCAPE: f"{_ESCAPE}1"})


class _EscapingDumper(StrDumperUnknown):
    def dump(self, obj: str) -> Buffer | None:
        return super().dump(obj.translate(_ESCAPED) if "\0" in obj or _ESCAPE in obj else obj)


class _UnescapingLoader(TextLoader):
    def load(self, data: Buffer) -> str:
        stored = str(data, "utf-8")
        return stored.replace(f"{_ESCAPE}0", "\0").replace(f"{_ESCAPE}1", _ESCAPE) if _ESCAPE in stored else stored


def register_texts(context: AdaptContext) -> None:
    """Lets a connection store and load texts with any character."""
    context.adapters.register_dumper(str, _EscapingDumper)
    context.adapters.register_loader("text", _UnescapingLoader)
