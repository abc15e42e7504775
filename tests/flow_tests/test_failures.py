"""The report of a failed test: the position, the expected and actual conversation, and the reason."""

from pathlib import Path

import pytest

from entrypoints.flow_tests.command import run_test
from entrypoints.flow_tests.parsing.file_parser import read_tests
from entrypoints.flow_tests.runtime import event_log
from tests.flow_tests.running import ASKING, ECHO, THREADED, failure_of, plain_text, write_test


def test_the_diff_shows_the_expected_message_in_place_of_the_actual_one(tmp_path: Path) -> None:
    steps = """
    - say: echo one
    - expect: one
    - say: echo two
    - expect: zwei
    """
    found = failure_of(tmp_path, steps)

    assert (found.step, found.line) == ("step 4", 9)
    assert found.reason == 'the text is "two", not "zwei"; it is sent by flow echo, step answer'
    assert plain_text(found.diff) == [
        "  [1] #general alice: echo one",
        "  [2] #general flyte: one",
        "  [3] #general alice: echo two",
        "- #general flyte: zwei",
        "+ [4] #general flyte: two",
    ]


def test_an_unmet_criteria_is_reported_with_its_values(tmp_path: Path) -> None:
    found = failure_of(tmp_path, "- say: ecco hello\n- expect: hello")

    assert found.reason == (
        "it did not happen within 10 s; flow echo, step answer does not run: the criteria are not met"
    )
    assert plain_text(found.diff) == ["  [1] #general alice: ecco hello", "- #general flyte: hello"]
    assert [line.strip() for line in plain_text(found.trace)] == [
        "[1] #general alice: ecco hello",
        "event   Slack ReceivedMessage",
        "flow    echo, step answer does not run: the criteria are not met",
        "{{ Event.Payload.message|match:'^echo ' }}",
        'Event.Payload.message = "ecco hello"',
    ]


def test_a_failing_template_of_a_flow_is_reported(tmp_path: Path) -> None:
    flow = ECHO.replace("Event.Payload.message|slice:'5:'", "unmarshalJson('x')")

    assert (
        "flow echo, step answer cannot run: command.input.message: "
        in failure_of(tmp_path, "- say: echo a\n- expect: a", flow=flow).reason
    )


def test_a_different_command_is_shown_next_to_the_expected_one(tmp_path: Path) -> None:
    steps = "- say: hello\n- expect: {command: Ask, input: {by: '{{ people.bob }}', words: [a]}}"

    found = failure_of(tmp_path, steps, flow=ASKING)

    assert found.reason.startswith("the bot posts a message that this step does not expect")
    assert plain_text(found.diff)[1:] == [
        '- command (any pack) Ask {"by": "U00000002S", "words": ["a"]}',
        "+ [2] #general flyte: 42 for <@alice>",
        '+ command Oracle Ask {"by": "U00000001S", "words": ["a", "hello"]}',
    ]


def test_something_that_happened_too_early_is_reported(tmp_path: Path) -> None:
    steps = """
    - say: hello
    - expect:
      - message: 42 for <@alice>
      - command: Ask
    """
    assert failure_of(tmp_path, steps, flow=ASKING).reason == (
        "it did not happen within 10 s; it happened before what the test expects first"
    )


def test_a_payload_difference_is_reported_with_its_path(tmp_path: Path) -> None:
    steps = """
    - say: hello
    - expect:
      - {event: Answered, payload: {details: {certain: 1, more: x}, answer: {contains: 43}}}
      others: allowed
    """
    reason = failure_of(tmp_path, steps, flow=ASKING).reason

    assert "payload.details.certain is true, not 1" in reason
    assert "payload.details has no 'more'" in reason
    assert 'payload.answer is "42 for <@alice>", and does not contain 43' in reason


def test_an_answer_in_the_wrong_thread_is_reported(tmp_path: Path) -> None:
    steps = """
    - {say: one, id: one}
    - {say: echo two, id: two}
    - expect: {message: two, thread: one}
    """
    found = failure_of(tmp_path, steps, flow=THREADED)

    assert found.reason.startswith("it came in another thread, not in the thread of 'one'")
    assert plain_text(found.diff)[-2:] == [
        "- #general (thread of [1]) flyte: two",
        "+ [3] #general (thread of [2]) flyte: two",
    ]


def test_a_failing_template_of_the_test_is_reported(tmp_path: Path) -> None:
    found = failure_of(tmp_path, "- say: \"{{ unmarshalJson('x') }}\"")

    assert "a template in this step cannot be rendered" in found.reason
    assert found.step == "step 1"


def test_a_failing_template_of_a_later_expectation_does_not_hide_the_failure(tmp_path: Path) -> None:
    found = failure_of(tmp_path, "- say: echo a\n- expect: [b, \"{{ unmarshalJson('x') }}\"]")

    assert found.reason.startswith('the text is "a", not "b"')
    assert plain_text(found.diff)[2].startswith("- (a template in line 7 cannot be rendered: ")


def test_a_missing_pack_is_reported(tmp_path: Path) -> None:
    flow = ASKING.replace("packName: Oracle\n", "packName: Orakel\n")

    found = failure_of(tmp_path, "- say: a\n- expect: b", flow=flow)

    assert "; there is no pack Orakel to take Ask: `packs` has only Oracle" in found.reason


def test_a_test_without_packs_is_told_to_name_them(tmp_path: Path) -> None:
    test = write_test(tmp_path, "- say: a\n- expect: b", flow=ASKING)
    test.write_text(test.read_text().replace("packs: [oracle.yaml]\n", ""))

    (result,) = [run_test(one) for one in read_tests(test)]

    assert result.failure is not None
    assert "; there is no pack Oracle to take Ask: add its script to `packs`" in result.failure.reason


@pytest.mark.parametrize(
    ("expected", "hint"),
    [
        ("{command: Ask, pack: Orakel}", "Ask is sent to the pack Oracle, and the test expects the pack Orakel"),
        ("{event: Answered, pack: Orakel}", "Answered comes from the pack Oracle, and the test expects the pack Orak"),
        ("{command: Tell, pack: Orakel}", "unknown pack 'Orakel'; did you mean 'Oracle'?"),
    ],
)
def test_a_wrong_pack_is_reported_instead_of_advice_to_accept_the_message(
    expected: str, hint: str, tmp_path: Path
) -> None:
    found = failure_of(tmp_path, f"- say: a\n- expect: {expected}", flow=ASKING)

    assert f"; {hint}" in found.reason
    assert "others: allowed" not in found.reason


def test_an_answer_that_no_step_waits_for_is_reported(tmp_path: Path) -> None:
    flow = ASKING.replace("name: Answered", "name: AnswerGiven")

    found = failure_of(tmp_path, "- say: a\n- expect: {message: {contains: '42'}}", flow=flow)

    assert "; no step waits for Oracle Answered; step tell waits for Oracle AnswerGiven" in found.reason


def test_an_event_that_no_flow_waits_for_is_reported(tmp_path: Path) -> None:
    found = failure_of(tmp_path, "- {event: Answered, pack: Orakel}\n- expect: a", flow=ASKING)

    assert "; no flow waits for Orakel Answered; a step waits for Oracle Answered" in found.reason


def test_a_long_conversation_is_shown_around_the_failure(tmp_path: Path) -> None:
    steps = """
    - repeat: 30
      every: 10s
      steps:
      - say: echo {{ n }}
      - expect: "{% if n < 20 %}{{ n }}{% else %}twenty{% endif %}"
    """
    found = failure_of(tmp_path, steps)

    assert found.step == "step 1, round 20, step 2"
    assert plain_text(found.diff) == [
        "  [35] #general alice: echo 18",
        "  [36] #general flyte: 18",
        "  [37] #general alice: echo 19",
        "  [38] #general flyte: 19",
        "  [39] #general alice: echo 20",
        "- #general flyte: twenty",
        "+ [40] #general flyte: 20",
    ]


def test_flows_that_trigger_each_other_endlessly_are_reported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(event_log, "MAX_EVENTS_PER_INSTANT", 1000)
    flow = """
    name: circling
    steps:
    - {event: {packName: Timer, name: Rang}, command: {packName: Oracle, name: Ask, input: {by: a}}}
    - {event: {packName: Oracle, name: Answered}, command: {packName: Oracle, name: Ask, input: {by: a}}}
    """
    found = failure_of(tmp_path, "- {event: Rang, pack: Timer}\n- expect: nothing\n- wait: 1m", flow=flow)

    assert found.reason == "a flow sends a command, and nothing was expected; it is sent by flow circling"
    found = failure_of(tmp_path, "- {event: Rang, pack: Timer}\n- wait: 1m", flow=flow)
    assert found.reason.startswith("flows and packs trigger each other endlessly")
    assert found.step == "step 2"
