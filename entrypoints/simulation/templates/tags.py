"""All tags by name."""

from entrypoints.simulation.templates import tags_blocks, tags_inline, tags_loops
from entrypoints.simulation.templates.parser import TagParser

TAGS: dict[str, TagParser] = {
    "autoescape": tags_blocks.parse_autoescape,
    "comment": tags_blocks.parse_comment,
    "cycle": tags_loops.parse_cycle,
    "filter": tags_blocks.parse_filter,
    "firstof": tags_inline.parse_firstof,
    "for": tags_loops.parse_for,
    "if": tags_blocks.parse_if,
    "ifchanged": tags_loops.parse_ifchanged,
    "ifequal": tags_blocks.parse_ifequal,
    "ifnotequal": tags_blocks.parse_ifnotequal,
    "lorem": tags_inline.parse_lorem,
    "macro": tags_inline.parse_macro,
    "now": tags_inline.parse_now,
    "set": tags_inline.parse_set,
    "spaceless": tags_blocks.parse_spaceless,
    "templatetag": tags_inline.parse_templatetag,
    "widthratio": tags_inline.parse_widthratio,
    "with": tags_blocks.parse_with,
}
