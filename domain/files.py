"""Files in the chat service."""

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Upload:
    """An upload that has begun."""

    file_id: str
    url: str = field(repr=False)
    """The address for the content: a capability, since whoever knows it can write the file."""


@dataclass(frozen=True, slots=True)
class SharedFile:
    """A file that people can see."""

    id: str
    permalink: str
