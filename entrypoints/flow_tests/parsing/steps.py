"""Reads the steps of a flow test."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Final

from entrypoints.flow_tests.model import (
    DEFAULT_TIMEOUT_SECONDS,
    Expect,
    ExpectNothing,
    FlowTestSetup,
    FlyteFault,
    Invite,
    RaiseEvent,
    Remove,
    Repeat,
    Say,
    SlackFault,
    TestStep,
    Wait,
)
from entrypoints.flow_tests.parsing.expectations import read_expectation
from entrypoints.flow_tests.parsing.references import Vocabulary
from entrypoints.flow_tests.parsing.strict_reader import StrictReader
from entrypoints.simulation.flyte.documents import KeyPath

_NOTHING: Final = "nothing"
_SLACK_CALLS: Final = ("post", "join", "leave", "look_up")
_FLYTE_STATES: Final = ("down", "fails", "works")


class StepsReader:
    """Turns decoded values into steps. Names of people, channels and messages are checked on the way."""

    def __init__(self, reader: StrictReader, scene: FlowTestSetup) -> None:
        self._reader = reader
        self._vocabulary = Vocabulary(reader, scene)
        self._kinds: dict[str, tuple[tuple[str, ...], Callable[[Mapping[str, object], KeyPath], TestStep]]] = {
            "say": (("as", "in", "thread", "id", "raw"), self._say),
            "event": (("pack", "payload", "labels"), self._event),
            "wait": ((), self._wait),
            "invite": ((), self._invite),
            "remove": ((), self._remove),
            "slack": (("for", "times", "call", "posted"), self._slack),
            "flyte": (("for", "times"), self._flyte),
            "expect": (("within", "for", "order", "others"), self._expect),
            "repeat": (("every", "steps"), self._repeat),
        }

    def steps(self, raw: object, path: KeyPath) -> Sequence[TestStep]:
        """The list of steps at a place. Raises InvalidDocument."""
        return [self._step(step, (*path, index)) for index, step in enumerate(self._reader.items(raw, path, "steps"))]

    def _step(self, raw: object, path: KeyPath) -> TestStep:
        kind = self._kind(raw, path)
        keys, read = self._kinds[kind]
        return read(self._reader.mapping(raw, path, (kind, *keys)), path)

    def _kind(self, raw: object, path: KeyPath) -> str:
        if not isinstance(raw, dict) or not raw:
            raise self._reader.refusal(path, f"a step begins with one of: {', '.join(self._kinds)}")
        found = [key for key in raw if key in self._kinds]
        if not found:
            first = str(next(iter(raw)))
            self._reader.known(first, self._kinds, (*path, first), "kind of step")
        return str(found[0])

    def _say(self, step: Mapping[str, object], path: KeyPath) -> Say:
        reader, vocabulary = self._reader, self._vocabulary
        return Say(
            line=reader.line(path),
            text=reader.template(reader.text(step, "say", path), (*path, "say")),
            speaker=vocabulary.person(step, path),
            room=vocabulary.room(step, "in", path),
            thread=vocabulary.message(step, path),
            name=vocabulary.new_name(step, path),
            is_raw=reader.flag(step, "raw", path, default=False),
        )

    def _event(self, step: Mapping[str, object], path: KeyPath) -> RaiseEvent:
        reader = self._reader
        labels = reader.templates(step.get("labels"), (*path, "labels"))
        return RaiseEvent(
            line=reader.line(path),
            pack=reader.text(step, "pack", path),
            event=reader.text(step, "event", path),
            payload=reader.tree(step.get("payload"), (*path, "payload")),
            labels={name: template.source for name, template in labels.items()},
        )

    def _wait(self, step: Mapping[str, object], path: KeyPath) -> Wait:
        return Wait(line=self._reader.line(path), seconds=self._reader.seconds(step, "wait", path) or 0.0)

    def _invite(self, step: Mapping[str, object], path: KeyPath) -> Invite:
        return Invite(line=self._reader.line(path), room=self._vocabulary.channel(step, "invite", path))

    def _remove(self, step: Mapping[str, object], path: KeyPath) -> Remove:
        return Remove(line=self._reader.line(path), room=self._vocabulary.channel(step, "remove", path))

    def _slack(self, step: Mapping[str, object], path: KeyPath) -> SlackFault:
        reader = self._reader
        return SlackFault(
            line=reader.line(path),
            answer=reader.text(step, "slack", path),
            seconds=reader.seconds(step, "for", path),
            times=reader.count(step, "times", path),
            call=reader.choice(step, "call", path, _SLACK_CALLS, "post"),
            is_posted=reader.flag(step, "posted", path, default=True),
        )

    def _flyte(self, step: Mapping[str, object], path: KeyPath) -> FlyteFault:
        reader = self._reader
        return FlyteFault(
            line=reader.line(path),
            state=reader.choice(step, "flyte", path, _FLYTE_STATES, ""),
            seconds=reader.seconds(step, "for", path),
            times=reader.count(step, "times", path),
        )

    def _expect(self, step: Mapping[str, object], path: KeyPath) -> Expect | ExpectNothing:
        reader, raw = self._reader, step.get("expect")
        if raw == _NOTHING:
            reader.mapping(step, path, ("expect", "for"))
            seconds = reader.seconds(step, "for", path)
            return ExpectNothing(
                line=reader.line(path), seconds=DEFAULT_TIMEOUT_SECONDS if seconds is None else seconds
            )
        reader.mapping(step, path, ("expect", "within", "order", "others"))
        within = reader.seconds(step, "within", path)
        listed: Iterable[tuple[object, KeyPath]] = [(raw, (*path, "expect"))]
        if isinstance(raw, list):
            items = reader.items(raw, (*path, "expect"), "messages, commands and events")
            listed = [(item, (*path, "expect", index)) for index, item in enumerate(items)]
        usual = DEFAULT_TIMEOUT_SECONDS if within is None else within
        return Expect(
            line=reader.line(path),
            expected=[read_expectation(reader, self._vocabulary, item, place, usual) for item, place in listed],
            in_any_order=reader.choice(step, "order", path, ("given", "any"), "given") == "any",
            are_others_allowed=reader.choice(step, "others", path, ("refused", "allowed"), "refused") == "allowed",
        )

    def _repeat(self, step: Mapping[str, object], path: KeyPath) -> Repeat:
        reader = self._reader
        times = reader.count(step, "repeat", path)
        if times is None:
            raise reader.refusal((*path, "repeat"), "a whole number from 1 on expected")
        with self._vocabulary.repeated():
            steps = self.steps(step.get("steps"), (*path, "steps"))
        every = reader.seconds(step, "every", path) or 0.0
        return Repeat(line=reader.line(path), times=times, every=every, steps=steps)
