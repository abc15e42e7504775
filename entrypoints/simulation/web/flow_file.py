"""A user's file with a flow, as the page's editor read it last."""

import hashlib
from dataclasses import dataclass
from pathlib import Path


class FileUnusable(Exception):
    """The file cannot be read or written, or has changed meanwhile; the message tells people what to do."""


@dataclass(slots=True)
class FlowFile:
    """A file, and the text that it had when it was last read or written here."""

    path: Path
    text: str

    @property
    def version(self) -> str:
        """Identifies the text."""
        return _version(self.text)

    def load(self) -> str:
        """Reads the file again; returns its text. Raises FileUnusable."""
        self.text = self._read()
        return self.text

    def save(self, text: str, version: str) -> None:
        """Replaces the text of the file, unless it is another one than that of this version. Raises FileUnusable."""
        present = self._read()
        if present != text and _version(present) != version:
            raise FileUnusable(
                f"{self.path} has changed on disk since it was read, so it was not saved. "
                "Copy what you need, then load the file"
            )
        try:
            self.path.write_text(text, encoding="utf-8")
        except OSError as error:
            raise FileUnusable(f"{self.path} cannot be written: {error.strerror}") from error
        self.text = text

    def as_json(self) -> object:
        """Returns the file as the page shows it."""
        return {"path": str(self.path), "version": self.version}

    def _read(self) -> str:
        try:
            return self.path.read_text(encoding="utf-8")
        except OSError as error:
            raise FileUnusable(f"{self.path} cannot be read: {error.strerror}") from error
        except ValueError as error:
            raise FileUnusable(f"{self.path} is not in UTF-8") from error


def _version(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:16]
