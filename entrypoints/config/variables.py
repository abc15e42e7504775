"""An environment variable: its name, the parser of its value, and its sources."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

_FILE_SUFFIX: Final = "_FILE"
_MAX_SECRET_BYTES: Final = 65536
_TMPDIR: Final = "$TMPDIR"
_UNPRINTABLE: Final = re.compile(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff]")
"""Control characters, and the surrogates that Python substitutes for bytes that are not UTF-8."""


@dataclass(frozen=True, slots=True)
class Variable:
    """An environment variable that the pack reads."""

    name: str
    parse: Callable[[str], Any]
    """Turns a text into a value. Raises ValueError that says which values are accepted."""
    default: str | None = None
    """The default as a text; `$TMPDIR` stands for the directory of temporary files."""
    is_required: bool = False
    description: str = ""
    """The value that a required variable needs, in words."""
    is_secret: bool = False
    """A secret can also be read from a file."""

    @property
    def file_variable(self) -> str:
        """The variable that names the file of a secret."""
        return self.name + _FILE_SUFFIX

    @property
    def names(self) -> tuple[str, ...]:
        """Every environment variable that this one is read from."""
        return (self.name, self.file_variable) if self.is_secret else (self.name,)

    def read(self, given: Mapping[str, str]) -> Any:
        """Returns the value in this environment, which has no empty texts. Raises ValueError with a correction."""
        text = self._text(given)
        if text is None and self.default is None:
            return None
        if text is None:
            temporary = given.get("TMPDIR", "/tmp").rstrip("/")  # noqa: S108 - POSIX's directory of temporary files
            return self.parse(str(self.default).replace(_TMPDIR, temporary))
        if _UNPRINTABLE.search(text):
            raise ValueError("must not contain line breaks, other control characters or bytes that are not UTF-8")
        return self.parse(text)

    def _text(self, given: Mapping[str, str]) -> str | None:
        text = given.get(self.name)
        path = given.get(self.file_variable) if self.is_secret else None
        if text and path:
            raise ValueError(f"set either this variable or {self.file_variable}, not both")
        if path:
            return self._read_file(Path(path))
        if not text and self.is_required:
            file = f", or set {self.file_variable} to a file that contains it" if self.is_secret else ""
            raise ValueError(f"required; set it to {self.description}{file}")
        return text

    def _read_file(self, path: Path) -> str:
        try:
            with path.open("rb") as file:
                content = file.read(_MAX_SECRET_BYTES + 1)
            text = content.decode().strip()
        except UnicodeDecodeError:
            raise ValueError(f"{self.file_variable} names a file that is not UTF-8 text ({path})") from None
        except (OSError, ValueError) as error:  # ValueError: an impossible path
            reason = error.strerror if isinstance(error, OSError) else str(error)
            raise ValueError(f"{self.file_variable} names a file that can't be read: {reason} ({path})") from None
        if not text or len(content) > _MAX_SECRET_BYTES:
            state = "too large to hold a secret" if text else "empty"
            raise ValueError(f"{self.file_variable} names a file that is {state} ({path})")
        return text
