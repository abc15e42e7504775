"""One environment variable: its name, what its text may be, and where that text comes from."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

_FILE_SUFFIX: Final = "_FILE"
_MAX_SECRET_BYTES: Final = 65536
_TMPDIR: Final = "$TMPDIR"
_UNPRINTABLE: Final = re.compile(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff]")
"""Control characters, and the surrogates by which Python stands for bytes that are not UTF-8."""


@dataclass(frozen=True, slots=True)
class Variable:
    """What one variable sets."""

    name: str
    parse: Callable[[str], Any]
    """From text to value; ValueError says what would be right."""
    default: str | None = None
    """As one would write it into the environment; `$TMPDIR` stands for the folder of temporary files."""
    is_required: bool = False
    description: str = ""
    """For a required one: what to set it to, in words."""
    is_secret: bool = False
    """Then it can also be read from a file."""

    @property
    def file_variable(self) -> str:
        """The name of the variable that names that file."""
        return self.name + _FILE_SUFFIX

    @property
    def names(self) -> tuple[str, ...]:
        """All names under which it is looked for."""
        return (self.name, self.file_variable) if self.is_secret else (self.name,)

    def read(self, given: Mapping[str, str]) -> Any:
        """What it says in this environment, where no text is empty. ValueError says what would be right."""
        text = self._text(given)
        if text is None and self.default is None:
            return None
        if text is None:
            temporary = given.get("TMPDIR", "/tmp").rstrip("/")  # noqa: S108 - where POSIX has temporary files
            return self.parse(str(self.default).replace(_TMPDIR, temporary))
        if _UNPRINTABLE.search(text):
            raise ValueError("give a text without line breaks, other control characters and bytes that are not UTF-8")
        return self.parse(text)

    def _text(self, given: Mapping[str, str]) -> str | None:
        text = given.get(self.name)
        path = given.get(self.file_variable) if self.is_secret else None
        if text and path:
            raise ValueError(f"set this or {self.file_variable}, not both")
        if path:
            return self._read_file(Path(path))
        if not text and self.is_required:
            beside = f", or {self.file_variable} to a file that holds it" if self.is_secret else ""
            raise ValueError(f"it is required: set it to {self.description}{beside}")
        return text

    def _read_file(self, path: Path) -> str:
        try:
            with path.open("rb") as file:
                content = file.read(_MAX_SECRET_BYTES + 1)
            text = content.decode().strip()
        except UnicodeDecodeError:
            raise ValueError(f"{self.file_variable} names a file that is not UTF-8 text ({path})") from None
        except (OSError, ValueError) as error:  # ValueError: a path that can't be one
            reason = error.strerror if isinstance(error, OSError) else str(error)
            raise ValueError(f"{self.file_variable} names a file that can't be read: {reason} ({path})") from None
        if not text or len(content) > _MAX_SECRET_BYTES:
            state = "too large to hold a secret" if text else "empty"
            raise ValueError(f"{self.file_variable} names a file that is {state} ({path})")
        return text
