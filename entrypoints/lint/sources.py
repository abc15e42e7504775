"""Finds the flows among files and directories, and the scripted packs beside them."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from entrypoints.simulation.flyte.documents import Document, InvalidDocument, is_json_file, parse_document, read_text
from entrypoints.simulation.flyte.scripted_pack import PackScript, pack_from_file

_SUFFIXES: Final = (".yaml", ".yml", ".json")
_FLOW_WORD: Final = "packName"
"""What every flow has, also one that cannot be read."""
_OTHER_KINDS: Final = ("tests", "step", "commands")
"""The keys that distinguish a file of tests or a scripted pack from a flow."""


@dataclass(frozen=True, slots=True)
class FlowSource:
    """The text of a flow file."""

    path: Path
    text: str

    @property
    def is_json(self) -> bool:
        """Whether it is read as JSON."""
        return is_json_file(self.path)


@dataclass(slots=True)
class Sources:
    """What was found."""

    flows: list[FlowSource] = field(default_factory=list)
    packs: list[PackScript] = field(default_factory=list)
    others: list[Path] = field(default_factory=list)
    """Files that were named, and are neither."""


def find_sources(arguments: Sequence[Path]) -> Sources:
    """Returns the flows and packs in files and in and below directories. Raises InvalidDocument."""
    sources = Sources()
    for argument in arguments:
        for path in dict.fromkeys(_files(argument)):
            _add(sources, path, is_named=path == argument)
    if not sources.flows:
        raise InvalidDocument(f"there is no flow in {', '.join(map(str, arguments))}")
    return sources


def _files(argument: Path) -> Iterable[Path]:
    if not argument.is_dir():
        return [argument]
    return sorted(path for path in argument.rglob("*") if path.suffix.lower() in _SUFFIXES and path.is_file())


def _add(sources: Sources, path: Path, *, is_named: bool) -> None:
    text = read_text(path)
    document = _parsed(path, text)
    keys = document.data if document and isinstance(document.data, dict) else {}
    if "steps" not in keys and "commands" in keys:
        sources.packs.append(pack_from_file(path))
    elif "steps" not in keys and any(key in keys for key in _OTHER_KINDS):
        sources.others += [path] if is_named else []
    elif is_named or _FLOW_WORD in text:
        sources.flows.append(FlowSource(path, text))


def _parsed(path: Path, text: str) -> Document | None:
    try:
        return parse_document(text, str(path), is_json=is_json_file(path))
    except InvalidDocument:
        return None
