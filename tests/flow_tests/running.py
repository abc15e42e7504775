"""Writes and runs flow tests, with example flows."""

from collections.abc import Iterable
from pathlib import Path
from textwrap import dedent, indent

from entrypoints.flow_tests.command import run_test
from entrypoints.flow_tests.parsing.file_parser import read_tests
from entrypoints.flow_tests.quiet_logs import silent_logs
from entrypoints.flow_tests.result import Failure, FlowTestResult
from entrypoints.simulation.console.output import Line

ECHO = """
name: echo
steps:
- id: answer
  event: {packName: Slack, name: ReceivedMessage}
  criteria: "{{ Event.Payload.message|match:'^echo ' }}"
  command:
    packName: Slack
    name: SendMessage
    input:
      channelId: "{{ Event.Payload.channelId }}"
      message: "{{ Event.Payload.message|slice:'5:' }}"
"""
THREADED = ECHO.replace(
    "      message:", '      threadTimestamp: "{{ Event.Payload.threadTimestamp }}"\n      message:'
)
ASKING = """
name: asking
steps:
- id: ask
  event: {packName: Slack, name: ReceivedMessage}
  context: {Channel: "{{ Event.Payload.channelId }}"}
  command:
    packName: Oracle
    name: Ask
    input: {by: "{{ Event.Payload.user.id }}", words: [a, "{{ Event.Payload.message }}"]}
- id: tell
  dependsOn: [ask]
  event: {packName: Oracle, name: Answered}
  command:
    packName: Slack
    name: SendMessage
    input: {channelId: "{{ Context.Channel }}", message: "{{ Event.Payload.answer }}"}
"""
ORACLE = """
name: Oracle
commands:
  Ask: {event: Answered, payload: {answer: "42 for <@{{ Input.by }}>", details: {certain: true}}}
"""
BROADCASTING = """
name: broadcasting
steps:
- event: {packName: Timer, name: Rang}
  command: {packName: Slack, name: Broadcast, input: {message: "{{ Event.Payload.what }}"}}
"""


def write_test(folder: Path, steps: str, *, flow: str = ECHO, head: str = "") -> Path:
    """Writes a file with one test of these steps."""
    folder.mkdir(exist_ok=True)
    (folder / "flow.yaml").write_text(flow)
    (folder / "oracle.yaml").write_text(ORACLE)
    path = folder / "test.yaml"
    setup = f"flows: [flow.yaml]\npacks: [oracle.yaml]\n{dedent(head)}"
    path.write_text(f"{setup}tests:\n- name: it\n  steps:\n{indent(dedent(steps).strip(), '  ')}\n")
    return path


def run_steps(folder: Path, steps: str, *, flow: str = ECHO, head: str = "") -> FlowTestResult:
    """Runs one test of these steps."""
    (test,) = read_tests(write_test(folder, steps, flow=flow, head=head))
    with silent_logs():
        return run_test(test)


def failure_of(folder: Path, steps: str, *, flow: str = ECHO, head: str = "") -> Failure:
    """Runs one test of these steps, which fails."""
    found = run_steps(folder, steps, flow=flow, head=head).failure
    assert found is not None
    return found


def plain_text(lines: Iterable[Line]) -> list[str]:
    """Returns the text of lines."""
    return ["".join(span.text for span in line.spans) for line in lines]
