"""Checks of the names in templates: those in scope, the keys of payloads, and the keys of the context."""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any, Final

from application.catalog.events import EVENTS_BY_NAME
from application.catalog.specs import TRACE_PARENT
from entrypoints.lint.dependencies import earlier_steps, producers
from entrypoints.lint.findings import Problem
from entrypoints.lint.flow_text import FlowText, StepText, TemplateAt
from entrypoints.lint.name_chains import NameChain, chain_of, name_chains
from entrypoints.lint.packs import Packs
from entrypoints.lint.payloads import Payload
from entrypoints.lint.words import either, instead_of
from entrypoints.simulation.flyte.models import Event, Pack
from entrypoints.simulation.pongo2.expressions import Name
from entrypoints.simulation.pongo2.parser import VariableNode
from entrypoints.simulation.pongo2.template import FUNCTIONS
from entrypoints.simulation.pongo2.values import Struct
from entrypoints.suggestions import most_similar

_START: Final = datetime(2000, 1, 1, tzinfo=UTC)
_EVENT: Final = Event(Pack.create("", {}), "", None, _START, _START).as_struct()
_SCOPE: Final = ("Event", "Context")
_NOTHING: Final = frozenset({"nil", "null", "none", "None"})
"""Names that people give to nothing, which is what an unknown name is."""
_BOOLEANS: Final = ("True", "False")
_PAYLOAD: Final = ("Event", "Payload")


def unknown_names(flow: FlowText, packs: Packs) -> Iterator[Problem]:
    """A name that no template can see."""
    for step, at, chain in _chains(flow):
        if chain.root in {*_SCOPE, *FUNCTIONS, "pongo2", *_NOTHING}:
            if chain.root == "Event" and (message := _missing_field(chain, _payload(flow, step, packs))):
                yield Problem(at.path, message, chain.offset)
            continue
        yield Problem(
            at.path, f"there is no name {chain.root}; {_name_instead(flow, step, chain, packs)}", chain.offset
        )


def unknown_payload_keys(flow: FlowText, packs: Packs) -> Iterator[Problem]:
    """A key that the payload of this pack's event does not have."""
    for step, at, chain in _chains(flow):
        payload = _payload(flow, step, packs) if chain.parts[: len(_PAYLOAD)] == _PAYLOAD else None
        keys = chain.parts[len(_PAYLOAD) :]
        if payload is None or payload.is_open or keys == (TRACE_PARENT,):
            continue
        message = _missing_key(payload.sample, keys) or _key_of_a_form_value(payload.sample, keys)
        if message:
            name = packs.meant_event(step.event.name)
            yield Problem(at.path, f"the payload of {name} {message}", chain.offset)


def channels_of_views(flow: FlowText, packs: Packs) -> Iterator[Problem]:
    """The channel of a submitted or closed view, which has none."""
    for step, at, chain in _chains(flow):
        name = packs.meant_event(step.event.name) if step.event.pack == packs.slack else ""
        if chain.parts == (*_PAYLOAD, "channelId") and name in EVENTS_BY_NAME and not EVENTS_BY_NAME[name].has_channel:
            advice = "bring the channel along in the private_metadata of the view"
            yield Problem(at.path, f"channelId is always empty in {name}; {advice}", chain.offset)


def objects_in_texts(flow: FlowText, packs: Packs) -> Iterator[Problem]:
    """An object of a payload in a text, of which the server writes all keys and values in Go's notation."""
    for step in flow.steps:
        payload = _payload(flow, step, packs)
        for at in step.templates if payload else ():
            for chain in _shown(at):
                keys = chain.parts[len(_PAYLOAD) :] if chain.parts[: len(_PAYLOAD)] == _PAYLOAD else ()
                value = _value_at(payload.sample, keys) if payload else None
                if keys and value and isinstance(value, Mapping):
                    way = ".".join(map(str, keys))
                    advice = f"write one of its values, such as Event.Payload.{way}.{next(iter(value))}"
                    yield Problem(at.path, f"{way} is an object; {advice}", chain.offset)


def unknown_context_keys(flow: FlowText, _: Packs) -> Iterator[Problem]:
    """A key of the context that no step sets, or a key of a value, which is a text."""
    everywhere = sorted({key for step in flow.steps for key in step.context})
    for _step, at, key, chain in _context_keys(flow):
        if key not in everywhere:
            similar = most_similar(key, everywhere)
            advice = f"did you mean Context.{similar}?" if similar else f"set {key} in the context of a step before it"
            yield Problem(at.path, f"no step sets Context.{key}; {advice}", chain.offset)
        elif len(chain.parts) > len(("Context", key)) and isinstance(chain.parts[2], str):
            advice = "set what you need of it in the context"
            yield Problem(at.path, f"Context.{key} is a text and has no key {chain.parts[2]}; {advice}", chain.offset)


def context_of_other_steps(flow: FlowText, _: Packs) -> Iterator[Problem]:
    """A key of the context that is not set yet where it is read."""
    for step, at, key, chain in _context_keys(flow):
        setters = [other for other in flow.steps if key in other.context]
        before = earlier_steps(flow, step)
        if not setters or any(other in before for other in setters) or (step in setters and at.part != "context"):
            continue
        if step in setters:
            advice = f"repeat the template of {key} here"
            message = f"Context.{key} is not set yet, because the keys of one context do not see one another; {advice}"
        else:
            where = "another run" if not step.depends_on else "a step that does not come before this one"
            senders = [other for other in producers(flow, step) if other in setters and other.id]
            advice = f"set {key} in the context of this step"
            if senders and not step.depends_on:
                advice = f"let this step depend on '{senders[0].id}'"
            message = f"Context.{key} is empty here, because {_name(setters[0])} sets it in {where}; {advice}"
        yield Problem(at.path, message, chain.offset)


def _chains(flow: FlowText) -> Iterator[tuple[StepText, TemplateAt, NameChain]]:
    for step in flow.steps:
        for at in step.templates:
            for chain in name_chains(at.template):
                yield step, at, chain


def _shown(at: TemplateAt) -> Iterator[NameChain]:
    """Yields the names whose values become a part of a text as they are."""
    if at.part == "criteria":
        return
    for node in at.template.document.nodes if at.template.document else ():
        if isinstance(node, VariableNode) and isinstance(node.expression, Name):
            chain = chain_of(node.expression, at.template)
            if chain is not None:
                yield chain


def _context_keys(flow: FlowText) -> Iterator[tuple[StepText, TemplateAt, str, NameChain]]:
    """Yields where templates read a key of the context; not for a single step, whose test sets them."""
    for step, at, chain in _chains(flow) if flow.is_whole else ():
        if chain.root == "Context" and len(chain.parts) > 1 and isinstance(chain.parts[1], str):
            yield step, at, chain.parts[1], chain


def _payload(flow: FlowText, step: StepText, packs: Packs) -> Payload | None:
    """Returns the payload of the event that a step waits for, also if the event's name is misspelt."""
    payload = packs.payload(step.event.pack, packs.meant_event(step.event.name))
    if payload is None or not payload.is_open or not step.depends_on:
        return payload
    inputs = [sender.input for sender in producers(flow, step)]
    given = {key: None for one in inputs if isinstance(one, dict) for key in one}
    return Payload({**given, **payload.sample}, is_open=not all(isinstance(one, dict) for one in inputs))


def _missing_key(value: Any, parts: tuple[str | int, ...]) -> str:
    """Returns what is wrong with a way into a payload; empty if nothing is known to be."""
    way = ""
    for part in parts:
        if not isinstance(part, str) or value is None or value in ({}, []) or isinstance(value, list):
            return ""
        if not isinstance(value, Mapping):
            return f"has a {_KINDS[type(value)]} as {way}, which has no key {part}; write {way} alone"
        if part not in value:
            return f"has no key {f'{way}.{part}' if way else part}; {_key_instead(part, value)}"
        way, value = f"{way}.{part}" if way else part, value[part]
    return ""


def _key_instead(key: str, value: Mapping[str, Any]) -> str:
    """Returns a clause with the same key within another one, or else with a similar one."""
    within = [f"{name}.{key}" for name, inner in value.items() if isinstance(inner, Mapping) and key in inner]
    about = min(within, key=lambda way: "user" in way.casefold(), default="")  # rather the message than its author
    return f"did you mean {about}?" if about else instead_of(key, value)


def _value_at(value: Any, parts: tuple[str | int, ...]) -> Any:
    for part in parts:
        value = value.get(part) if isinstance(value, Mapping) else None
    return value


def _key_of_a_form_value(sample: Mapping[str, Any], parts: tuple[str | int, ...]) -> str:
    """Returns what is wrong with a way into `state`, which has values by block and element; empty if nothing."""
    block, element, key = (*parts[1:4], None, None, None)[:3]
    if parts[:1] != ("state",) or "state" not in sample or not isinstance(key, str):
        return ""
    way = f"{element}.{key}" if block == "values" else f"{block}.{element}"
    return f"has the values themselves in state, by block and element; write Event.Payload.state.{way}"


_KINDS: Final = {str: "text", bool: "boolean", int: "number", float: "number"}


def _missing_field(chain: NameChain, payload: Payload | None) -> str:
    """Returns which field an event does not have; empty if it has them all."""
    value: object = _EVENT
    way = "Event"
    for part in chain.parts[1:]:
        if not isinstance(value, Struct):
            break
        if part not in value.fields:
            is_key = value is _EVENT and payload is not None and part in payload.sample
            similar = most_similar(str(part), value.fields) or (f"Payload.{part}" if is_key else "")
            advice = f"did you mean {way}.{similar}?" if similar else f"write {way}.{either(value.fields)}"
            return f"{way} has no field {part}; {advice}"
        way, value = f"{way}.{part}", value.fields[str(part)]
    return ""


def _name_instead(flow: FlowText, step: StepText, chain: NameChain, packs: Packs) -> str:
    payload = _payload(flow, step, packs)
    if chain.root in _BOOLEANS:
        return f"write {chain.root.lower()}"
    if chain.root in _EVENT.fields:
        return f"did you mean Event.{chain.root}?"
    if chain.root in step.context:
        return f"did you mean Context.{chain.root}?"
    if payload is not None and chain.root in payload.sample:
        return f"did you mean Event.Payload.{chain.root}?"
    similar = most_similar(chain.root, (*_SCOPE, *FUNCTIONS))
    return f"did you mean {similar}?" if similar else "write Event or Context, or put a text in quotes"


def _name(step: StepText) -> str:
    return f"step '{step.id}'" if step.id else "a step without an id"
