"""The table of checks. A new check is a function and a row here."""

from collections.abc import Callable, Iterator
from typing import Final, NamedTuple

from entrypoints.lint import (
    criteria,
    escapes,
    impossible_texts,
    inputs,
    names,
    refusals,
    runs,
    structure,
    template_names,
    template_syntax,
    yaml_traps,
)
from entrypoints.lint.findings import Problem
from entrypoints.lint.flow_text import FlowText
from entrypoints.lint.packs import Packs


class Check(NamedTuple):
    """A check: its id, which never changes, and how it finds mistakes in a flow; its docstring says which."""

    id: str
    find: Callable[[FlowText, Packs], Iterator[Problem]]

    @property
    def summary(self) -> str:
        """One sentence for the documentation."""
        return (self.find.__doc__ or "").strip().partition("\n")[0]


CHECKS: Final = (
    Check("unreadable", yaml_traps.unreadable_files),
    Check("indentation", structure.misplaced_keys),
    Check("unquoted-template", yaml_traps.unquoted_templates),
    Check("unquoted-text", yaml_traps.unquoted_texts),
    Check("unclosed-quote", yaml_traps.unclosed_quotes),
    Check("quotes-in-quotes", yaml_traps.quotes_in_quotes),
    Check("comment-in-text", yaml_traps.comments_in_texts),
    Check("slash-comment", yaml_traps.slash_comments),
    Check("escape-in-pattern", escapes.escapes_in_patterns),
    Check("too-many-backslashes", template_syntax.escaped_classes),
    Check("changed-number", yaml_traps.changed_numbers),
    Check("boolean-text", yaml_traps.boolean_texts),
    Check("boolean-key", yaml_traps.boolean_keys),
    Check("duplicate-key", structure.duplicate_keys),
    Check("second-document", structure.second_documents),
    Check("refused", structure.refused_flows),
    Check("empty-flow", structure.empty_flows),
    Check("unknown-key", structure.unknown_keys),
    Check("unknown-pack", names.misspelt_packs),
    Check("unknown-event", names.unknown_events),
    Check("unknown-command", names.unknown_commands),
    Check("unknown-step", runs.unknown_steps),
    Check("circular-steps", runs.circular_steps),
    Check("event-never-comes", runs.events_that_never_come),
    Check("answer-without-step", runs.answers_without_a_step),
    Check("endless-flow", runs.endless_flows),
    Check("runs-twice", runs.steps_that_run_twice),
    Check("missing-input", inputs.missing_inputs),
    Check("unknown-input", inputs.unknown_inputs),
    Check("invalid-input", inputs.invalid_inputs),
    Check("empty-value", inputs.empty_values),
    Check("null-in-list", inputs.nulls_in_lists),
    Check("refused-input", refusals.refused_inputs),
    Check("external-select", refusals.external_selects),
    Check("refused-method", inputs.refused_methods),
    Check("unknown-filter", template_syntax.unknown_filters),
    Check("template-error", template_syntax.template_errors),
    Check("missing-braces", template_syntax.missing_braces),
    Check("template-not-evaluated", template_syntax.templates_where_none_are),
    Check("unknown-name", template_names.unknown_names),
    Check("unknown-payload-key", template_names.unknown_payload_keys),
    Check("view-without-channel", template_names.channels_of_views),
    Check("object-in-text", template_names.objects_in_texts),
    Check("unknown-context-key", template_names.unknown_context_keys),
    Check("context-not-set", template_names.context_of_other_steps),
    Check("criteria-never-boolean", criteria.criteria_without_a_boolean),
    Check("never-equal", criteria.comparisons_of_other_types),
    Check("impossible-text", impossible_texts.comparisons_with_impossible_texts),
)
