"""All tags by name. Every function `parse_...` of the tag modules parses the tag of that name."""

from entrypoints.simulation.pongo2.parser import TagParser
from entrypoints.simulation.pongo2.tags import blocks, inline, loops

TAGS: dict[str, TagParser] = {
    name.removeprefix("parse_"): parse
    for module in (blocks, inline, loops)
    for name, parse in vars(module).items()
    if name.startswith("parse_")
}
