"""All filters by name, as flows write them."""

from collections.abc import Callable

from entrypoints.simulation.pongo2 import cron, regex
from entrypoints.simulation.pongo2.expression_parser import Filter
from entrypoints.simulation.pongo2.filters import flyte, html, text, values
from entrypoints.simulation.pongo2.rendering import RenderContext


def _of_value(apply: Callable[[object], object]) -> Filter:
    """A filter that looks at no argument."""

    def call(value: object, _: object, __: RenderContext) -> object:
        return apply(value)

    call.__doc__ = apply.__doc__
    return Filter(call)


def _of_both(apply: Callable[[object, object], object], check: Callable[[object], object] | None = None) -> Filter:
    """A filter that looks at its argument; `check` is for arguments that are written out."""

    def call(value: object, argument: object, _: RenderContext) -> object:
        return apply(value, argument)

    call.__doc__ = apply.__doc__
    return Filter(call, check)


PONGO2_FILTERS: dict[str, Filter] = {
    "add": _of_both(values.add),
    "addslashes": _of_value(text.addslashes),
    "capfirst": _of_value(text.capfirst),
    "center": _of_both(text.center),
    "cut": _of_both(text.cut),
    "date": _of_both(values.date),
    "default": _of_both(values.default),
    "default_if_none": _of_both(values.default_if_none),
    "divisibleby": _of_both(values.divisibleby),
    "escape": _of_value(html.escape),
    "escapejs": _of_value(html.escapejs),
    "first": _of_value(values.first),
    "float": _of_value(values.float_),
    "floatformat": _of_both(values.floatformat),
    "get_digit": _of_both(values.get_digit),
    "integer": _of_value(values.integer_),
    "iriencode": _of_value(html.iriencode),
    "join": _of_both(values.join),
    "last": _of_value(values.last),
    "length": _of_value(values.length_),
    "length_is": _of_both(values.length_is),
    "linebreaks": _of_value(html.linebreaks),
    "linebreaksbr": _of_value(html.linebreaksbr),
    "linenumbers": _of_value(text.linenumbers),
    "ljust": _of_both(text.ljust),
    "lower": _of_value(text.lower),
    "make_list": _of_value(values.make_list),
    "phone2numeric": _of_value(text.phone2numeric),
    "pluralize": _of_both(values.pluralize),
    "random": Filter(values.random),
    "removetags": _of_both(html.removetags),
    "rjust": _of_both(text.rjust),
    "safe": _of_value(html.safe),
    "slice": _of_both(values.slice_, values.check_slice),
    "split": _of_both(values.split),
    "stringformat": _of_both(text.stringformat),
    "striptags": _of_value(html.striptags),
    "time": _of_both(values.date),
    "title": _of_value(text.title),
    "truncatechars": _of_both(text.truncatechars),
    "truncatewords": _of_both(text.truncatewords),
    "upper": _of_value(text.upper),
    "urlencode": _of_value(html.urlencode),
    "urlize": _of_both(html.urlize),
    "wordcount": _of_value(text.wordcount),
    "wordwrap": _of_both(text.wordwrap),
    "yesno": _of_both(values.yesno),
}

FLYTE_FILTERS: dict[str, Filter] = {
    "extractMatch": _of_both(flyte.extract_match, regex.check_pattern),
    "index": _of_both(flyte.index),
    "key": _of_both(flyte.key),
    "kvp": _of_value(flyte.kvp),
    "match": _of_both(flyte.match, regex.check_pattern),
    "matchesCron": _of_both(flyte.matches_cron, cron.check_expression),
    "removedupwhitespaces": _of_value(flyte.removedupwhitespaces),
    "safecopypaste": _of_value(flyte.safecopypaste),
}

FILTERS: dict[str, Filter] = PONGO2_FILTERS | FLYTE_FILTERS
