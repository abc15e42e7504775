"""The names in templates, with the filters `key` that lead further into a value."""

from collections.abc import Iterator
from dataclasses import dataclass

from entrypoints.simulation.pongo2.expressions import Expression, Filtered, Literal, Name
from entrypoints.simulation.pongo2.template import Template


@dataclass(frozen=True, slots=True)
class NameChain:
    """A dotted name, or one with filters: `Event.Payload.user.id`, `Event.Payload|key:'user'`."""

    parts: tuple[str | int, ...]
    offset: int
    """Where it begins in the template."""

    @property
    def root(self) -> str:
        """The first part."""
        return str(self.parts[0])


def name_chains(template: Template) -> Iterator[NameChain]:
    """Yields every name of a template that is neither a call nor defined in the template."""
    lengthened = {id(one.value) for one in template.expressions if isinstance(one, Filtered) and _keys(one)}
    for expression in template.expressions:
        chain = None if id(expression) in lengthened else chain_of(expression, template)
        if chain is not None:
            yield chain


def chain_of(expression: Expression, template: Template) -> NameChain | None:
    """Returns the name that an expression is; None if it is anything else, a call, or defined in the template."""
    more: tuple[str, ...] = ()
    if isinstance(expression, Filtered):
        more, expression = _keys(expression), expression.value if _keys(expression) else expression
    if not isinstance(expression, Name) or expression.parts[0].arguments is not None:
        return None
    if str(expression.parts[0].key) in template.declared:
        return None
    parts = (*(part.key for part in expression.parts), *more)
    return NameChain(parts, expression.position.offset(template.source))


def _keys(filtered: Filtered) -> tuple[str, ...]:
    """Returns the keys that the first filters name."""
    keys: list[str] = []
    for call in filtered.filters:
        if call.name != "key" or not isinstance(call.argument, Literal) or not isinstance(call.argument.value, str):
            break
        keys.append(call.argument.value)
    return tuple(keys)
