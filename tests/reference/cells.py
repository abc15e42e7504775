"""The cells of the reference's tables of commands and events."""

from application.catalog.specs import AskOperator, CommandSpec, EventSpec, InDoubtRule, LookFor, Repeat


def command_cells(spec: CommandSpec) -> list[str]:
    """Command, purpose, both events with what they add, and what happens in doubt."""
    sizes = ("size",) if any(field.is_content for field in spec.fields) else ()
    events = (
        _event(spec.success, *dict.fromkeys((*spec.results, *sizes))),
        _event(spec.failure, *sizes),
    )
    return [_link(spec.name), spec.summary, "<br>".join(events), _in_doubt(spec.in_doubt)]


def event_cells(spec: EventSpec) -> list[str]:
    """Event, and its meaning."""
    return [_link(spec.name) + (" (optional)" if spec.is_optional else ""), spec.summary]


def required_cell(spec: CommandSpec, name: str) -> str:
    """Whether a field of a command is required, and which other one serves instead."""
    others = next(([other for other in group if other != name] for group in spec.required if name in group), None)
    return "" if others is None else "yes" if not others else f"this or {' or '.join(map(_code, others))}"


def _in_doubt(rule: InDoubtRule) -> str:
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


def _event(name: str, *added: str) -> str:
    return " + ".join((_code(name), *([", ".join(map(_code, added))] if added else ())))


def _link(name: str) -> str:
    return f"[`{name}`](#{name.lower()})"


def _code(name: str) -> str:
    return f"`{name}`"
