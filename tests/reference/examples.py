"""The examples of commands and events: what they say, their flows, and what comes back when these run."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import cast

from adapters.memory.clock import run_in_virtual_time
from application.catalog.specs import CommandSpec, EventSpec
from domain.json_values import Json
from entrypoints.flow_tests.model import START, FlowTest
from entrypoints.flow_tests.parsing.file_parser import read_tests
from entrypoints.flow_tests.quiet_logs import silent_logs
from entrypoints.flow_tests.runtime.environment import running_environment
from entrypoints.flow_tests.runtime.observed import EventSent
from entrypoints.flow_tests.runtime.runner import Runner
from entrypoints.flow_tests.runtime.seeded_random import SeededRandom
from entrypoints.simulation.flyte.flow_loader import BUILT_IN
from tests.support.pages import ROOT, titled_blocks

EXAMPLES = ROOT / "examples" / "reference"

_SETUP = f"""
people:
  alice:
    id: U023BECGF
    name: alice
    email: alice@example.com
    title: Principal Systems Engineer
    firstName: Alice
    lastName: Smith
  bob: {{id: U061F7AUR, name: bob, email: bob@example.com, firstName: Robert, lastName: Jones}}
channels:
  '#ops': C024BE91L
  '#general': C0PQRS123
  '#lounge': {{id: C0LMN4567, joined: false}}
flows: [flow.yaml, {BUILT_IN / "echo.yaml"}] # with "echo ..." people have the bot say something
"""

_RANDOM: Mapping[str, Json] = {
    "eventId": "Ev0PV52K25",
    "responseUrl": "https://hooks.slack.com/actions/T024BE7LD/1/x",
    "triggerId": "12466734323.1395872398",
    "viewHash": "156772938.1827394",
}
"""What is shown for values that differ from run to run, by key."""

_TIMESTAMP = re.compile(r"\b17676\d{5}(\.?)\d{6}\b")
"""Of a message; without the dot as part of its address. The pack's own pace decides about the last digits."""


@dataclass(frozen=True)
class Example:
    """The example of a command or an event."""

    name: str
    introduction: str
    file: str
    """The name of the flow's file."""
    flow: str
    tests: str
    """Flow tests, each with the name of the event that it makes the pack send."""
    notes: str


def read_example(spec: CommandSpec | EventSpec) -> Example:
    """Returns the example of a command or an event. Raises LookupError if there is none, or a part is missing."""
    path = EXAMPLES / ("commands" if isinstance(spec, CommandSpec) else "events") / f"{spec.name}.md"
    if not path.exists():
        raise LookupError(f"{spec.name} has no example: write {path.relative_to(ROOT)}, like those beside it")
    text = path.read_text()
    blocks = titled_blocks(text)
    if len(blocks) != 2:
        raise LookupError(f"{path.relative_to(ROOT)} needs two code blocks with a title: a flow, and its tests")
    (file, flow), (_, tests) = blocks.items()
    introduction, *_, notes = re.split(r"^```.*?^```\n", text, flags=re.MULTILINE | re.DOTALL)
    return Example(spec.name, introduction.strip(), file, flow, tests, notes.strip())


def run_example(example: Example) -> Mapping[str, Json]:
    """Runs the tests of an example. Returns the payload of each event that a test is named after."""
    with TemporaryDirectory() as folder:
        (Path(folder) / "flow.yaml").write_text(example.flow)
        file = Path(folder) / f"{example.name}.yaml"
        file.write_text(f"{_SETUP}tests:\n{example.tests}")
        return {test.name: _run(test) for test in read_tests(file) if isinstance(test, FlowTest)}


def _run(test: FlowTest) -> Json:
    with silent_logs(), SeededRandom().active():
        return _without_pace(_without_randomness(run_in_virtual_time(_last_payload(test))))


async def _last_payload(test: FlowTest) -> Json:
    async with running_environment(test.setup) as environment:
        failure = await Runner(environment).run(test.steps)
        assert failure is None, f"{test.file.stem}, test {test.name}: {failure.reason}"
        sent = [event for event in environment.event_log.observed if isinstance(event, EventSent)]
    payloads = [event.payload for event in sent if event.event == test.name]
    assert payloads, f"{test.file.stem}: the pack sent {[event.event for event in sent]}, and no {test.name}"
    return cast("Json", payloads[-1])


def _without_randomness(value: Json) -> Json:
    match value:
        case dict():
            return {key: (item and _RANDOM.get(key)) or _without_randomness(item) for key, item in value.items()}
        case list() | tuple():
            return [_without_randomness(item) for item in value]
        case _:
            return value


def _without_pace(value: Json) -> Json:
    """Returns the value with its timestamps numbered in their order."""
    text = json.dumps(value)
    moments = sorted({found[0].replace(".", "") for found in _TIMESTAMP.finditer(text)})

    def numbered(found: re.Match[str]) -> str:
        return f"{START.timestamp():.0f}{found[1]}{moments.index(found[0].replace('.', '')) + 1:06}"

    return cast("Json", json.loads(_TIMESTAMP.sub(numbered, text)))
