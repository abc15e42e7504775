"""Loads the steps of a flow test."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, cast

from entrypoints.flow_tests.expected import Expected
from entrypoints.flow_tests.model import Expect, FlowTestSetup, Repeat, TestStep
from entrypoints.flow_tests.parsing.references import References
from entrypoints.flow_tests.parsing.step_schemas import EXPECTATIONS, NOTHING, STEPS
from entrypoints.lint.flow_text import has_code, texts
from entrypoints.simulation.flyte.document_fields import unknown
from entrypoints.simulation.flyte.document_schemas import DocumentSchema, KeyPath
from entrypoints.simulation.flyte.documents import Document, InvalidDocument, raise_all
from entrypoints.simulation.pongo2.errors import TemplateError
from entrypoints.simulation.pongo2.regex import compile_pattern


class StepParser:
    """Loads steps with the schema of their kind, and checks the names in them."""

    def __init__(self, document: Document, setup: FlowTestSetup) -> None:
        self._document = document
        self._references = References(document, setup)
        self._errors: list[InvalidDocument] = []

    def parse(self, steps: Sequence[object], path: KeyPath) -> Sequence[TestStep]:
        """Loads the list of steps at a path. Raises InvalidDocument with the errors of all steps."""
        loaded = self._steps(steps, path)
        raise_all(self._errors)
        return loaded

    def _steps(self, steps: Sequence[object], path: KeyPath) -> Sequence[TestStep]:
        """Loads the steps that have no error, and notes the errors of the others."""
        loaded: list[TestStep] = []
        for index, raw in enumerate(steps):
            try:
                loaded.append(self._step(raw, (*path, index)))
            except InvalidDocument as error:
                self._errors.append(error)
                self._references.assume(raw)
        return loaded

    def _step(self, raw: object, path: KeyPath) -> TestStep:
        kind, entry = self._kind(raw, path, "step", STEPS)
        if kind == "expect" and entry["expect"] == "nothing":
            return cast("TestStep", self._load(NOTHING, entry, path))
        step: TestStep = self._load(STEPS[kind], entry, path)
        if isinstance(step, Expect):
            return replace(step, expected=self._expected(step, entry.get("expect"), (*path, "expect")))
        if isinstance(step, Repeat):
            with self._references.scope():
                return replace(step, steps=self._steps(step.steps, (*path, "steps")))
        return step

    def _expected(self, step: Expect, raw: object, path: KeyPath) -> Sequence[Expected]:
        if not isinstance(raw, list):
            return [self._expectation(step, raw, path)]
        if not raw:
            raise self._document.error(path, "expected a list of messages, commands and events, with at least one")
        return [self._expectation(step, item, (*path, index)) for index, item in enumerate(raw)]

    def _expectation(self, step: Expect, raw: object, path: KeyPath) -> Expected:
        if isinstance(raw, str):
            raw = {"message": raw}
        kind, entry = self._kind(raw, path, "expectation", EXPECTATIONS)
        expected: Expected = self._load(EXPECTATIONS[kind], entry, path)
        self._check_patterns(entry, path)
        if entry.get("within") is None:
            expected = replace(expected, within=step.within)
        if expected.after > expected.within:
            message = f"after {expected.after:g} s cannot be within {expected.within:g} s"
            raise self._document.error((*path, "after"), message)
        return expected

    def _check_patterns(self, entry: object, path: KeyPath) -> None:
        """Checks the regular expressions of matchers, which nothing would ever match if they are invalid."""
        for place, text in texts(entry, path):
            if place[-1] == "matches" and not has_code(text):
                try:
                    compile_pattern(text)
                except TemplateError as error:
                    raise self._document.error(place, error.message) from None

    def _kind(
        self, raw: object, path: KeyPath, noun: str, kinds: Mapping[str, DocumentSchema]
    ) -> tuple[str, Mapping[str, object]]:
        """Returns the first key that names a kind, and the entry."""
        if not isinstance(raw, dict) or not raw:
            raise self._document.error(path, f"expected an object with one of: {', '.join(kinds)}")
        kind = next((key for key in raw if key in kinds), None)
        if kind is None:
            first = str(next(iter(raw)))
            raise self._document.error((*path, first), unknown(noun, first, kinds))
        return kind, raw

    def _load(self, schema: DocumentSchema, entry: Mapping[str, object], path: KeyPath) -> Any:
        loaded: Any = self._document.load(schema, entry, path)
        self._references.check(entry, path)
        return replace(loaded, line=self._document.line(path))
