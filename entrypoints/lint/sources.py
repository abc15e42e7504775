"""Finds the flows among files and directories, and the scripted packs beside them."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from entrypoints.lint.loading import parse_if_possible
from entrypoints.lint.words import both
from entrypoints.simulation.flyte.documents import InvalidDocument, is_json_file, read_text
from entrypoints.simulation.flyte.file_kinds import other_kind
from entrypoints.simulation.flyte.scripted_pack import PackScript, pack_from_file

_SUFFIXES: Final = (".yaml", ".yml", ".json")
_FLOW_WORD: Final = "packName"
"""A word that every flow contains, even one that cannot be read."""


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
    others: list[str] = field(default_factory=list)
    """The named files that are neither, with their kind."""


def find_sources(arguments: Sequence[Path]) -> Sources:
    """Returns the flows and packs in files and in and below directories. Raises InvalidDocument."""
    sources = Sources()
    for argument in arguments:
        for path in dict.fromkeys(_files(argument)):
            _add(sources, path, is_named=path == argument)
    if not sources.flows:
        nothing = f"there is no flow in {', '.join(map(str, arguments))}"
        if sources.packs:
            names = both(f"the pack {pack.name}" for pack in sources.packs)
            nothing += f", only {names}: add the flows that send commands to it"
        raise InvalidDocument("\n".join((*sources.others, nothing)))
    return sources


def _files(argument: Path) -> Iterable[Path]:
    if not argument.is_dir():
        return [argument]
    return sorted(path for path in argument.rglob("*") if path.suffix.lower() in _SUFFIXES and path.is_file())


def _add(sources: Sources, path: Path, *, is_named: bool) -> None:
    text = read_text(path)
    document = parse_if_possible(text, path)
    keys = document.data if document and isinstance(document.data, dict) else {}
    if "steps" not in keys and "commands" in keys:
        sources.packs.append(pack_from_file(path))
    elif kind := other_kind(keys, "steps"):
        sources.others += [f"{path}: {kind}"] if is_named else []
    elif is_named or _FLOW_WORD in text:
        sources.flows.append(FlowSource(path, text))
