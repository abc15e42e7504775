"""All filters by name, as flows write them."""

from collections.abc import Callable

from entrypoints.simulation.templates import cron, filters_flyte, filters_html, filters_text, filters_values, patterns
from entrypoints.simulation.templates.expression_parser import Filter
from entrypoints.simulation.templates.run import Run


def _of_value(apply: Callable[[object], object]) -> Filter:
    """A filter that looks at no argument."""

    def call(value: object, _: object, __: Run) -> object:
        return apply(value)

    call.__doc__ = apply.__doc__
    return Filter(call)


def _of_both(apply: Callable[[object, object], object], check: Callable[[object], object] | None = None) -> Filter:
    """A filter that looks at its argument; `check` is for arguments that are written out."""

    def call(value: object, argument: object, _: Run) -> object:
        return apply(value, argument)

    call.__doc__ = apply.__doc__
    return Filter(call, check)


PONGO2_FILTERS: dict[str, Filter] = {
    "add": _of_both(filters_values.add),
    "addslashes": _of_value(filters_text.addslashes),
    "capfirst": _of_value(filters_text.capfirst),
    "center": _of_both(filters_text.center),
    "cut": _of_both(filters_text.cut),
    "date": _of_both(filters_values.date),
    "default": _of_both(filters_values.default),
    "default_if_none": _of_both(filters_values.default_if_none),
    "divisibleby": _of_both(filters_values.divisibleby),
    "escape": _of_value(filters_html.escape),
    "escapejs": _of_value(filters_html.escapejs),
    "first": _of_value(filters_values.first),
    "float": _of_value(filters_values.float_),
    "floatformat": _of_both(filters_values.floatformat),
    "get_digit": _of_both(filters_values.get_digit),
    "integer": _of_value(filters_values.integer_),
    "iriencode": _of_value(filters_html.iriencode),
    "join": _of_both(filters_values.join),
    "last": _of_value(filters_values.last),
    "length": _of_value(filters_values.length_),
    "length_is": _of_both(filters_values.length_is),
    "linebreaks": _of_value(filters_html.linebreaks),
    "linebreaksbr": _of_value(filters_html.linebreaksbr),
    "linenumbers": _of_value(filters_text.linenumbers),
    "ljust": _of_both(filters_text.ljust),
    "lower": _of_value(filters_text.lower),
    "make_list": _of_value(filters_values.make_list),
    "phone2numeric": _of_value(filters_text.phone2numeric),
    "pluralize": _of_both(filters_values.pluralize),
    "random": Filter(filters_values.random),
    "removetags": _of_both(filters_html.removetags),
    "rjust": _of_both(filters_text.rjust),
    "safe": _of_value(filters_html.safe),
    "slice": _of_both(filters_values.slice_, filters_values.check_slice),
    "split": _of_both(filters_values.split),
    "stringformat": _of_both(filters_text.stringformat),
    "striptags": _of_value(filters_html.striptags),
    "time": _of_both(filters_values.date),
    "title": _of_value(filters_text.title),
    "truncatechars": _of_both(filters_text.truncatechars),
    "truncatewords": _of_both(filters_text.truncatewords),
    "upper": _of_value(filters_text.upper),
    "urlencode": _of_value(filters_html.urlencode),
    "urlize": _of_both(filters_html.urlize),
    "wordcount": _of_value(filters_text.wordcount),
    "wordwrap": _of_both(filters_text.wordwrap),
    "yesno": _of_both(filters_values.yesno),
}

FLYTE_FILTERS: dict[str, Filter] = {
    "extractMatch": _of_both(filters_flyte.extract_match, patterns.check),
    "index": _of_both(filters_flyte.index),
    "key": _of_both(filters_flyte.key),
    "kvp": _of_value(filters_flyte.kvp),
    "match": _of_both(filters_flyte.match, patterns.check),
    "matchesCron": _of_both(filters_flyte.matches_cron, cron.check),
    "removedupwhitespaces": _of_value(filters_flyte.removedupwhitespaces),
    "safecopypaste": _of_value(filters_flyte.safecopypaste),
}

FILTERS: dict[str, Filter] = PONGO2_FILTERS | FLYTE_FILTERS
