"""All tags by name."""

from entrypoints.simulation.pongo2.parser import TagParser
from entrypoints.simulation.pongo2.tags import blocks, inline, loops

TAGS: dict[str, TagParser] = {
    "autoescape": blocks.parse_autoescape,
    "comment": blocks.parse_comment,
    "cycle": loops.parse_cycle,
    "filter": blocks.parse_filter,
    "firstof": inline.parse_firstof,
    "for": loops.parse_for,
    "if": blocks.parse_if,
    "ifchanged": loops.parse_ifchanged,
    "ifequal": blocks.parse_ifequal,
    "ifnotequal": blocks.parse_ifnotequal,
    "lorem": inline.parse_lorem,
    "macro": inline.parse_macro,
    "now": inline.parse_now,
    "set": inline.parse_set,
    "spaceless": blocks.parse_spaceless,
    "templatetag": inline.parse_templatetag,
    "widthratio": inline.parse_widthratio,
    "with": blocks.parse_with,
}
