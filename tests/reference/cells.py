"""The cells of the reference's tables of commands and events."""

from application.catalog.specs import AskOperator, CommandSpec, EventSpec, InDoubtRule, LookFor, Repeat


def command_cells(spec: CommandSpec) -> list[str]:
    """Command, input, success event with what it adds, failure event, and what happens in doubt."""
    optional = [field.name for field in spec.fields if not any(field.name in group for group in spec.required)]
    fields = [*(f"{_alternatives(group)}\\*" for group in spec.required), *map(_code, optional)]
    if spec.passes_on:
        fields.append("any other field")
    sizes = ("size",) if any(field.is_content for field in spec.fields) else ()
    return [
        _code(spec.name),
        ", ".join(fields),
        " + ".join(filter(None, (_code(spec.success), _codes(tuple(dict.fromkeys((*spec.results, *sizes))))))),
        " + ".join(filter(None, (_code(spec.failure), _codes(sizes)))),
        in_doubt_words(spec.in_doubt),
    ]


def required_cell(spec: CommandSpec, name: str) -> str:
    """Whether a field of a command is required, and which other one serves instead."""
    others = next(([other for other in group if other != name] for group in spec.required if name in group), None)
    return "" if others is None else "yes" if not others else f"this or {_alternatives(tuple(others))}"


def event_cells(spec: EventSpec) -> list[str]:
    """Event, its meaning, and its payload."""
    name = _code(spec.name) + (" (optional)" if spec.is_optional else "")
    return [name, spec.summary, _codes(spec.fields)]


def in_doubt_words(rule: InDoubtRule) -> str:
    """What happens in doubt, in the words of the documentation."""
    match rule:
        case Repeat(settled_by=""):
            return "repeated"
        case Repeat(settled_by=error):
            return f"repeated; then `{error}` is a success"
        case LookFor():
            return "looked for, then repeated"
        case AskOperator():
            return "the operator decides"


def _alternatives(names: tuple[str, ...]) -> str:
    return " or ".join(map(_code, names))


def _codes(names: tuple[str, ...]) -> str:
    return ", ".join(map(_code, names))


def _code(name: str) -> str:
    return f"`{name}`"
