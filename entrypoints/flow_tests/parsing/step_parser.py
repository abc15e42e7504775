"""Loads the steps of a flow test."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Final, cast

from entrypoints.flow_tests.model import Expect, Expected, ExpectNothing, FlowTestSetup, Repeat, TestStep
from entrypoints.flow_tests.parsing.references import References
from entrypoints.flow_tests.parsing.step_schemas import EXPECTATIONS, STEPS, ExpectNothingSchema
from entrypoints.simulation.flyte.document_schemas import DocumentSchema, KeyPath, unknown
from entrypoints.simulation.flyte.documents import Document

_NOTHING: Final = "nothing"


class StepParser:
    """Loads steps with the schema of their kind, and checks the names in them."""

    def __init__(self, document: Document, setup: FlowTestSetup) -> None:
        self._document = document
        self._references = References(document, setup)

    def parse(self, steps: Sequence[object], path: KeyPath) -> Sequence[TestStep]:
        """Loads the list of steps at a path. Raises InvalidDocument."""
        return [self._step(raw, (*path, index)) for index, raw in enumerate(steps)]

    def _step(self, raw: object, path: KeyPath) -> TestStep:
        kind, entry = self._kind(raw, path, "step", STEPS)
        if kind == "expect":
            return self._expect(entry, path)
        if kind == "repeat":
            return self._repeat(entry, path)
        return cast("TestStep", self._load(STEPS[kind], entry, path))

    def _expect(self, entry: Mapping[str, object], path: KeyPath) -> Expect | ExpectNothing:
        expected = entry["expect"]
        if expected == _NOTHING:
            return cast("ExpectNothing", self._load(ExpectNothingSchema(), entry, path))
        options: Any = self._document.load(STEPS["expect"], entry, path)
        if isinstance(expected, list):
            items = [(raw, (*path, "expect", index)) for index, raw in enumerate(expected)]
        else:
            items = [(expected, (*path, "expect"))]
        if not items:
            message = "expected a list of messages, commands and events, with at least one"
            raise self._document.error((*path, "expect"), message)
        return Expect(
            line=self._document.line(path),
            expected=[self._expectation(raw, place, entry.get("within")) for raw, place in items],
            in_any_order=options.get("order") == "any",
            are_others_allowed=options.get("others") == "allowed",
        )

    def _expectation(self, raw: object, path: KeyPath, within: object) -> Expected:
        """Loads an expectation, whose default for `within` is that of its step."""
        if isinstance(raw, str):
            raw = {"message": raw}
        kind, entry = self._kind(raw, path, "expectation", EXPECTATIONS)
        if entry.get("within") is None:
            entry = {**entry, "within": within}
        return cast("Expected", self._load(EXPECTATIONS[kind], entry, path))

    def _repeat(self, entry: Mapping[str, object], path: KeyPath) -> Repeat:
        options: Any = self._document.load(STEPS["repeat"], entry, path)
        with self._references.scope():
            steps = self.parse(options["steps"], (*path, "steps"))
        return Repeat(line=self._document.line(path), times=options["times"], every=options["every"], steps=steps)

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
